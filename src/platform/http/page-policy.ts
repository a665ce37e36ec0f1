/** Telegram's web clients, in whose frames a Mini App lives. */
const TELEGRAM_FRAMES = [
  "https://web.telegram.org",
  "https://webk.telegram.org",
  "https://weba.telegram.org",
  "https://webz.telegram.org",
  "https://*.web.telegram.org",
];

export interface PageNeeds {
  /** Who may show the page in a frame of theirs: nobody, or Telegram's web clients. */
  framedBy: "nobody" | "telegram";
}

/**
 * The Content-Security-Policy of a page whose parts all come from this server. Scripts and styles are files of ours; inline
 * ones never run. `ws:` and `wss:` are named because older web views do not count sockets of the same host as 'self';
 * what a page may say over one is decided by the server, by `Origin` and ticket.
 */
export function pagePolicy({ framedBy }: PageNeeds): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self' ws: wss:",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${framedBy === "nobody" ? "'none'" : TELEGRAM_FRAMES.join(" ")}`,
  ].join("; ");
}
