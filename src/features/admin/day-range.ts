import { type Column, type SQL, sql } from "drizzle-orm";
import { after, DAY_MS } from "../../platform/clock.ts";
import { Refusal } from "../../platform/errors.ts";
import { moscowDayStart } from "../../platform/moscow.ts";

/** Days of Moscow's calendar, both included. */
export interface DayRange {
  from?: string | undefined;
  to?: string | undefined;
}

/** Rows whose moment lies within the days; undefined where no day is given. Refuses days that do not exist. */
export function withinDays(column: Column, range: DayRange): SQL | undefined {
  const parts: SQL[] = [];
  if (range.from !== undefined) parts.push(sql`${column} >= ${sql.param(dayStart(range.from, "from"), column)}`);
  if (range.to !== undefined) {
    parts.push(sql`${column} < ${sql.param(after(dayStart(range.to, "to"), DAY_MS), column)}`);
  }
  return parts.length === 0 ? undefined : sql.join(parts, sql` and `);
}

/** The moment at which a day of Moscow's calendar begins. */
export function dayStart(day: string, name: string): Date {
  const midday = new Date(`${day}T12:00:00Z`);
  if (midday.getTime() > 0 && midday.toISOString().startsWith(day)) return moscowDayStart(midday);
  throw new Refusal("validation_failed", {
    errors: [{ path: `/query/${name}`, message: "must be a day that exists" }],
  });
}

/** A day as a stretch of time, the end not included. */
export interface DaySpan {
  date: string;
  from: Date;
  to: Date;
}

/** Rows whose moment lies within the stretch. */
export function within(column: Column, { from, to }: Pick<DaySpan, "from" | "to">): SQL {
  return sql`${column} >= ${sql.param(from, column)} and ${column} < ${sql.param(to, column)}`;
}
