import { and, asc, eq, inArray } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { payments, taxEntries } from "../payments/payment-tables.ts";
import { mayBeSent } from "./tax-filing.ts";

/** By this day of the next month a cashless sale has to be registered (Law 422-FZ, article 14 part 3). */
const DEADLINE_DAY = 9;

/** The last Moscow date on which a sale of the Moscow date `2026-11-22` may be registered: `2026-12-09`. */
export function registrationDeadline(date: string): string {
  const [year = 0, month = 0] = date.split("-").map(Number);
  // Months count from 0 here, so the month's own number names the next one.
  return new Date(Date.UTC(year, month, DEADLINE_DAY)).toISOString().slice(0, 10);
}

/**
 * The Moscow date of the oldest sale that is not registered yet, by whatever way; null when all are. Where sales go to the
 * real tax service those of a test shop do not count.
 */
export async function oldestUnregistered(ctx: Pick<Context, "db">, isReal: boolean): Promise<string | null> {
  const [row] = await ctx.db
    .select({ date: taxEntries.date })
    .from(taxEntries)
    .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
    .where(and(inArray(taxEntries.state, ["ready", "unknown"]), mayBeSent(isReal)))
    .orderBy(asc(taxEntries.date), asc(taxEntries.id))
    .limit(1);
  return row?.date ?? null;
}
