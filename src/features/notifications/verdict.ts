import { MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { TelegramFailure } from "../../providers/telegram/classify.ts";
import type { WriteState } from "../profile/index.ts";

/**
 * What became of one message that was tried.
 * - `sent`
 * - `again`: surely not sent; back to waiting, not before `pauseMs`, and with `restMs` everything else rests as long
 * - `dropped`: trying again gives the same; `closes` says that the bot may not write to this person any more
 * - `moved`: the chat goes on under another id
 * - `unknown`: it may have arrived
 */
export type Verdict =
  | { kind: "sent"; messageId: number }
  | { kind: "again"; reason: string; pauseMs: number; rest: "none" | "told" | "outage" | "refused" }
  | { kind: "dropped"; reason: string; closes?: WriteState; isFault: boolean }
  | { kind: "moved"; chatId: number }
  | { kind: "unknown"; reason: string };

/** Nothing is sent while Telegram refuses the token: only the owner can mend that. */
export const REFUSED_REST_MS = 10 * MINUTE_MS;
/** A message that failed although nothing says why waits this long, so that others go first. */
const AGAIN_PAUSE_MS = 10 * SECOND_MS;

/**
 * What a failed send means. A send whose answer was lost is never repeated: Telegram has no key by which it would know the
 * repetition, and the same message twice reads like a charge or a picture twice, while nothing is lost with one that did
 * not come: what it told of stands in the app. It is counted, and `doctor` shows the count.
 */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof TelegramFailure)) return { kind: "unknown", reason: "unexpected" };
  switch (error.reason) {
    case "blocked":
    case "deactivated":
      return { kind: "dropped", reason: error.reason, closes: "blocked", isFault: false };
    case "needs_start":
    case "chat_not_found":
      return { kind: "dropped", reason: error.reason, closes: "needs_start", isFault: false };
    case "migrated":
      return error.migrateToChatId === undefined
        ? { kind: "dropped", reason: error.reason, isFault: true }
        : { kind: "moved", chatId: error.migrateToChatId };
    case "too_many_requests":
      return { kind: "again", reason: error.reason, pauseMs: error.retryAfterMs ?? AGAIN_PAUSE_MS, rest: "told" };
    case "unauthorized":
      return { kind: "again", reason: error.reason, pauseMs: REFUSED_REST_MS, rest: "refused" };
    case "unavailable":
      return { kind: "again", reason: error.reason, pauseMs: AGAIN_PAUSE_MS, rest: "outage" };
    case "rejected":
      return { kind: "dropped", reason: error.reason, isFault: true };
    case "unknown":
      return { kind: "unknown", reason: error.reason };
  }
}
