import { type Static, Type } from "@sinclair/typebox";

/** Paths, limits and shapes of Telegram's Bot API, for the client and for the emulator. */
export const TELEGRAM_METHODS = {
  getMe: "getMe",
  sendMessage: "sendMessage",
  sendPhoto: "sendPhoto",
  sendDocument: "sendDocument",
  getFile: "getFile",
  getUpdates: "getUpdates",
  setWebhook: "setWebhook",
  deleteWebhook: "deleteWebhook",
  getWebhookInfo: "getWebhookInfo",
  setChatMenuButton: "setChatMenuButton",
} as const;
export type TelegramMethod = keyof typeof TELEGRAM_METHODS;

/** Carries the secret that was given with the webhook; the only proof that an update is Telegram's. */
export const SECRET_TOKEN_HEADER = "x-telegram-bot-api-secret-token";

/** Limits of the API, as its documentation gives them. */
export const TEXT_CHARACTERS_MAX = 4_096;
export const CAPTION_CHARACTERS_MAX = 1_024;
export const PHOTO_BYTES_MAX = 10 * 1024 * 1024;
export const PHOTO_BY_URL_BYTES_MAX = 5 * 1024 * 1024;
/** Width and height of a photo together. */
export const PHOTO_EDGES_PX_MAX = 10_000;
export const PHOTO_ASPECT_RATIO_MAX = 20;
export const DOCUMENT_BYTES_MAX = 50 * 1024 * 1024;
export const DOCUMENT_BY_URL_BYTES_MAX = 20 * 1024 * 1024;
export const DOWNLOAD_BYTES_MAX = 20 * 1024 * 1024;
export const SECRET_TOKEN_PATTERN = /^[A-Za-z0-9_-]{1,256}$/;
export const UPDATES_LIMIT_MAX = 100;
export const UPDATES_TIMEOUT_SECONDS_MAX = 50;
/** Those that Telegram delivers webhooks to. */
export const WEBHOOK_PORTS: readonly string[] = ["443", "80", "88", "8443"];

/** Every answer: `result` when `ok`, otherwise the code (the same as the HTTP status) and a sentence. */
export const Envelope = Type.Object({
  ok: Type.Boolean(),
  result: Type.Optional(Type.Unknown()),
  error_code: Type.Optional(Type.Integer()),
  description: Type.Optional(Type.String()),
  parameters: Type.Optional(
    Type.Object({
      /** In seconds. */
      retry_after: Type.Optional(Type.Number()),
      migrate_to_chat_id: Type.Optional(Type.Integer()),
    }),
  ),
});
export type Envelope = Static<typeof Envelope>;

/** What is read of the bot's own user. */
export const BotUser = Type.Object({
  id: Type.Integer(),
  is_bot: Type.Literal(true),
  username: Type.String({ minLength: 1 }),
});

/** What is read of a message that was sent. */
export const SentMessageObject = Type.Object({ message_id: Type.Integer() });

/** The time stamp is in Unix seconds. */
export const WebhookInfo = Type.Object({
  url: Type.String(),
  pending_update_count: Type.Integer(),
  last_error_date: Type.Optional(Type.Integer()),
  last_error_message: Type.Optional(Type.String()),
});

export interface InlineKeyboard {
  inline_keyboard: Array<Array<{ text: string; url: string } | { text: string; web_app: { url: string } }>>;
}
