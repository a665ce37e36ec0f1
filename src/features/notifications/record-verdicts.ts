import { and, eq, inArray, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { restampPlaces } from "../../platform/limits/window.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { setWriteState } from "../profile/index.ts";
import { tellOwner } from "./alerts.ts";
import { type Claimed, type OutboxMessage, SEND_WINDOW, TELEGRAM_PAUSE } from "./claim-messages.ts";
import { messages } from "./messages.ts";
import { isMessageKey } from "./notify.ts";
import { outboxChats, outboxMessages, outboxPauses } from "./tables.ts";
import { REFUSED_REST_MS, type Verdict } from "./verdict.ts";

/** A person gets at most one message a second. */
const CHAT_PAUSE_MS = SECOND_MS;
/** Rests while Telegram does not answer: the first, and the longest. */
const OUTAGE_REST_MS = 5 * SECOND_MS;
const OUTAGE_REST_MS_MAX = 5 * MINUTE_MS;

export interface Tried {
  message: OutboxMessage;
  verdict: Verdict;
}

/**
 * Writes down what became of the messages in hand. Not fenced, on purpose: a worker that was taken for dead knows what
 * nobody else does, and what it knows replaces `unknown`. Rows are found by the lease under which they were taken.
 */
export async function recordVerdicts(ctx: Context, job: LeasedJob, claimed: Claimed, tried: Tried[]): Promise<void> {
  await ctx.transaction(async (tx) => {
    // In the order in which the claim takes its locks: the window first.
    await restampPlaces(tx, SEND_WINDOW, claimed.takenAt, tried.length);
    await markSent(tx, job, tried);
    for (const [verdict, ids] of alike(tried)) await markOther(tx, job, verdict, ids);
    await occupyChats(tx, tried);
    for (const one of tried) await afterDropped(tx, one);
    await rest(tx, claimed, tried);
  });
}

const held = (job: LeasedJob, ids: readonly string[]) =>
  and(inArray(outboxMessages.id, [...ids]), eq(outboxMessages.senderLease, job.lease));

/** All of them in one statement, each with its own number at Telegram. */
async function markSent(tx: Context, job: LeasedJob, tried: readonly Tried[]): Promise<void> {
  const numbers = new Map<string, number>();
  for (const { message, verdict } of tried) if (verdict.kind === "sent") numbers.set(message.id, verdict.messageId);
  if (numbers.size === 0) return;
  const now = tx.clock.now();
  const cases = [...numbers].map(([id, number]) => sql`when ${id} then ${sql.raw(String(Math.trunc(number)))}`);
  await tx.db
    .update(outboxMessages)
    .set({
      state: "sent",
      reason: null,
      telegramMessageId: sql`case ${outboxMessages.id} ${sql.join(cases, sql` `)} end`,
      sentAt: now,
      updatedAt: now,
    })
    .where(held(job, [...numbers.keys()]));
}

/** Those that were not sent, by what became of them. */
function alike(tried: readonly Tried[]): Array<[Exclude<Verdict, { kind: "sent" }>, string[]]> {
  const groups = new Map<string, [Exclude<Verdict, { kind: "sent" }>, string[]]>();
  for (const { message, verdict } of tried) {
    if (verdict.kind === "sent") continue;
    const name = JSON.stringify(verdict);
    const group = groups.get(name) ?? [verdict, []];
    group[1].push(message.id);
    groups.set(name, group);
  }
  return [...groups.values()];
}

async function markOther(
  tx: Context,
  job: LeasedJob,
  verdict: Exclude<Verdict, { kind: "sent" }>,
  ids: readonly string[],
): Promise<void> {
  const now = tx.clock.now();
  const change = (() => {
    switch (verdict.kind) {
      case "again":
        return { state: "waiting" as const, reason: verdict.reason, dueAt: after(now, verdict.pauseMs) };
      case "moved":
        return { state: "waiting" as const, reason: "migrated", chatId: verdict.chatId };
      case "dropped":
        return { state: "dropped" as const, reason: verdict.reason };
      case "unknown":
        return { state: "unknown" as const, reason: verdict.reason };
    }
  })();
  await tx.db
    .update(outboxMessages)
    .set({ ...change, updatedAt: now })
    .where(held(job, ids));
  tx.log.warn("messages were not sent", { verdict: verdict.kind, reason: change.reason, messages: ids.length });
}

async function occupyChats(tx: Context, tried: readonly Tried[]): Promise<void> {
  const freeAt = after(tx.clock.now(), CHAT_PAUSE_MS);
  const chatIds = [...new Set(tried.map(({ message }) => message.chatId))].sort((a, b) => a - b);
  await tx.db
    .insert(outboxChats)
    .values(chatIds.map((chatId) => ({ chatId, freeAt })))
    .onConflictDoUpdate({ target: outboxChats.chatId, set: { freeAt } });
}

/** A person who stopped the bot gets nothing more until they come back; a message that is wrong is a fault of ours. */
async function afterDropped(tx: Context, { message, verdict }: Tried): Promise<void> {
  if (verdict.kind !== "dropped") return;
  if (verdict.closes !== undefined) await closeChat(tx, message.chatId, verdict.closes, verdict.reason);
  const isAlert = isMessageKey(message.key) && messages[message.key].topic === "owner";
  // An alert about an alert that cannot be sent would go round in circles.
  if (verdict.isFault && !isAlert) {
    await tellOwner(tx, {
      level: "warning",
      reason: "message_not_sendable",
      details: { key: message.key, reason: verdict.reason, message_id: message.id },
    });
  }
}

/** Marks that the bot may not write to a person, and drops what still waits for them. */
export async function closeChat(
  tx: Pick<Context, "db" | "clock">,
  chatId: number,
  state: "blocked" | "needs_start" | "unknown" | "enabled",
  reason: string,
): Promise<void> {
  await setWriteState(tx, chatId, state);
  await tx.db
    .update(outboxMessages)
    .set({ state: "dropped", reason, updatedAt: tx.clock.now() })
    .where(and(eq(outboxMessages.chatId, chatId), sql`${outboxMessages.state} = 'waiting'`));
}

/** Whether everything rests now: because Telegram named a time, refuses the token, or does not answer. */
async function rest(tx: Context, claimed: Claimed, tried: readonly Tried[]): Promise<void> {
  const now = tx.clock.now();
  const again = tried.flatMap(({ verdict }) => (verdict.kind === "again" ? [verdict] : []));
  const told = again.filter((verdict) => verdict.rest === "told").map((verdict) => verdict.pauseMs);
  const isRefused = again.some((verdict) => verdict.rest === "refused");
  const hasAnswered = tried.some(({ verdict }) => verdict.kind === "sent" || verdict.kind === "dropped");
  const isOut = !hasAnswered && again.some((verdict) => verdict.rest === "outage");
  const failures = isOut ? claimed.failures + 1 : 0;
  const outageMs = isOut ? Math.min(OUTAGE_REST_MS_MAX, OUTAGE_REST_MS * 2 ** (failures - 1)) : 0;
  const pauseMs = Math.max(0, ...told, isRefused ? REFUSED_REST_MS : 0, outageMs);
  if (pauseMs === 0 && failures === claimed.failures) return;
  const pause = { until: after(now, pauseMs), failures };
  await tx.db
    .insert(outboxPauses)
    .values({ provider: TELEGRAM_PAUSE, ...pause })
    .onConflictDoUpdate({ target: outboxPauses.provider, set: pause });
  if (pauseMs > 0) tx.log.warn("the bot rests", { ms: pauseMs, failures });
  if (isRefused) {
    await tellOwner(tx, { level: "critical", reason: "telegram_refuses_token", details: {} });
  }
}
