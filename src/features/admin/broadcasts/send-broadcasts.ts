import { and, asc, eq, gt, gte, inArray, isNull, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, SECOND_MS } from "../../../platform/clock.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { enqueue } from "../../../platform/queue/enqueue.ts";
import { DONE, fence, type JobOutcome, later } from "../../../platform/queue/outcome.ts";
import { chatTurns } from "../../editing/index.ts";
import { generations } from "../../generations/index.ts";
import { notify, outboxMessages } from "../../notifications/index.ts";
import { type User, users } from "../../profile/index.ts";
import { SLEEPING_DAYS } from "./audience.ts";
import { type BroadcastSegment, broadcasts } from "./broadcast-tables.ts";

/**
 * Sending to many beside everybody's own messages.
 *
 *   walk     some people a second, in the order of their ids; the messages and the place reached are written together, so
 *            a run that is killed goes on where it was, and a message's cause keeps anybody from getting two
 *   outbox   sends them like all others, last of all: they stand behind whatever else waits, and as only so many are
 *            written as leave room in a second, nothing else ever waits for them
 *   fold     what has its end is added to the counts and let go of, so that counting never reads all of them
 *
 * One broadcast after another; a stopped one takes back what was not sent yet.
 */
export type Broadcast = typeof broadcasts.$inferSelect;

/** Messages written a second; the bot may send 25, so that ten a second are left for everything else. */
const PEOPLE_A_SECOND = 15;
/** Nothing more is written while so many wait: the bot rests, or is slower than the walk. */
const WAITING_MAX = 2 * PEOPLE_A_SECOND;
/** People looked at in one step; most of them may not belong to the segment. */
const LOOKED_AT_MAX = 300;
const FOLDED_MAX = 500;
const JOB_KEY = "broadcasts";
const CLOSED_REASONS: readonly (string | null)[] = [
  "blocked",
  "deactivated",
  "needs_start",
  "chat_not_found",
  "unreachable",
];
const WITHDRAWN = "broadcast_stopped";

/** Sees to it that a job sends what is started. */
export async function startSendingBroadcasts(tx: Context): Promise<void> {
  await enqueue(tx, "broadcasts.send", {}, { uniqueKey: JOB_KEY });
}

/** Recurring: starts the job where a broadcast is open, whatever became of an earlier one. */
export async function sweepBroadcasts(ctx: Context): Promise<JobOutcome> {
  await ctx.transaction(async (tx) => {
    if ((await oldestOpen(tx)) !== null) await startSendingBroadcasts(tx);
  });
  return DONE;
}

/** One step of the oldest open broadcast, once a second. */
export async function sendBroadcasts(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const isOver = await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const open = await oldestOpen(tx);
    if (open === null) return true;
    // Written before anything else: whoever stops it waits for this step, or this step sees that it was stopped.
    const now = tx.clock.now();
    const [locked] = await tx.db
      .update(broadcasts)
      .set({ updatedAt: now })
      .where(eq(broadcasts.id, open.id))
      .returning();
    if (!locked) return false;
    if (locked.state === "stopped") await withdraw(tx, locked);
    const folded = await fold(tx, locked);
    const walked = locked.state === "running" && locked.walkedAt === null ? await walk(tx, locked) : {};
    const isDone = locked.state === "stopped" || (walked.walkedAt ?? locked.walkedAt) !== null;
    const left = isDone ? await tx.db.$count(outboxMessages, ofBroadcast(locked)) : 1;
    const end =
      left === 0 ? { endedAt: now, ...(locked.state === "running" ? { state: "finished" as const } : {}) } : {};
    await tx.db
      .update(broadcasts)
      .set({ ...folded, ...walked, ...end, updatedAt: now })
      .where(eq(broadcasts.id, locked.id));
    wakePanel(tx, "broadcasts");
    return false;
  });
  return isOver ? DONE : later(SECOND_MS);
}

async function oldestOpen({ db }: Pick<Context, "db">): Promise<Broadcast | null> {
  const [open] = await db
    .select()
    .from(broadcasts)
    .where(sql`${broadcasts.startedAt} is not null and ${broadcasts.endedAt} is null`)
    .orderBy(asc(broadcasts.startedAt), asc(broadcasts.id))
    .limit(1);
  return open ?? null;
}

const ofBroadcast = (broadcast: Broadcast) => eq(outboxMessages.broadcastId, broadcast.id);

/** Takes back what waits still. What is on its way to Telegram at this moment arrives. */
async function withdraw(tx: Context, broadcast: Broadcast): Promise<void> {
  await tx.db
    .update(outboxMessages)
    .set({ state: "dropped", reason: WITHDRAWN, updatedAt: tx.clock.now() })
    .where(and(ofBroadcast(broadcast), sql`${outboxMessages.state} = 'waiting'`));
}

