import { postEvent } from "@tma.js/bridge";
import { tell } from "../kit/telegram.ts";

/** Opens `https://t.me/...` inside Telegram, and in a tab of its own elsewhere. */
export function openTelegramLink(address: string): void {
  const url = new URL(address);
  const path = url.pathname + url.search;
  if (tell("web_app_open_tg_link", () => postEvent("web_app_open_tg_link", { path_full: path }))) return;
  open(address, "_blank", "noopener");
}

/** Telegram's own page for passing something on: the person chooses to whom. */
export const sharingAddress = (address: string, text: string): string =>
  `https://t.me/share/url?${new URLSearchParams({ url: address, text }).toString().replaceAll("+", "%20")}`;

/** How to reach whoever the owner named: a name in Telegram, an address of a page or of mail. Null where it is only words. */
export function openContact(contact: string): (() => void) | null {
  const [, name] = /^@(\w{4,32})$/.exec(contact) ?? [];
  if (name !== undefined) return () => openTelegramLink(`https://t.me/${name}`);
  if (/^https:\/\/t\.me\/\S+$/.test(contact)) return () => openTelegramLink(contact);
  if (/^https:\/\/\S+$/.test(contact)) return () => openPage(contact);
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(contact)) return () => location.assign(`mailto:${contact}`);
  return null;
}

/**
 * Leads to a page elsewhere, such as one to pay at. Telegram opens it beside the app, which stays; a browser goes there and
 * comes back.
 */
export function openPage(address: string): void {
  const isHttps = address.startsWith("https:");
  if (isHttps && tell("web_app_open_link", () => postEvent("web_app_open_link", { url: address }))) return;
  location.assign(address);
}

/** Saves a picture by its signed link: Telegram's own way where it has one, the browser's elsewhere. */
export function savePicture(address: string, fileName: string): void {
  const url = new URL(address, location.origin);
  url.searchParams.set("download", "1");
  const isHttps = url.protocol === "https:";
  const request = { url: url.href, file_name: fileName };
  if (isHttps && tell("web_app_request_file_download", () => postEvent("web_app_request_file_download", request)))
    return;
  const link = document.createElement("a");
  link.href = url.href;
  link.download = fileName;
  link.click();
}
