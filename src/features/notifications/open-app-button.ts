import type { Settings } from "../../platform/config/settings.ts";
import type { MessageButton } from "../../providers/telegram/client.ts";
import type { Language } from "../profile/index.ts";
import { OPEN_APP } from "./messages.ts";

/**
 * The button that opens the Mini App, or null where Telegram could open nothing: it takes https only, and plain http on
 * this machine where emulators are allowed.
 */
export function openAppButton(
  settings: Pick<Settings, "PUBLIC_URL" | "TELEGRAM_BOT_NAME" | "TELEGRAM_APP_NAME" | "PROVIDER_LOOPBACK">,
  language: Language,
): MessageButton | null {
  const { PUBLIC_URL, TELEGRAM_BOT_NAME, TELEGRAM_APP_NAME } = settings;
  const text = OPEN_APP[language];
  if (isOpenable(PUBLIC_URL, settings.PROVIDER_LOOPBACK === "allow")) {
    return { text, url: `${PUBLIC_URL}/`, opensApp: true };
  }
  if (TELEGRAM_BOT_NAME === "" || TELEGRAM_APP_NAME === "") return null;
  return { text, url: `https://t.me/${TELEGRAM_BOT_NAME}/${TELEGRAM_APP_NAME}`, opensApp: false };
}

function isOpenable(publicUrl: string, loopbackAllowed: boolean): boolean {
  const url = URL.parse(publicUrl);
  if (url?.protocol === "https:") return true;
  return loopbackAllowed && url?.protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}
