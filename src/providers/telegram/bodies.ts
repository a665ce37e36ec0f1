import { pixelSize } from "../../platform/images/pixel-size.ts";
import { isLoopbackHost } from "../address-check.ts";
import { TelegramFailure } from "./classify.ts";
import {
  CAPTION_CHARACTERS_MAX,
  DOCUMENT_BYTES_MAX,
  type InlineKeyboard,
  PHOTO_ASPECT_RATIO_MAX,
  PHOTO_BYTES_MAX,
  PHOTO_EDGES_PX_MAX,
  SECRET_TOKEN_PATTERN,
  TEXT_CHARACTERS_MAX,
  UPDATES_LIMIT_MAX,
  UPDATES_TIMEOUT_SECONDS_MAX,
  WEBHOOK_PORTS,
} from "./wire.ts";

/** The one button below a message. */
export interface MessageButton {
  text: string;
  url: string;
  /** Opens the Mini App at `url` inside Telegram; otherwise the button is a plain link. */
  opensApp: boolean;
}

export interface OutgoingFile {
  bytes: Uint8Array;
  /** What the person sees and saves it under. */
  fileName: string;
  mime: string;
}

export interface OutgoingText {
  /** Of a private chat it is the person's Telegram id. */
  chatId: number;
  /** Plain: there is no markup in it, so nothing that people wrote can become any. */
  text: string;
  button?: MessageButton;
  /** Arrives without a sound. */
  isSilent?: boolean;
}

export interface OutgoingPhoto {
  chatId: number;
  /** Telegram makes its own JPEG of it; what must arrive unchanged goes as a document. */
  photo: OutgoingFile;
  caption?: string;
  button?: MessageButton;
}

export interface OutgoingDocument {
  chatId: number;
  document: OutgoingFile;
  caption?: string;
  button?: MessageButton;
}

export interface Webhook {
  url: string;
  /** Comes back with every update, in the header of `SECRET_TOKEN_HEADER`. */
  secretToken: string;
  allowedUpdates: readonly string[];
}

/** A body that is written anew for each try: a form is read only once. */
export type BodyMaker = () => string | FormData;

/** Whether plain http on this machine's loopback will do in the place of https. */
export interface LinkRule {
  loopbackAllowed: boolean;
}

export function messageBody(message: OutgoingText, rule: LinkRule): BodyMaker {
  if (message.text.trim() === "") throw refused("message text is empty");
  // Telegram counts characters after parsing; UTF-16 units are never fewer, so what passes here passes there.
  if (message.text.length > TEXT_CHARACTERS_MAX) throw refused("message is too long");
  return jsonBody({
    chat_id: checkedChatId(message.chatId),
    text: message.text,
    disable_notification: message.isSilent === true ? true : undefined,
    // A preview would have Telegram fetch every address that stands in a text.
    link_preview_options: { is_disabled: true },
    reply_markup: keyboard(message.button, rule),
  });
}

export function photoBody(message: OutgoingPhoto, rule: LinkRule): BodyMaker {
  const { bytes } = message.photo;
  checkFile(message.photo, PHOTO_BYTES_MAX);
  const size = pixelSize(bytes);
  if (size === undefined) throw refused("the photo is no JPEG, PNG or WebP");
  const { width, height } = size;
  const ratio = Math.max(width, height) / Math.max(1, Math.min(width, height));
  if (width + height > PHOTO_EDGES_PX_MAX || ratio > PHOTO_ASPECT_RATIO_MAX) {
    throw refused(`a photo of ${width} x ${height} pixels breaks Telegram's limits; send it as a document`);
  }
  return formBody("photo", message.photo, message, rule);
}

export function documentBody(message: OutgoingDocument, rule: LinkRule): BodyMaker {
  checkFile(message.document, DOCUMENT_BYTES_MAX);
  return formBody("document", message.document, message, rule);
}

