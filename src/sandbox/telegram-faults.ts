import { EXECUTED_MODES, TRANSPORT_MODES } from "./disturb.ts";
import type { FaultCatalogue } from "./faults.ts";

/** A refusal as the Bot API writes it. */
export interface TelegramRefusal {
  code: number;
  description: string;
  parameters?: { retry_after?: number; migrate_to_chat_id?: number };
}

const refusal = (code: number, description: string): TelegramRefusal => ({ code, description });

/** The refusals in the words of Telegram's own server. */
export const REFUSALS = {
  "400_chat_empty": refusal(400, "Bad Request: chat_id is empty"),
  "400_chat_not_found": refusal(400, "Bad Request: chat not found"),
  "400_text_empty": refusal(400, "Bad Request: message text is empty"),
  "400_text_long": refusal(400, "Bad Request: message is too long"),
  "400_caption_long": refusal(400, "Bad Request: message caption is too long"),
  "400_entities": refusal(400, 'Bad Request: can\'t parse entities: Unsupported start tag "none" at byte offset 0'),
  "400_not_modified": refusal(
    400,
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
  ),
  "400_file_id": refusal(400, "Bad Request: wrong file identifier/HTTP URL specified"),
  "400_url_content": refusal(400, "Bad Request: failed to get HTTP URL content"),
  "400_url_type": refusal(400, "Bad Request: wrong type of the web page content"),
  "400_image": refusal(400, "Bad Request: IMAGE_PROCESS_FAILED"),
  "400_dimensions": refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"),
  "400_file_empty": refusal(400, "Bad Request: file must be non-empty"),
  "400_file_big": refusal(400, "Bad Request: file is too big"),
  "400_migrated": {
    ...refusal(400, "Bad Request: group chat was upgraded to a supergroup chat"),
    parameters: { migrate_to_chat_id: -1_001_234_567_890 },
  },
  "401": refusal(401, "Unauthorized"),
  "401_invalid": refusal(401, "Unauthorized: invalid token specified"),
  "403_blocked": refusal(403, "Forbidden: bot was blocked by the user"),
  "403_deactivated": refusal(403, "Forbidden: user is deactivated"),
  "403_needs_start": refusal(403, "Forbidden: bot can't initiate conversation with a user"),
  "404": refusal(404, "Not Found"),
  "404_method": refusal(404, "Not Found: method not found"),
  "409_webhook": refusal(
    409,
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  ),
  "409_other": refusal(
    409,
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
  ),
  "413": refusal(413, "Request Entity Too Large"),
  "500": refusal(500, "Internal Server Error"),
} as const satisfies Record<string, TelegramRefusal>;

/** 429 for so many seconds; the sentence, the parameter and the header say the same. */
export function tooMany(seconds: number): TelegramRefusal {
  return { ...refusal(429, `Too Many Requests: retry after ${seconds}`), parameters: { retry_after: seconds } };
}

const REFUSAL_MODES = Object.keys(REFUSALS).map((key) => `http_${key}`);
/** `http_429` asks to wait delayMs; `edge_429` says it in a page with a header; `echo` quotes the path, token included. */
const CALL_MODES = [...TRANSPORT_MODES, ...REFUSAL_MODES, "http_429", "edge_429", "echo", "unknown_shape"];
const SEND_MODES = [...CALL_MODES, ...EXECUTED_MODES, "executed_500"];

/** The refusal behind a mode such as `http_403_blocked`. */
export function refusalBehind(mode: string): TelegramRefusal | undefined {
  const key = mode.replace(/^http_/, "");
  return REFUSAL_MODES.includes(mode) && key in REFUSALS ? REFUSALS[key as keyof typeof REFUSALS] : undefined;
}

/** What can go wrong with an update on its way to the webhook. */
export const WEBHOOK_MODES = [
  "duplicate",
  "duplicate_10",
  "answer_lost",
  "wrong_secret",
  "no_secret",
  "delay",
  "hold",
  "not_json",
  "unknown_shape",
] as const;
export type WebhookMode = (typeof WEBHOOK_MODES)[number];

export const TELEGRAM_FAULTS: FaultCatalogue = {
  "telegram.send": {
    about:
      "sendMessage, sendPhoto and sendDocument. executed_*, half_body and unknown_shape send the message and lose the answer; http_429 asks to wait delayMs (3 s).",
    modes: SEND_MODES,
  },
  "telegram.call": { about: "Every other method.", modes: CALL_MODES },
  "telegram.edge": {
    about: "The edge in front of every call.",
    modes: ["edge_502", "edge_504", "edge_1010", "reset", "hang", "delay"],
  },
  "telegram.limits": {
    about: "Telegram's pace: 30 messages a second in all, one a second for each chat with short bursts; 429 beyond.",
    modes: ["on"],
  },
  "telegram.webhook": {
    about:
      "The next update to the webhook. answer_lost delivers it and repeats it; wrong_secret, no_secret, not_json and unknown_shape come before the true one; delay waits delayMs (2 s); hold keeps the person's updates until POST /_release.",
    modes: WEBHOOK_MODES,
  },
};