/** Adds what has its end to the counts, and lets go of those messages. */
async function fold(tx: Context, broadcast: Broadcast) {
  const ended = await tx.db
    .select({ id: outboxMessages.id, state: outboxMessages.state, reason: outboxMessages.reason })
    .from(outboxMessages)
    .where(and(ofBroadcast(broadcast), inArray(outboxMessages.state, ["sent", "dropped", "unknown"])))
    .orderBy(asc(outboxMessages.id))
    .limit(FOLDED_MAX);
  if (ended.length === 0) return {};
  await tx.db
    .update(outboxMessages)
    .set({ broadcastId: null })
    .where(
      inArray(
        outboxMessages.id,
        ended.map(({ id }) => id),
      ),
    );
  const count = (is: (row: (typeof ended)[number]) => boolean) => ended.filter(is).length;
  const sent = count(({ state }) => state === "sent");
  const withdrawn = count(({ state, reason }) => state === "dropped" && reason === WITHDRAWN);
  const blocked = count(({ state, reason }) => state === "dropped" && CLOSED_REASONS.includes(reason));
  return {
    sent: broadcast.sent + sent,
    withdrawn: broadcast.withdrawn + withdrawn,
    blocked: broadcast.blocked + blocked,
    failed: broadcast.failed + ended.length - sent - withdrawn - blocked,
  };
}

/** Writes to the next people of the segment. Returns what changes in the broadcast's row. */
async function walk(tx: Context, broadcast: Broadcast): Promise<Partial<Broadcast>> {
  if ((await tx.db.$count(outboxMessages, ofBroadcast(broadcast))) >= WAITING_MAX) return {};
  const people = await tx.db
    .select()
    .from(users)
    .where(and(broadcast.cursor === null ? undefined : gt(users.id, broadcast.cursor), isNull(users.erasedAt)))
    .orderBy(asc(users.id))
    .limit(LOOKED_AT_MAX);
  const wanted = await inSegment(tx, broadcast.segment, people);
  const counts = { waiting: 0, repeated: 0, switched_off: 0, unreachable: 0 };
  let cursor = broadcast.cursor;
  for (const person of people) {
    if (counts.waiting >= PEOPLE_A_SECOND) break;
    cursor = person.id;
    if (!wanted.has(person.id)) continue;
    const notified = await notify(tx, {
      userId: person.id,
      message: {
        key: "broadcast",
        parameters: { text: person.language === "ru" ? broadcast.textRu : broadcast.textEn },
      },
      about: broadcast.id,
      broadcastId: broadcast.id,
    });
    counts[notified] += 1;
  }
  const isEverybody = people.length < LOOKED_AT_MAX && (people.at(-1)?.id ?? cursor) === cursor;
  return {
    cursor,
    written: broadcast.written + counts.waiting,
    switchedOff: broadcast.switchedOff + counts.switched_off,
    unreachable: broadcast.unreachable + counts.unreachable,
    ...(isEverybody ? { walkedAt: tx.clock.now() } : {}),
  };
}

/** Which of these people belong to the segment at this moment. */
async function inSegment(tx: Context, segment: BroadcastSegment, people: readonly User[]): Promise<Set<string>> {
  const now = tx.clock.now();
  const hasPlan = (user: User) => user.subscriptionEnd !== null && user.subscriptionEnd > now;
  const idsOf = (chosen: readonly User[]) => new Set(chosen.map(({ id }) => id));
  if (segment === "all") return idsOf(people);
  if (segment === "subscribed") return idsOf(people.filter(hasPlan));
  if (segment === "free") return idsOf(people.filter((user) => !hasPlan(user)));
  const since = after(now, -SLEEPING_DAYS * DAY_MS);
  const old = idsOf(people.filter((user) => user.createdAt <= since));
  const awake = old.size === 0 ? [] : await awakeSince(tx, [...old], since);
  for (const id of awake) old.delete(id);
  return old;
}

async function awakeSince({ db }: Pick<Context, "db">, ids: string[], since: Date): Promise<string[]> {
  const pictures = await db
    .selectDistinct({ userId: generations.userId })
    .from(generations)
    .where(and(inArray(generations.userId, ids), gte(generations.createdAt, since)));
  const turns = await db
    .selectDistinct({ userId: chatTurns.userId })
    .from(chatTurns)
    .where(and(inArray(chatTurns.userId, ids), gte(chatTurns.createdAt, since)));
  return [...pictures, ...turns].map(({ userId }) => userId);
}
