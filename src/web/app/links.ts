import { postEvent } from "@tma.js/bridge";
import { tell } from "../kit/telegram.ts";

/** Opens `https://t.me/...` inside Telegram, and in a tab of its own elsewhere. */
export function openTelegramLink(address: string): void {
  const url = new URL(address);
  const path = url.pathname + url.search;
  if (tell("web_app_open_tg_link", () => postEvent("web_app_open_tg_link", { path_full: path }))) return;
  open(address, "_blank", "noopener");
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
