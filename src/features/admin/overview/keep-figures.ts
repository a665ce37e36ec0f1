import { and, asc, eq, gte, isNotNull, min, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, MINUTE_MS } from "../../../platform/clock.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import { moscowDate } from "../../../platform/moscow.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome, later } from "../../../platform/queue/outcome.ts";
import { payments } from "../../billing/index.ts";
import { users } from "../../profile/index.ts";
import { dayStart } from "../day-range.ts";
import type { Prices } from "./count-actions.ts";
import { countDay } from "./count-day.ts";
import { type DayFigures, dateBefore } from "./overview.ts";
import { actionFigures, dayFigures, figureMarks, productFigures } from "./overview-tables.ts";

/**
 * Keeps the figures of days, so that a page of the panel reads one row a day whatever the history.
 *
 *   today        at each run
 *   yesterday    every ten minutes: what was written around midnight is in it by then
 *   any day      on which a payment stands that has changed: refunded, paid late, its commission known now
 *   missing days of an existing database, newest first, some at each run
 *
 * A day is always counted anew from its rows and never added to, so a run that is repeated or killed harms nothing. The mark of
 * what has been seen moves after the days were written.
 */

/** Days counted in one run; the rest follows at once. */
const DAYS_A_RUN = 20;
const YESTERDAY_EVERY_MS = 10 * MINUTE_MS;
/** A change may be written this long after the moment that stands in it: transactions take their time. */
const OVERLAP_MS = 2 * MINUTE_MS;
/** Changed payments looked at in one run. */
const CHANGES_A_RUN = 2_000;
const MARK = "payments";

/** Recurring: counts the days that need it. */
export async function keepFigures(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const now = ctx.clock.now();
  const changed = await changedDays(ctx, now);
  const recent = await recentDays(ctx, now);
  const missing = await missingDays(ctx, now);
  const due = [...new Set([...recent, ...changed.dates, ...missing])];
  const counted = due.slice(0, Math.max(DAYS_A_RUN, recent.length + changed.dates.length));
  for (const date of counted) await keepDay(ctx, job, date);
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const mark = { name: MARK, seenUntil: changed.seenUntil };
    await tx.db
      .insert(figureMarks)
      .values(mark)
      .onConflictDoUpdate({ target: figureMarks.name, set: { seenUntil: mark.seenUntil } });
    wakePanel(tx, "figures");
  });
  return changed.isWhole && counted.length === due.length ? DONE : later(0);
}

/** Counts a day and writes it down in the place of what stood there. */
async function keepDay(ctx: Context, job: LeasedJob, date: string): Promise<void> {
  const now = ctx.clock.now();
  const [known] = await ctx.db.select().from(dayFigures).where(eq(dayFigures.date, date));
  const { figures, products, actions } = await countDay(ctx, date, pricesOf(ctx, known, date === moscowDate(now)));
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const row = { ...figures, computedAt: now };
    await tx.db.insert(dayFigures).values(row).onConflictDoUpdate({ target: dayFigures.date, set: row });
    await tx.db.delete(productFigures).where(eq(productFigures.date, date));
    if (products.length > 0) await tx.db.insert(productFigures).values(products);
    await tx.db.delete(actionFigures).where(eq(actionFigures.date, date));
    if (actions.length > 0) await tx.db.insert(actionFigures).values(actions);
  });
}

/** The prices of now; a day that is over keeps those at which it was counted first. */
function pricesOf({ settings }: Pick<Context, "settings">, known: DayFigures | undefined, isToday: boolean): Prices {
  const kept = known && !isToday ? known : undefined;
  return {
    kieThousandKopecks: kept?.kieThousandKopecks ?? settings.KIE_THOUSAND_CREDITS_KOPECKS,
    dollarKopecks: kept?.dollarKopecks ?? settings.DOLLAR_KOPECKS,
    pictureMillicredits: settings.KIE_PICTURE_MILLICREDITS,
    inputCents: settings.ASSISTANT_INPUT_CENTS,
    outputCents: settings.ASSISTANT_OUTPUT_CENTS,
  };
}

/** Today, and yesterday unless it was counted a moment ago. */
async function recentDays(ctx: Pick<Context, "db">, now: Date): Promise<string[]> {
  const yesterday = dateBefore(now, 1);
  const [known] = await ctx.db.select().from(dayFigures).where(eq(dayFigures.date, yesterday));
  const isFresh = known !== undefined && after(known.computedAt, YESTERDAY_EVERY_MS) > now;
  return isFresh ? [moscowDate(now)] : [moscowDate(now), yesterday];
}

/** The days of payments that have changed since the mark, and how far the mark may move once they are counted. */
async function changedDays(
  ctx: Pick<Context, "db">,
  now: Date,
): Promise<{ dates: string[]; seenUntil: Date; isWhole: boolean }> {
  const [mark] = await ctx.db.select().from(figureMarks).where(eq(figureMarks.name, MARK));
  // The first run finds every day missing, and so every payment counted.
  if (!mark) return { dates: [], seenUntil: now, isWhole: true };
  const rows = await ctx.db
    .select({ paidAt: payments.succeededAt, updatedAt: payments.updatedAt })
    .from(payments)
    .where(and(gte(payments.updatedAt, after(mark.seenUntil, -OVERLAP_MS)), isNotNull(payments.succeededAt)))
    .orderBy(asc(payments.updatedAt), asc(payments.id))
    .limit(CHANGES_A_RUN);
  const dates = new Set(rows.flatMap(({ paidAt }) => (paidAt === null ? [] : [moscowDate(paidAt)])));
  const isWhole = rows.length < CHANGES_A_RUN;
  // Moving on by the overlap too, or a full page would be read again for ever.
  const end = rows.at(-1)?.updatedAt ?? now;
  return { dates: [...dates], seenUntil: isWhole ? now : after(end, OVERLAP_MS), isWhole };
}

/** Days between the first person and yesterday that were never counted, newest first. */
async function missingDays(ctx: Pick<Context, "db">, now: Date): Promise<string[]> {
  const [first] = await ctx.db.select({ at: min(users.createdAt) }).from(users);
  if (!first?.at) return [];
  const days = Math.round(
    (dayStart(moscowDate(now), "date").getTime() - dayStart(moscowDate(first.at), "date").getTime()) / DAY_MS,
  );
  const since = moscowDate(first.at);
  const known = await ctx.db.$count(
    dayFigures,
    sql`${dayFigures.date} >= ${since} and ${dayFigures.date} < ${moscowDate(now)}`,
  );
  if (known >= days) return [];
  const rows = await ctx.db.select({ date: dayFigures.date }).from(dayFigures);
  const counted = new Set(rows.map(({ date }) => date));
  return Array.from({ length: days }, (_, place) => dateBefore(now, place + 1)).filter((date) => !counted.has(date));
}
