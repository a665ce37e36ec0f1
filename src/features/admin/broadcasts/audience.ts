import { and, type Column, inArray, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS } from "../../../platform/clock.ts";
import { chatTurns } from "../../editing/index.ts";
import { generations } from "../../generations/index.ts";
import { users } from "../../profile/index.ts";
import type { BroadcastSegment } from "./broadcast-tables.ts";

/** Whoever has done nothing for so long sleeps. */
export const SLEEPING_DAYS = 30;

/** How many people a broadcast would look at, and how many of them it would write to. */
export interface Audience {
  people: number;
  /** They want news, and the bot may write to them as far as is known. */
  reachable: number;
}

/**
 * The audiences of all segments at this moment. It is an estimate: a broadcast asks of each person anew when it comes to them.
 * Everybody is counted in one walk over the people, those awake by what was done within the days that count, never by history.
 */
export async function audiencesOf(
  ctx: Pick<Context, "db" | "clock">,
): Promise<Readonly<Record<BroadcastSegment, Audience>>> {
  const now = ctx.clock.now();
  const since = after(now, -SLEEPING_DAYS * DAY_MS);
  const hasPlan = sql`${users.subscriptionEnd} > ${sql.param(now, users.subscriptionEnd)}`;
  const isOld = sql`${users.createdAt} <= ${sql.param(since, users.createdAt)}`;
  const [counted = NO_COUNTS] = await ctx.db
    .select({
      people: count(),
      reachable: count(IS_REACHABLE),
      subscribed: count(hasPlan),
      subscribedReachable: count(sql`${hasPlan} and ${IS_REACHABLE}`),
      old: count(isOld),
      oldReachable: count(sql`${isOld} and ${IS_REACHABLE}`),
    })
    .from(users)
    .where(isNull(users.erasedAt));
  const [awake = NOBODY] = await ctx.db
    .select({ people: count(), reachable: count(IS_REACHABLE) })
    .from(users)
    .where(and(isNull(users.erasedAt), lte(users.createdAt, since), inArray(users.id, doersSince(ctx, since))));
  const { people, reachable } = counted;
  const subscribed = { people: counted.subscribed, reachable: counted.subscribedReachable };
  return {
    all: { people, reachable },
    free: without({ people, reachable }, subscribed),
    subscribed,
    sleeping: without({ people: counted.old, reachable: counted.oldReachable }, awake),
  };
}

const NOBODY: Audience = { people: 0, reachable: 0 };
const NO_COUNTS = { ...NOBODY, subscribed: 0, subscribedReachable: 0, old: 0, oldReachable: 0 };

/** What `notify` asks before it writes news to somebody. */
const IS_REACHABLE = sql`${users.writeState} not in ('blocked', 'needs_start') and ${users.bannedAt} is null and ${users.telegramId} > 0 and ${users.notifyNews}`;

const count = (condition: SQL = sql`true`) => sql`count(*) filter (where ${condition})`.mapWith(Number);

/**
 * The people of everything that was ordered or asked lately, some of them often. No plain union: SQLite would sort it by
 * person, and for that read all there ever was. No two lists either: Postgres would search a long one once for each person.
 */
function doersSince({ db }: Pick<Context, "db">, since: Date) {
  const lately = (column: Column) => sql`${column} >= ${sql.param(since, column)}`;
  return db
    .select({ id: generations.userId })
    .from(generations)
    .where(lately(generations.createdAt))
    .unionAll(db.select({ id: chatTurns.userId }).from(chatTurns).where(lately(chatTurns.createdAt)));
}

function without(whole: Audience, part: Audience): Audience {
  return { people: whole.people - part.people, reachable: whole.reachable - part.reachable };
}
