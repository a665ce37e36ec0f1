import { SECOND_MS } from "../platform/clock.ts";
import { pixelSize } from "../platform/images/pixel-size.ts";
import {
  CAPTION_CHARACTERS_MAX,
  DOWNLOAD_BYTES_MAX,
  PHOTO_ASPECT_RATIO_MAX,
  PHOTO_EDGES_PX_MAX,
  TEXT_CHARACTERS_MAX,
  type TelegramMethod,
  UPDATES_LIMIT_MAX,
  UPDATES_TIMEOUT_SECONDS_MAX,
} from "../providers/telegram/wire.ts";
import type { CallNeeds, CallWork, Result } from "./telegram-call.ts";
import { REFUSALS, tooMany } from "./telegram-faults.ts";
import { fileToSend, type StoredFile } from "./telegram-files.ts";
import { badRequest, buttonsOf, chatIdOf, isLink, type Params, Refused } from "./telegram-params.ts";
import {
  botObject,
  type EmulatedAttachment,
  type EmulatedPerson,
  messageObject,
  type PersonState,
} from "./telegram-records.ts";
import { createWebhookChanges, webhookInfo } from "./telegram-webhook-calls.ts";

/** The methods that the emulator knows; each throws `Refused`. */
export function telegramCalls(needs: CallNeeds): Record<TelegramMethod, CallWork> {
  const { bot, chats, files } = needs;
  const changes = createWebhookChanges(needs);
  return {
    getMe: async () => ({ result: { ...botObject(bot), ...BOT_ABILITIES } }),
    sendMessage: async (params) => {
      const chatId = chatIdOf(params);
      const text = plainText(params, "text").trim();
      if (text === "") throw new Refused(REFUSALS["400_text_empty"]);
      if ([...text].length > TEXT_CHARACTERS_MAX) throw new Refused(REFUSALS["400_text_long"]);
      return deliver(needs, chatId, params, text, undefined);
    },
    sendPhoto: (params) => sendFile(needs, params, "photo"),
    sendDocument: (params) => sendFile(needs, params, "document"),
    getFile: async (params) => {
      const file = files.get(params.text("file_id") ?? "");
      if (file === undefined) throw badRequest("invalid file_id");
      const size = file.bytes.byteLength;
      if (size > DOWNLOAD_BYTES_MAX) throw new Refused(REFUSALS["400_file_big"]);
      const { fileId: file_id } = file;
      return {
        result: { file_id, file_unique_id: file_id.slice(-12), file_size: size, file_path: `${file.kind}s/${file_id}` },
      };
    },
    getUpdates: createPoll(needs),
    setWebhook: async (params) => changes.set(params),
    deleteWebhook: async (params) => changes.remove(params),
    getWebhookInfo: async () => ({ result: webhookInfo(needs) }),
    setChatMenuButton: async (params) => {
      const chatId = params.text("chat_id") === undefined ? undefined : chatIdOf(params);
      chats.setMenuButton(chatId, menuButtonOf(params));
      return { result: true };
    },
  };
}

const BOT_ABILITIES = {
  can_join_groups: true,
  can_read_all_group_messages: false,
  supports_inline_queries: false,
  can_connect_to_business: false,
  has_main_web_app: true,
};

const STATE_REFUSALS: Readonly<Record<Exclude<PersonState, "started">, keyof typeof REFUSALS>> = {
  never_started: "403_needs_start",
  blocked: "403_blocked",
  deactivated: "403_deactivated",
  not_found: "400_chat_not_found",
};

async function sendFile(needs: CallNeeds, params: Params, kind: StoredFile["kind"]): Promise<Result> {
  const chatId = chatIdOf(params);
  const caption = plainText(params, "caption").trim();
  if ([...caption].length > CAPTION_CHARACTERS_MAX) throw new Refused(REFUSALS["400_caption_long"]);
  const file = await fileToSend(params, kind, needs.files);
  const { fileId, name, mime, bytes } = file;
  const size = kind === "photo" ? photoSize(bytes) : {};
  return deliver(needs, chatId, params, caption, { kind, fileId, name, mime, size: bytes.byteLength, ...size });
}

