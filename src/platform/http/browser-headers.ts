import type { Settings } from "../config/settings.ts";
import { TELEGRAM_WEB_ORIGINS } from "./origins.ts";

/** Browsers remember for a year that this host speaks https only; its neighbours below the same name are not ours. */
const HTTPS_ONLY = "max-age=31536000";
/** What a page of ours may use of the device: nothing. A photo comes through the file chooser, which asks nobody. */
const DEVICE_POLICY = [
  "accelerometer",
  "autoplay",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "usb",
]
  .map((feature) => `${feature}=()`)
  .join(", ");

/** Of an answer that is no page: should a browser show it all the same, it loads, runs and frames nothing. */
const BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * What every answer tells browsers, unless it says something else of its own. Nothing names the program or its version.
 * HSTS is said only where the outside world comes by https: over plain http browsers ignore it, and at home it would
 * lock a developer out of their own localhost.
 */
export function browserHeaders(settings: Pick<Settings, "PUBLIC_URL">): Readonly<Record<string, string>> {
  const isSecure = URL.parse(settings.PUBLIC_URL)?.protocol === "https:";
  return {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": BARE_POLICY,
    "permissions-policy": DEVICE_POLICY,
    // Others read answers through CORS or not at all; pictures, which stand in pages elsewhere, say so themselves.
    "cross-origin-resource-policy": "same-origin",
    ...(isSecure ? { "strict-transport-security": HTTPS_ONLY } : {}),
  };
}

export interface PageNeeds {
  /** Who may show the page in a frame of theirs: nobody, or Telegram's web clients, in which the Mini App lives. */
  framedBy: "nobody" | "telegram";
  /** Styles that the page's own scripts set on elements. */
  inlineStyles?: boolean;
  /** Origins that scripts are loaded from beside our own, such as Telegram's. */
  scripts?: readonly string[];
  /** Origins that pictures come from beside our own: a bucket that people are sent on to. */
  pictures?: readonly string[];
}

/** Older web views do not count sockets of the same host as 'self'; what a page may say over one, Origin and ticket decide. */
const OWN_SOCKETS = " ws: wss:";

/** The policy of a page whose parts all come from this server. Scripts are files of ours; inline ones never run. */
export function pagePolicy({ framedBy, inlineStyles = false, scripts = [], pictures = [] }: PageNeeds): string {
  const framers = framedBy === "nobody" ? "'none'" : [...TELEGRAM_WEB_ORIGINS, "https://*.web.telegram.org"].join(" ");
  return [
    "default-src 'none'",
    `script-src ${["'self'", ...scripts].join(" ")}`,
    `style-src 'self'${inlineStyles ? " 'unsafe-inline'" : ""}`,
    `img-src ${["'self'", "data:", "blob:", ...pictures].join(" ")}`,
    "font-src 'self'",
    `connect-src 'self'${framedBy === "telegram" ? OWN_SOCKETS : ""}`,
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${framers}`,
  ].join("; ");
}
