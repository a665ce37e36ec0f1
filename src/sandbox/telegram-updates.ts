import { after, type Clock, DAY_MS, SECOND_MS } from "../platform/clock.ts";

/** Telegram keeps what nobody took for a day. */
const KEPT_MS = DAY_MS;
/** What is delivered to a bot that never said what it wants. */
const KINDS_DEFAULT = ["message", "callback_query", "my_chat_member", "pre_checkout_query"];

export type UpdateKind = "message" | "my_chat_member";

export interface PendingUpdate {
  id: number;
  chatId: number;
  kind: UpdateKind;
  /** As JSON. */
  body: string;
  bornAt: Date;
}

/** What waits for the bot, whether it polls or has a webhook. */
export interface TelegramUpdates {
  /** Kinds that are made at all; an empty list asks for the usual ones, undefined keeps what it was. */
  allow(kinds: readonly string[] | undefined): void;
  readonly allowed: readonly string[];
  push(kind: UpdateKind, chatId: number, content: object): void;
  /** The oldest first. */
  pending(): readonly PendingUpdate[];
  /** Taken; undefined takes all. */
  drop(taken?: (update: PendingUpdate) => boolean): void;
  /** Resolves with the next update that is pushed, or after `ms`, or when `signal` aborts. */
  next(ms: number, signal: AbortSignal): Promise<void>;
}

export function createTelegramUpdates(options: { clock: Clock; onPush: () => void }): TelegramUpdates {
  const { clock, onPush } = options;
  let pending: PendingUpdate[] = [];
  let allowed: readonly string[] = KINDS_DEFAULT;
  const waiting = new Set<() => void>();
  // Real ids begin anywhere and grow by one. Begun at the time, those of a sandbox that is started again are others than
  // before: a server that kept its database would take them for updates that it has had.
  let lastId = Math.floor(clock.now().getTime() / SECOND_MS);
  return {
    get allowed() {
      return allowed;
    },
    allow(kinds) {
      if (kinds !== undefined) allowed = kinds.length === 0 ? KINDS_DEFAULT : kinds;
    },
    push(kind, chatId, content) {
      if (!allowed.includes(kind)) return;
      lastId += 1;
      const body = JSON.stringify({ update_id: lastId, [kind]: content });
      pending.push({ id: lastId, chatId, kind, body, bornAt: clock.now() });
      for (const wake of waiting) wake();
      onPush();
    },
    pending() {
      const oldest = after(clock.now(), -KEPT_MS);
      pending = pending.filter(({ bornAt }) => bornAt >= oldest);
      return pending;
    },
    drop(taken = () => true) {
      pending = pending.filter((update) => !taken(update));
    },
    next(ms, signal) {
      return new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
        signal.addEventListener("abort", done, { once: true });
      });
    },
  };
}
