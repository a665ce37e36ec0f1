import { Value } from "@sinclair/typebox/value";
import { DAY_MS, SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../platform/errors.ts";
import type { ProviderAnswer } from "../provider-http.ts";
import { Envelope } from "./wire.ts";

/** Stands in every failure and every log line of this provider. */
export const TELEGRAM = "telegram";

/**
 * Why Telegram did not do what was asked.
 * - `blocked`: the person stopped the bot; `needs_start`: they never started it, and a bot cannot speak first;
 *   `deactivated`: the account is gone; `chat_not_found`: nobody has this id. Nothing is sent to them until they come back
 * - `migrated`: a group became a supergroup; its new id is `migrateToChatId`
 * - `too_many_requests`: nothing was sent; everything of this bot waits for `retryAfterMs`
 * - `unauthorized`: the token is refused, the owner has to act
 * - `rejected`: our request is wrong, or breaks a limit; trying again gives the same
 * - `unavailable`: nothing was done; may be tried again
 * - `unknown`: the message may have been sent; it must not be sent again blindly
 */
export type TelegramFailureReason =
  | "blocked"
  | "needs_start"
  | "deactivated"
  | "chat_not_found"
  | "migrated"
  | "too_many_requests"
  | "unauthorized"
  | "rejected"
  | "unavailable"
  | "unknown";

const KINDS: Readonly<Record<TelegramFailureReason, ProviderFailureKind>> = {
  blocked: "rejected",
  needs_start: "rejected",
  deactivated: "rejected",
  chat_not_found: "rejected",
  migrated: "rejected",
  too_many_requests: "rate_limited",
  unauthorized: "unauthorized",
  rejected: "rejected",
  unavailable: "unavailable",
  unknown: "unknown",
};

/** What is waited when a 429 names no time. */
export const RATE_LIMIT_WAIT_MS = 5 * SECOND_MS;
const DESCRIPTION_CHARACTERS_MAX = 200;

/** A failure of the Bot API. `reason` says what to do; the message holds Telegram's own words and never the token. */
export class TelegramFailure extends ProviderFailure {
  readonly reason: TelegramFailureReason;
  /** The id under which a migrated group goes on. */
  readonly migrateToChatId: number | undefined;

  constructor(
    reason: TelegramFailureReason,
    message: string,
    options: { retryAfterMs?: number; migrateToChatId?: number; alert?: boolean } = {},
  ) {
    super(TELEGRAM, KINDS[reason], message, options);
    this.reason = reason;
    this.migrateToChatId = options.migrateToChatId;
  }
}

/**
 * What went wrong with a call; undefined for an answer that says `ok`. `repeatable` calls do no harm when carried out
 * twice, so for them nothing is `unknown`. Telegram's texts are no contract: where the code alone is not enough, the
 * sentences of its own server are looked for, and an unknown one falls to the careful side.
 */
export function failureOf(answer: ProviderAnswer, call: { repeatable: boolean }): TelegramFailure | undefined {
  const lost = call.repeatable ? "unavailable" : "unknown";
  const body = Value.Check(Envelope, answer.json) ? answer.json : undefined;
  if (body === undefined) return strangeAnswer(answer, lost);
  if (body.ok) return undefined;
  const code = body.error_code ?? answer.status;
  const text = body.description ?? "";
  const message = `HTTP ${code} ${text.slice(0, DESCRIPTION_CHARACTERS_MAX)}`.trimEnd();
  switch (code) {
    case 400:
      return badRequest(body, text, message);
    case 401:
      return new TelegramFailure("unauthorized", message);
    case 403:
      return new TelegramFailure(forbiddenReason(text), message);
    case 404:
      // A token that is none; a method that is none is a mistake of ours that concerns every call.
      if (/method/i.test(text)) return new TelegramFailure("rejected", message, { alert: true });
      return new TelegramFailure("unauthorized", message);
    case 429:
      return new TelegramFailure("too_many_requests", message, {
        retryAfterMs: waitOf(body.parameters?.retry_after) ?? headerWait(answer.headers) ?? RATE_LIMIT_WAIT_MS,
      });
    default:
      // 409 among them: somebody else polls for this bot, or a webhook is set while we poll.
      if (code >= 400 && code < 500 && code !== 408) return new TelegramFailure("rejected", message, { alert: true });
      return new TelegramFailure(lost, message);
  }
}

/** What the transport or the settings made fail, in this provider's words. */
export function asTelegramFailure(error: unknown): unknown {
  if (!(error instanceof ProviderFailure) || error instanceof TelegramFailure) return error;
  const reason = error.kind === "unknown" ? "unknown" : "unavailable";
  return new TelegramFailure(reason, error.message.replace(`${TELEGRAM}: `, ""), { alert: error.alert });
}

function badRequest(body: Envelope, text: string, message: string): TelegramFailure {
  const migrateToChatId = body.parameters?.migrate_to_chat_id;
  if (migrateToChatId !== undefined) return new TelegramFailure("migrated", message, { migrateToChatId });
  if (/chat not found|user not found|PEER_ID_INVALID/i.test(text))
    return new TelegramFailure("chat_not_found", message);
  return new TelegramFailure("rejected", message);
}

/** Whatever the words, a 403 means that nothing more is to be sent to this chat. */
function forbiddenReason(text: string): TelegramFailureReason {
  if (/initiate conversation/i.test(text)) return "needs_start";
  if (/deactivated/i.test(text)) return "deactivated";
  return "blocked";
}

/** No answer of the Bot API's: its edge, a proxy on the way, or an address that is not Telegram's at all. */
function strangeAnswer(answer: ProviderAnswer, lost: "unavailable" | "unknown"): TelegramFailure {
  const { status } = answer;
  const message = `HTTP ${status} without an answer of the Bot API`;
  if (status === 401) return new TelegramFailure("unauthorized", message);
  if (status === 413) return new TelegramFailure("rejected", message);
  if (status === 429) {
    return new TelegramFailure("too_many_requests", message, {
      retryAfterMs: headerWait(answer.headers) ?? RATE_LIMIT_WAIT_MS,
    });
  }
  // Whoever answers so did not pass the call on; it will not mend itself either.
  if (status >= 300 && status < 500 && status !== 408) {
    return new TelegramFailure("unavailable", message, { alert: true });
  }
  return new TelegramFailure(lost, message);
}

function waitOf(seconds: number | undefined): number | undefined {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(Math.ceil(seconds) * SECOND_MS, DAY_MS);
}

function headerWait(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? waitOf(Number(seconds)) : undefined;
}
