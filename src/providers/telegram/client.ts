import { type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { providerBase } from "../provider-base.ts";
import { PROVIDER_TRIES, type ProviderAnswer, providerRequest, withRetries } from "../provider-http.ts";
import {
  type BodyMaker,
  documentBody,
  jsonBody,
  menuButtonBody,
  messageBody,
  type OutgoingDocument,
  type OutgoingPhoto,
  type OutgoingText,
  photoBody,
  updatesBody,
  type Webhook,
  webhookBody,
} from "./bodies.ts";
import { asTelegramFailure, failureOf, TELEGRAM, TelegramFailure } from "./classify.ts";
import { BotUser, SentMessageObject, TELEGRAM_METHODS, type TelegramMethod, WebhookInfo } from "./wire.ts";

export type { MessageButton, OutgoingFile } from "./bodies.ts";
export { TelegramFailure, type TelegramFailureReason } from "./classify.ts";
export { WEBHOOK_PORTS } from "./wire.ts";

export interface SentMessage {
  messageId: number;
}

/**
 * Telegram's Bot API for one bot. Calls throw `TelegramFailure`. A message has no key that makes it be sent once: after
 * `unknown` it may have arrived, and neither this client nor its callers send it again blindly. What breaks a limit of
 * Telegram's is refused with `rejected` before it is sent.
 */
export interface TelegramClient {
  getMe(): Promise<{ id: number; username: string }>;
  sendMessage(message: OutgoingText): Promise<SentMessage>;
  sendPhoto(message: OutgoingPhoto): Promise<SentMessage>;
  sendDocument(message: OutgoingDocument): Promise<SentMessage>;
  setWebhook(webhook: Webhook): Promise<void>;
  /** Updates that wait are kept. */
  deleteWebhook(): Promise<void>;
  /** `url` is empty when there is none. */
  getWebhookInfo(): Promise<{
    url: string;
    pendingUpdateCount: number;
    lastErrorMessage?: string;
    lastErrorAt?: Date;
  }>;
  /** The button beside the input field of every private chat with the bot. */
  setMenuButton(button: { text: string; url: string }): Promise<void>;
  /** Waits up to `timeoutSeconds` (0 to 50) for the first one. Not while a webhook is set. */
  getUpdates(poll: { offset?: number; timeoutSeconds: number; limit?: number }): Promise<unknown[]>;
}

export interface TelegramTimeouts {
  /** One try at a call without a file. */
  callMs: number;
  /** One try at sending a file. */
  fileMs: number;
}

export interface TelegramClientOptions {
  apiUrl: string;
  botToken: string;
  log: Log;
  /** Permits plain http, and only on this machine's loopback: for the sandbox and for tests. */
  loopbackAllowed: boolean;
  timeouts?: Partial<TelegramTimeouts>;
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
}

const TIMEOUTS: TelegramTimeouts = { callMs: 15 * SECOND_MS, fileMs: 60 * SECOND_MS };
const ANSWER_BYTES_MAX = 4_000_000;
const BACKOFF_BASE_MS = 500;
const TOKEN = /^\d+:[\w-]+$/;

/** Talks to the Bot API. Throws `OperatorError` for settings that cannot work. */
export function createTelegramClient(options: TelegramClientOptions): TelegramClient {
  if (!TOKEN.test(options.botToken)) {
    throw new OperatorError("TELEGRAM_BOT_TOKEN: the token that @BotFather gave, such as 123456789:AA...");
  }
  const line: Line = {
    ...options,
    apiUrl: providerBase("TELEGRAM_API_URL", options.apiUrl, { loopbackAllowed: options.loopbackAllowed }),
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    random: options.random ?? Math.random,
    sleep: options.sleep ?? Bun.sleep,
  };
  const { callMs, fileMs } = line.timeouts;
  return {
    async getMe() {
      const { id, username } = await call(line, "getMe", { repeatable: true, timeoutMs: callMs }, BotUser);
      return { id, username };
    },
    sendMessage: async (message) => send(line, "sendMessage", messageBody(message, line), callMs),
    sendPhoto: async (message) => send(line, "sendPhoto", photoBody(message, line), fileMs),
    sendDocument: async (message) => send(line, "sendDocument", documentBody(message, line), fileMs),
    setWebhook: async (webhook) => change(line, "setWebhook", webhookBody(webhook, line)),
    deleteWebhook: () => change(line, "deleteWebhook", jsonBody({})),
    async getWebhookInfo() {
      const info = await call(line, "getWebhookInfo", { repeatable: true, timeoutMs: callMs }, WebhookInfo);
      return {
        url: info.url,
        pendingUpdateCount: info.pending_update_count,
        ...(info.last_error_message === undefined ? {} : { lastErrorMessage: info.last_error_message }),
        ...(info.last_error_date === undefined ? {} : { lastErrorAt: new Date(info.last_error_date * SECOND_MS) }),
      };
    },
    setMenuButton: async (button) => change(line, "setChatMenuButton", menuButtonBody(button, line)),
    async getUpdates(poll) {
      const how = { repeatable: true, timeoutMs: callMs + poll.timeoutSeconds * SECOND_MS, body: updatesBody(poll) };
      return call(line, "getUpdates", how, Type.Array(Type.Unknown()));
    },
  };
}

/** The options with everything filled in that the calls need. */
type Line = TelegramClientOptions &
  Required<Pick<TelegramClientOptions, "random" | "sleep">> & { timeouts: TelegramTimeouts };

interface How {
  /** Whether carrying it out twice does no harm. */
  repeatable: boolean;
  timeoutMs: number;
  body?: BodyMaker;
}

async function send(line: Line, method: TelegramMethod, body: BodyMaker, timeoutMs: number): Promise<SentMessage> {
  const message = await call(line, method, { repeatable: false, timeoutMs, body }, SentMessageObject);
  return { messageId: message.message_id };
}

async function change(line: Line, method: TelegramMethod, body: BodyMaker): Promise<void> {
  await call(line, method, { repeatable: true, timeoutMs: line.timeouts.callMs, body }, Type.Literal(true));
}

/** Only what surely was not carried out is tried again, up to three times in all; and whatever is repeatable. */
function call<S extends TSchema>(line: Line, method: TelegramMethod, how: How, schema: S) {
  return withRetries(() => callOnce(line, method, how, schema), {
    tries: PROVIDER_TRIES,
    baseMs: BACKOFF_BASE_MS,
    random: line.random,
    sleep: line.sleep,
    repeatable: how.repeatable,
  });
}

async function callOnce<S extends TSchema>(line: Line, method: TelegramMethod, how: How, schema: S) {
  const answer = await request(line, method, how).catch((error: unknown) => {
    throw asTelegramFailure(error);
  });
  const failure = failureOf(withoutToken(answer, line.botToken), how);
  if (failure !== undefined) throw failure;
  const result = (answer.json as { result?: unknown }).result;
  if (!Value.Check(schema, result)) {
    throw new TelegramFailure(how.repeatable ? "unavailable" : "unknown", "answered in an unknown shape", {
      alert: true,
    });
  }
  return result;
}

function request(line: Line, method: TelegramMethod, how: How): Promise<ProviderAnswer> {
  const body = how.body?.();
  return providerRequest({
    provider: TELEGRAM,
    method: "POST",
    url: `${line.apiUrl}/bot${line.botToken}/${TELEGRAM_METHODS[method]}`,
    // The token stands in the path and must reach no log.
    loggedPath: `/bot…/${TELEGRAM_METHODS[method]}`,
    ...(typeof body === "string" ? { headers: { "content-type": "application/json" } } : {}),
    ...(body === undefined ? {} : { body }),
    timeoutMs: how.timeoutMs,
    bytesMax: ANSWER_BYTES_MAX,
    repeatable: how.repeatable,
    log: line.log,
  });
}

/** Whoever stands between us and Telegram may quote the path, and descriptions end in failures, rows and the log. */
function withoutToken(answer: ProviderAnswer, token: string): ProviderAnswer {
  if (!answer.text.includes(token)) return answer;
  const json: unknown = JSON.parse(JSON.stringify(answer.json ?? null).replaceAll(token, "…"));
  return { ...answer, text: "", json };
}
