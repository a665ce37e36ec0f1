import { and, asc, eq, inArray, isNull, lte, ne, notInArray, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { holdWindow } from "../../platform/limits/window.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { fence } from "../../platform/queue/outcome.ts";
import { users } from "../profile/index.ts";
import { isClosed } from "./notify.ts";
import { type OutboxLane, outboxChats, outboxMessages, outboxPauses } from "./tables.ts";

export type OutboxMessage = typeof outboxMessages.$inferSelect;

/** Telegram lets a bot send about 30 messages a second to different people; this leaves room for what it counts otherwise. */
export const SEND_WINDOW = { name: "telegram.send", count: 25, windowMs: 1_000 };
/** Messages in hand at once: their bytes are in memory, and each is in doubt if the process dies now. */
const IN_HAND_MAX: Record<OutboxLane, number> = { texts: SEND_WINDOW.count, files: 5 };
/** Looked at in one go at most, to find as many for different chats. */
const CANDIDATES_MAX = 4 * SEND_WINDOW.count;
/** Looks for more chats in one step: one person with many messages must not hide everybody else's. */
const LOOKS_MAX = 3;
/** A chat takes one message a second, so this is how long one with several of them has to be waited for. */
const CHAT_WAIT_MS = 500;
/** How `outbox_pauses` names the bot. */
export const TELEGRAM_PAUSE = "telegram";

export interface Claimed {
  /** Now `sending`, in this worker's hands. */
  messages: OutboxMessage[];
  /** When their places in the window were taken. */
  takenAt: Date;
  /** Faults of Telegram's in a row before this. */
  failures: number;
  /** When to look again; null when nothing waits at all. */
  waitMs: number | null;
}

/**
 * Takes the next messages of a lane, as many as may be sent now: best first, one for each chat. All who send stand in
 * line at the row of the window, whatever process they are in, so no message is taken twice and no place used twice.
 * What an earlier run of this job had in its hands when its worker died becomes `unknown`.
 */
export async function claimMessages(ctx: Context, job: LeasedJob, lane: OutboxLane): Promise<Claimed> {
  return ctx.transaction(async (tx) => {
    await fence(tx, job);
    await disownOrphans(tx, job);
    const now = tx.clock.now();
    const none: Claimed = { messages: [], takenAt: now, failures: 0, waitMs: null };
    const window = await holdWindow(tx, SEND_WINDOW);
    const [pause] = await tx.db.select().from(outboxPauses).where(eq(outboxPauses.provider, TELEGRAM_PAUSE));
    const failures = pause?.failures ?? 0;
    if (pause && pause.until > now) return { ...none, failures, waitMs: pause.until.getTime() - now.getTime() };
    if (window.free === 0) return { ...none, failures, waitMs: window.waitMs };

    // While Telegram does not answer, one message finds out whether it does again.
    const limit = failures > 0 ? 1 : Math.min(window.free, IN_HAND_MAX[lane]);
    const chosen = await choose(tx, lane, limit);
    if (chosen.length === 0) return { ...none, failures, waitMs: await nextLookMs(tx, lane) };
    await window.take(chosen.length);
    const messages = await tx.db
      .update(outboxMessages)
      .set({
        state: "sending",
        attempts: sql`${outboxMessages.attempts} + 1`,
        senderJob: job.id,
        senderLease: job.lease,
        updatedAt: now,
      })
      .where(inArray(outboxMessages.id, chosen))
      .returning();
    return { messages, takenAt: now, failures, waitMs: chosen.length === window.free ? SEND_WINDOW.windowMs + 1 : 0 };
  });
}

/** A lease of this job that is not the present one belongs to a run that is over, whichever way it ended. */
async function disownOrphans(tx: Context, job: LeasedJob): Promise<void> {
  const orphans = await tx.db
    .update(outboxMessages)
    .set({ state: "unknown", reason: "worker_died", updatedAt: tx.clock.now() })
    .where(
      and(
        sql`${outboxMessages.state} = 'sending'`,
        eq(outboxMessages.senderJob, job.id),
        ne(outboxMessages.senderLease, job.lease),
      ),
    )
    .returning({ id: outboxMessages.id });
  if (orphans.length > 0) tx.log.warn("it is not known whether messages were sent", { messages: orphans.length });
}

/** The ids of up to `limit` messages for as many chats; drops on the way what must not be sent any more. */
async function choose(tx: Context, lane: OutboxLane, limit: number): Promise<string[]> {
  const now = tx.clock.now();
  const chosen = new Map<number, string>();
  for (let look = 0; look < LOOKS_MAX && chosen.size < limit; look += 1) {
    const candidates = await tx.db
      .select({
        id: outboxMessages.id,
        chatId: outboxMessages.chatId,
        staleAt: outboxMessages.staleAt,
        writeState: users.writeState,
      })
      .from(outboxMessages)
      .leftJoin(outboxChats, eq(outboxChats.chatId, outboxMessages.chatId))
      .leftJoin(users, eq(users.telegramId, outboxMessages.chatId))
      .where(
        and(
          sql`${outboxMessages.state} = 'waiting'`,
          eq(outboxMessages.lane, lane),
          lte(outboxMessages.dueAt, now),
          or(isNull(outboxChats.freeAt), lte(outboxChats.freeAt, now)),
          chosen.size === 0 ? undefined : notInArray(outboxMessages.chatId, [...chosen.keys()]),
        ),
      )
      .orderBy(asc(outboxMessages.priority), asc(outboxMessages.id))
      .limit(CANDIDATES_MAX);
    const stale = candidates.filter((one) => one.staleAt <= now);
    const closed = candidates.filter((one) => one.staleAt > now && one.writeState !== null && isClosed(one.writeState));
    await dropMessages(tx, ids(stale), "too_old");
    await dropMessages(tx, ids(closed), "unreachable");
    const gone = new Set([...ids(stale), ...ids(closed)]);
    for (const { id, chatId } of candidates) {
      if (chosen.size < limit && !gone.has(id) && !chosen.has(chatId)) chosen.set(chatId, id);
    }
    if (candidates.length < CANDIDATES_MAX) break;
  }
  return [...chosen.values()];
}

const ids = (rows: readonly { id: string }[]) => rows.map((row) => row.id);

async function dropMessages(tx: Context, dropped: readonly string[], reason: string): Promise<void> {
  if (dropped.length === 0) return;
  await tx.db
    .update(outboxMessages)
    .set({ state: "dropped", reason, updatedAt: tx.clock.now() })
    .where(inArray(outboxMessages.id, [...dropped]));
  tx.log.info("messages dropped", { messages: dropped.length, reason });
}

/** Nothing may be sent now: how long until something may, null when nothing waits. */
async function nextLookMs(tx: Context, lane: OutboxLane): Promise<number | null> {
  const now = tx.clock.now();
  const waits = and(sql`${outboxMessages.state} = 'waiting'`, eq(outboxMessages.lane, lane));
  const due = { at: sql`min(${outboxMessages.dueAt})`.mapWith(outboxMessages.dueAt) };
  const [first] = await tx.db.select(due).from(outboxMessages).where(waits);
  if (!first?.at) return null;
  if (first.at > now) return first.at.getTime() - now.getTime();
  // Something is due and its chat is not free yet, or more was dropped than one step looks at.
  return CHAT_WAIT_MS;
}