function photoSize(bytes: Uint8Array): { width: number; height: number } {
  const size = pixelSize(bytes);
  if (size === undefined) throw new Refused(REFUSALS["400_image"]);
  const { width, height } = size;
  const ratio = Math.max(width, height) / Math.min(width, height);
  if (width + height > PHOTO_EDGES_PX_MAX || ratio > PHOTO_ASPECT_RATIO_MAX) {
    throw new Refused(REFUSALS["400_dimensions"]);
  }
  return size;
}

/** Text without markup: the emulator parses none, and says so rather than show it raw. */
function plainText(params: Params, name: string): string {
  if (params.text("parse_mode") !== undefined) throw badRequest("unsupported parse_mode");
  return params.text(name) ?? "";
}

function deliver(
  needs: CallNeeds,
  chatId: number,
  params: Params,
  text: string,
  attachment: EmulatedAttachment | undefined,
): Result {
  const buttons = buttonsOf(params);
  const person = personOf(needs, chatId);
  const limited = needs.faults.strike("telegram.limits") !== undefined;
  const waitSeconds = needs.pace.ask(chatId, needs.clock.now(), limited);
  if (waitSeconds !== undefined) throw new Refused(tooMany(waitSeconds));
  if (person.state !== "started") throw new Refused(REFUSALS[STATE_REFUSALS[person.state]]);
  const isSilent = params.flag("disable_notification");
  const message = needs.chats.add({ chatId, from: "bot", text, buttons, attachment, isSilent });
  return { result: messageObject(message, person, needs.bot) };
}

/** Groups and channels are not played. */
function personOf({ chats }: CallNeeds, chatId: number): EmulatedPerson {
  const person = chatId > 0 && Number.isSafeInteger(chatId) ? chats.person(chatId) : undefined;
  if (person === undefined || person.state === "not_found") throw new Refused(REFUSALS["400_chat_not_found"]);
  return person;
}

/** One poll at a time: a second one ends the first. */
function createPoll(needs: CallNeeds): CallWork {
  const { updates, webhook } = needs;
  let current: AbortController | undefined;
  return async (params, request) => {
    if (webhook.settings !== undefined) throw new Refused(REFUSALS["409_webhook"]);
    const offset = params.integer("offset") ?? 0;
    const limit = Math.min(Math.max(params.integer("limit") ?? UPDATES_LIMIT_MAX, 1), UPDATES_LIMIT_MAX);
    const seconds = Math.min(Math.max(params.integer("timeout") ?? 0, 0), UPDATES_TIMEOUT_SECONDS_MAX);
    const allowed = params.json("allowed_updates");
    updates.allow(Array.isArray(allowed) ? allowed.map(String) : undefined);
    current?.abort();
    const own = new AbortController();
    current = own;
    // Asking from an offset on says that everything before it has arrived; a negative one counts from the end.
    const waiting = updates.pending();
    const from = offset >= 0 ? offset : (waiting.at(offset)?.id ?? waiting[0]?.id ?? 0);
    updates.drop(({ id }) => id < from);
    if (updates.pending().length === 0 && seconds > 0) {
      await updates.next(seconds * SECOND_MS, AbortSignal.any([own.signal, request.signal]));
    }
    if (own.signal.aborted) throw new Refused(REFUSALS["409_other"]);
    const page = updates.pending().slice(0, limit);
    return { result: page.map(({ body }) => JSON.parse(body) as unknown) };
  };
}

function menuButtonOf(params: Params): { text: string; url: string } | undefined {
  const button = (params.json("menu_button") ?? { type: "default" }) as {
    type?: unknown;
    text?: unknown;
    web_app?: { url?: unknown };
  };
  if (button.type === "default" || button.type === "commands") return undefined;
  const { text } = button;
  const url = button.web_app?.url;
  if (button.type !== "web_app" || typeof text !== "string" || text.trim() === "" || typeof url !== "string") {
    throw badRequest("MenuButton type must be default, commands or web_app, with a text and an address");
  }
  if (!isLink(url, { httpAllowed: false })) {
    throw badRequest(`menu button Web App URL '${url}' is invalid: Only HTTPS links are allowed`);
  }
  return { text, url };
}
