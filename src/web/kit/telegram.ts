import {
  isTMA,
  type MethodName,
  on,
  postEvent,
  retrieveLaunchParams,
  retrieveRawInitData,
  supports,
} from "@tma.js/bridge";
import { createStore } from "./store.ts";

/** What Telegram hands a page that it opens; all of it is null and empty in an ordinary browser. */

export type Appearance = "light" | "dark";
/** `ios` decides the kit's shapes; everything else looks like Android's and the desk's. */
export type Platform = "ios" | "base";

const DARK = matchMedia("(prefers-color-scheme: dark)");

export const appearance = createStore<Appearance>(DARK.matches ? "dark" : "light");

/** Signed data for the sign-in, unchanged as it came; null outside Telegram and where Telegram gives none. */
export function launchData(): string | null {
  if (!isTMA()) return null;
  try {
    return retrieveRawInitData() || null;
  } catch {
    return null;
  }
}

/**
 * Says something to Telegram's client: `send` posts `method`. False outside Telegram and where the client is older than the
 * method, so that whoever asks can do it in another way.
 */
export function tell(method: MethodName, send: () => void): boolean {
  if (!canTell(method)) return false;
  try {
    send();
    return true;
  } catch {
    return false;
  }
}

/** Whether this is Telegram and its client knows the method. */
export function canTell(method: MethodName): boolean {
  try {
    return isTMA() && supports(method, retrieveLaunchParams().tgWebAppVersion as `${number}.${number}`);
  } catch {
    return false;
  }
}

/** The language of the person's Telegram, such as `ru`; null where it is not said. */
export function telegramLanguage(): string | null {
  try {
    return (isTMA() && retrieveLaunchParams().tgWebAppData?.user?.language_code) || null;
  } catch {
    return null;
  }
}

/** What the link carried by which Telegram has just opened the page; null at a reload, which is no new way in. */
export function freshStartParameter(): string | null {
  if (!location.hash.includes("tgWebAppData=")) return null;
  try {
    const { tgWebAppStartParam: given, tgWebAppData: data } = retrieveLaunchParams();
    return given ?? data?.start_param ?? null;
  } catch {
    return null;
  }
}

export function platform(): Platform {
  try {
    return isTMA() && ["ios", "macos"].includes(retrieveLaunchParams().tgWebAppPlatform) ? "ios" : "base";
  } catch {
    return "base";
  }
}

/** Takes on Telegram's colours, or the system's preference, and follows their changes. */
export function followTheme(): void {
  DARK.addEventListener("change", () => appearance.write(DARK.matches ? "dark" : "light"));
  if (!isTMA()) return;
  try {
    dress(retrieveLaunchParams().tgWebAppThemeParams);
  } catch {
    // A client that gives no colours gets the system's.
  }
  on("theme_changed", ({ theme_params }) => dress(theme_params));
}

/**
 * Takes the signed data out of the address once it is read: whoever copies the address must not hand on a sign-in. A reload
 * finds it in the tab's own storage.
 */
export function forgetLaunchAddress(): void {
  if (location.hash.includes("tgWebAppData=")) history.replaceState(null, "", location.pathname);
}

/** The page can be seen: Telegram takes its own placeholder away and gives the page all the height there is. */
export function showInTelegram(): void {
  tell("web_app_ready", () => postEvent("web_app_ready"));
  tell("web_app_expand", () => postEvent("web_app_expand"));
}

function dress(colours: Readonly<Record<string, unknown>> | undefined): void {
  if (!colours) return;
  for (const [name, colour] of Object.entries(colours)) {
    if (typeof colour !== "string" || !/^#[0-9a-f]{6}$/i.test(colour)) continue;
    document.documentElement.style.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, colour);
    if (name === "bg_color") appearance.write(isDark(colour) ? "dark" : "light");
  }
}

/** By the brightness that eyes see. */
function isDark(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
