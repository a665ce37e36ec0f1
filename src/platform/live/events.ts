import { and, asc, eq, gt, lt, sql } from "drizzle-orm";
import { after, type Clock, HOUR_MS } from "../clock.ts";
import { builtOnce, type Given, givenRow, type WholeRow } from "../db/built-once.ts";
import type { Queries } from "../db/database.ts";
import { hotStatement } from "../db/hot-statement.ts";
import { laterWrite, type Write, writeTogether } from "../db/write-together.ts";
import type { WakeUps } from "../wake.ts";
import { type PanelTopic, wakePanel } from "./panel-hints.ts";
import { liveEvents, liveSequences } from "./tables.ts";

/** What clients can be told. */
export const LIVE_EVENT_TYPES = [
  "generation.queued",
  "generation.started",
  "generation.progress",
  "generation.succeeded",
  "generation.failed",
  "generation.cancelled",
  "balance.changed",
  "payment.succeeded",
  "payment.cancelled",
  "subscription.changed",
  "notice",
] as const;
export type LiveEventType = (typeof LIVE_EVENT_TYPES)[number];

/** One frame of the socket and of the long poll. */
export interface LiveEvent {
  n: number;
  type: LiveEventType;
  at: string;
  data: Record<string, unknown>;
}

export interface PublishNeeds {
  db: Queries;
  clock: Clock;
  wakeUps: WakeUps;
  afterCommit(effect: () => void): void;
}

/** Events are kept for one hour; a client that was away for longer starts from the rows again. */
export const EVENT_KEPT_MS = HOUR_MS;
/** Read in one go at most; a client that is further behind gets the rest in the next one. */
export const EVENT_PAGE_SIZE = 200;

/** What one event says. */
export interface News {
  type: LiveEventType;
  data: Record<string, unknown>;
}

/** Writes the person's next event in the caller's transaction. */
export function publish(
  needs: PublishNeeds,
  userId: string,
  type: LiveEventType,
  data: Record<string, unknown>,
): Promise<void> {
  return writeAndPublish(needs, userId, [], [{ type, data }]);
}

/**
 * Does writes in the caller's transaction and, together with them, writes the person's next events, which tell of them. The
 * sequence row is locked until the commit, so numbers become visible in their order and none is ever skipped by a reader.
 */
export async function writeAndPublish(
  needs: PublishNeeds,
  userId: string,
  writes: readonly Write[],
  news: readonly News[],
): Promise<void> {
  const at = needs.clock.now();
  const events = news.map(({ type, data }, place) =>
    insertEvent({ userId, type, data, at, behind: news.length - 1 - place }),
  );
  // The counting comes first and alone: the others read the number where it then stands.
  const [counted] = await Promise.all([
    countEvents(needs.db, { userId, count: news.length }),
    writeTogether(needs.db, [...writes, ...events]),
  ]);
  const last = counted[0]?.number ?? news.length;
  for (const [place, { type, data }] of news.entries()) {
    // As it is read from its row: without what JSON leaves out, and without anything that others may change later.
    const event: LiveEvent = {
      n: last - (news.length - 1 - place),
      type,
      at: at.toISOString(),
      data: JSON.parse(JSON.stringify(data)),
    };
    needs.afterCommit(() => needs.wakeUps.wake("live", userId, event));
    const topic = PANEL_TOPIC_OF[type.slice(0, type.indexOf("."))];
    if (topic !== undefined) wakePanel(needs, topic);
  }
}

/** Past the builder like the writes behind it, so that they cannot overtake it. */
const countEvents = hotStatement({ number: liveSequences.lastNumber }, (db, returned) => {
  const count = sql`${sql.param(sql.placeholder("count"), liveSequences.lastNumber)}`;
  return db
    .insert(liveSequences)
    .values({ userId: sql`${sql.param(sql.placeholder("userId"), liveSequences.userId)}`, lastNumber: count })
    .onConflictDoUpdate({
      target: liveSequences.userId,
      set: { lastNumber: sql`${liveSequences.lastNumber} + ${count}` },
    })
    .returning(returned);
});

/** `behind`: how many events of the same counting come after it. */
const insertEvent = laterWrite((db, given: Given<Omit<WholeRow<typeof liveEvents>, "number"> & { behind: number }>) => {
  const counted = db
    .select({ number: liveSequences.lastNumber })
    .from(liveSequences)
    .where(eq(liveSequences.userId, given("userId", liveSequences.userId)));
  const number = sql`(${counted}) - ${given("behind", liveEvents.number)}`;
  return db.insert(liveEvents).values({ ...givenRow(liveEvents), number });
});

/** What of the owner's panel shows the things that events are about, by the first word of their type. */
const PANEL_TOPIC_OF: Readonly<Record<string, PanelTopic>> = {
  generation: "generations",
  payment: "payments",
  subscription: "payments",
};

/** The number of the person's last event, 0 when there was none. */
export async function lastEventNumber(needs: Pick<PublishNeeds, "db">, userId: string): Promise<number> {
  const rows = await needs.db
    .select({ number: liveSequences.lastNumber })
    .from(liveSequences)
    .where(eq(liveSequences.userId, userId));
  return rows[0]?.number ?? 0;
}

/** The person's events after number `since`, in order, one page. */
export async function eventsSince(
  needs: Pick<PublishNeeds, "db">,
  userId: string,
  since: number,
): Promise<LiveEvent[]> {
  const rows = await readPage(needs.db, { userId, since });
  return rows.map((row) => ({
    n: row.number,
    type: row.type as LiveEventType,
    at: row.at.toISOString(),
    data: row.data,
  }));
}

/** Read at every wake-up of every listener. */
const readPage = builtOnce((db, given: Given<{ userId: string; since: number }>) =>
  db
    .select()
    .from(liveEvents)
    .where(
      and(
        eq(liveEvents.userId, given("userId", liveEvents.userId)),
        gt(liveEvents.number, given("since", liveEvents.number)),
      ),
    )
    .orderBy(asc(liveEvents.number))
    .limit(EVENT_PAGE_SIZE),
);

/** Removes events past their hour; returns how many. */
export async function forgetOldEvents(needs: Pick<PublishNeeds, "db" | "clock">): Promise<number> {
  const removed = await needs.db
    .delete(liveEvents)
    .where(lt(liveEvents.at, after(needs.clock.now(), -EVENT_KEPT_MS)))
    .returning({ number: liveEvents.number });
  return removed.length;
}