export function webhookBody(webhook: Webhook, rule: LinkRule): BodyMaker {
  if (!SECRET_TOKEN_PATTERN.test(webhook.secretToken)) throw refused("the webhook's secret has characters it may not");
  const url = checkedLink(webhook.url, rule, "the webhook's address");
  const { protocol, port } = new URL(url);
  if (protocol === "https:" && !WEBHOOK_PORTS.includes(port || "443")) {
    throw refused(`Telegram delivers to the ports ${WEBHOOK_PORTS.join(", ")} only`);
  }
  return jsonBody({
    url,
    secret_token: webhook.secretToken,
    allowed_updates: webhook.allowedUpdates,
  });
}

export function menuButtonBody(button: { text: string; url: string }, rule: LinkRule): BodyMaker {
  if (button.text.trim() === "") throw refused("the menu button has no text");
  const web_app = { url: checkedLink(button.url, rule, "the menu button's address") };
  return jsonBody({ menu_button: { type: "web_app", text: button.text, web_app } });
}

export function updatesBody(poll: { offset?: number; timeoutSeconds: number; limit?: number }): BodyMaker {
  const { offset, timeoutSeconds, limit } = poll;
  const fits = (value: number, min: number, max: number) => Number.isInteger(value) && value >= min && value <= max;
  if (!fits(timeoutSeconds, 0, UPDATES_TIMEOUT_SECONDS_MAX)) throw refused("no such time to poll");
  if (limit !== undefined && !fits(limit, 1, UPDATES_LIMIT_MAX)) throw refused("no such number of updates");
  return jsonBody({ offset, limit, timeout: timeoutSeconds });
}

/** Fields that are undefined are left out. */
export function jsonBody(fields: Readonly<Record<string, unknown>>): BodyMaker {
  const text = JSON.stringify(fields);
  return () => text;
}

function formBody(
  field: "photo" | "document",
  file: OutgoingFile,
  message: { chatId: number; caption?: string; button?: MessageButton },
  rule: LinkRule,
): BodyMaker {
  const chatId = checkedChatId(message.chatId);
  if ((message.caption ?? "").length > CAPTION_CHARACTERS_MAX) throw refused("message caption is too long");
  const markup = keyboard(message.button, rule);
  return () => {
    const form = new FormData();
    form.set("chat_id", String(chatId));
    if (message.caption !== undefined) form.set("caption", message.caption);
    if (markup !== undefined) form.set("reply_markup", JSON.stringify(markup));
    // A form writes a double quote as %22, and that is what the person would see.
    const fileName = file.fileName.replaceAll('"', "'");
    form.set(field, new Blob([new Uint8Array(file.bytes)], { type: file.mime }), fileName);
    return form;
  };
}

function keyboard(button: MessageButton | undefined, rule: LinkRule): InlineKeyboard | undefined {
  if (button === undefined) return undefined;
  if (button.text.trim() === "") throw refused("a button has no text");
  const url = checkedLink(button.url, rule, "a button's address");
  const { text } = button;
  return { inline_keyboard: [[button.opensApp ? { text, web_app: { url } } : { text, url }]] };
}

function checkFile(file: OutgoingFile, bytesMax: number): void {
  if (file.bytes.byteLength === 0) throw refused("the file is empty");
  if (file.bytes.byteLength > bytesMax) throw refused(`the file has more than ${bytesMax} bytes`);
  // A line end in a name would end the header that carries it.
  const hasControl = [...file.fileName].some((letter) => letter < " " || letter === "\u007f");
  if (file.fileName === "" || hasControl) throw refused("the file's name is empty or has control characters");
}

function checkedChatId(chatId: number): number {
  if (!Number.isSafeInteger(chatId) || chatId === 0) throw refused("chat_id is no chat's id");
  return chatId;
}

function checkedLink(link: string, rule: LinkRule, what: string): string {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  const onLoopback = url?.protocol === "http:" && rule.loopbackAllowed && isLoopbackHost(url.hostname);
  if (url?.protocol === "https:" || onLoopback) return link;
  throw refused(`${what} is not https`);
}

/** Refused here, so that nothing was sent. */
function refused(why: string): TelegramFailure {
  return new TelegramFailure("rejected", `not sent: ${why}`);
}
