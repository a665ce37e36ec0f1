import { and, gt, inArray, lt, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { botUpdates, outboxChats, outboxMessages } from "./tables.ts";

/** What has its end is kept this long, so that questions about a message can be answered and no cause strikes twice. */
const MESSAGE_KEPT_MS = 30 * DAY_MS;
/** Telegram repeats an update for a day. */
const UPDATE_KEPT_MS = 3 * DAY_MS;
/** What `doctor` and the owner's pages count. */
const COUNTED_MS = DAY_MS;

/** How the outbox stands. */
export interface OutboxCounts {
  waiting: number;
  sending: number;
  /** In the last 24 hours. */
  sent: number;
  dropped: number;
  /** Of which nobody knows whether they arrived. */
  unknown: number;
  /** When the oldest of those that wait was written. */
  oldestWaiting: Date | null;
}

/** Counts what waits, and what ended in the last 24 hours. */
export async function outboxCounts(ctx: Pick<Context, "db" | "clock">): Promise<OutboxCounts> {
  const rows = await ctx.db
    .select({
      state: outboxMessages.state,
      messages: sql`count(*)`.mapWith(Number),
      oldest: sql`min(${outboxMessages.createdAt})`.mapWith(outboxMessages.createdAt),
    })
    .from(outboxMessages)
    .where(
      or(
        sql`${outboxMessages.state} in ('waiting', 'sending')`,
        gt(outboxMessages.createdAt, after(ctx.clock.now(), -COUNTED_MS)),
      ),
    )
    .groupBy(outboxMessages.state);
  const of = (state: (typeof rows)[number]["state"]) => rows.find((row) => row.state === state);
  return {
    waiting: of("waiting")?.messages ?? 0,
    sending: of("sending")?.messages ?? 0,
    sent: of("sent")?.messages ?? 0,
    dropped: of("dropped")?.messages ?? 0,
    unknown: of("unknown")?.messages ?? 0,
    oldestWaiting: of("waiting")?.oldest ?? null,
  };
}

/** Removes messages that had their end a month ago, and what else is past its use; returns how many rows. */
export async function forgetOldMessages(ctx: Pick<Context, "db" | "clock">): Promise<number> {
  const now = ctx.clock.now();
  const messages = await ctx.db
    .delete(outboxMessages)
    .where(
      and(
        inArray(outboxMessages.state, ["sent", "dropped", "unknown"]),
        lt(outboxMessages.createdAt, after(now, -MESSAGE_KEPT_MS)),
      ),
    )
    .returning({ id: outboxMessages.id });
  const updates = await ctx.db
    .delete(botUpdates)
    .where(lt(botUpdates.takenAt, after(now, -UPDATE_KEPT_MS)))
    .returning({ id: botUpdates.id });
  const chats = await ctx.db
    .delete(outboxChats)
    .where(lt(outboxChats.freeAt, after(now, -DAY_MS)))
    .returning({ chatId: outboxChats.chatId });
  return messages.length + updates.length + chats.length;
}
