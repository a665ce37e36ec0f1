import { and, eq, gte, inArray, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { moscowDate } from "../../../platform/moscow.ts";
import { tellOwner } from "../../notifications/index.ts";
import { payments, taxEntries } from "../payments/payment-tables.ts";
import { YEAR_LIMIT_KOPECKS, yearIncome } from "./tax.ts";
import { taxMeters } from "./tax-tables.ts";

/** At these shares of a limit the owner is told, once each in a period. */
const WARNINGS_PERCENT = [80, 95] as const;
/** Whose shops of self-employed sellers have a monthly limit. */
const LIMITED_PROVIDER = "yookassa";
const KOPECKS_PER_ROUBLE = 100;

export interface Meter {
  /** `tax_year`: income of the year against the law's limit. `yookassa_month`: what the shop took in the month. */
  name: "tax_year" | "yookassa_month";
  /** In Moscow's calendar: `2026`, or `2026-11`. */
  period: string;
  kopecks: number;
  /** 0 where there is no limit. */
  limitKopecks: number;
  percent: number;
}

type Needs = Pick<Context, "db" | "settings">;

/** Both meters at a moment, as they stand. */
export async function metersAt(ctx: Needs, moment: Date): Promise<Meter[]> {
  const month = moscowDate(moment).slice(0, 7);
  const year = month.slice(0, 4);
  const limitKopecks = ctx.settings.YOOKASSA_MONTH_LIMIT_ROUBLES * KOPECKS_PER_ROUBLE;
  return [
    meter("tax_year", year, (await yearIncome(ctx, year)).kopecks, YEAR_LIMIT_KOPECKS),
    meter("yookassa_month", month, await takenInMonth(ctx, month), limitKopecks),
  ];
}

/**
 * Tells the owner when a sale carries a meter over a mark, in the sale's own transaction. The meter's row is locked before the
 * sum is read: of two sales that commit at the same time the second one sees the first, so that no mark is passed
 * unseen and none is told twice.
 */
export async function watchMeters(tx: Context, paidAt: Date): Promise<void> {
  const month = moscowDate(paidAt).slice(0, 7);
  const year = month.slice(0, 4);
  const yearRow = await lockMeter(tx, "tax_year", year);
  const monthRow = await lockMeter(tx, "yookassa_month", month);
  const warned = { tax_year: yearRow.warnedPercent, yookassa_month: monthRow.warnedPercent };
  for (const { name, period, kopecks, limitKopecks, percent } of await metersAt(tx, paidAt)) {
    const passed = WARNINGS_PERCENT.filter((mark) => limitKopecks > 0 && percent >= mark && mark > warned[name]);
    for (const mark of passed) {
      await tellOwner(tx, {
        level: "warning",
        reason: `${name}_${mark}_percent`,
        details: { period, kopecks, limit_kopecks: limitKopecks, percent },
      });
    }
    const warnedPercent = passed.at(-1);
    if (warnedPercent === undefined) continue;
    await tx.db
      .update(taxMeters)
      .set({ warnedPercent })
      .where(and(eq(taxMeters.meter, name), eq(taxMeters.period, period)));
  }
}

function meter(name: Meter["name"], period: string, kopecks: number, limitKopecks: number): Meter {
  const percent = limitKopecks === 0 ? 0 : Math.floor((kopecks * 100) / limitKopecks);
  return { name, period, kopecks, limitKopecks, percent };
}

/** Payments of a Moscow month as they came in: what was given back later had counted all the same. */
async function takenInMonth(ctx: Pick<Context, "db">, month: string): Promise<number> {
  // By the journal's dates, which have an index; each paid order has entries, all of them with the date of its payment.
  const paid = ctx.db
    .select({ id: taxEntries.paymentId })
    .from(taxEntries)
    .where(and(gte(taxEntries.date, `${month}-01`), lt(taxEntries.date, `${month}-32`)));
  const [row] = await ctx.db
    .select({ kopecks: sql`coalesce(sum(${payments.amountKopecks}), 0)`.mapWith(Number) })
    .from(payments)
    .where(and(inArray(payments.id, paid), eq(payments.provider, LIMITED_PROVIDER)));
  return row?.kopecks ?? 0;
}

async function lockMeter(tx: Pick<Context, "db" | "clock">, name: Meter["name"], period: string) {
  const updatedAt = tx.clock.now();
  await tx.db.insert(taxMeters).values({ meter: name, period, warnedPercent: 0, updatedAt }).onConflictDoNothing();
  const [row] = await tx.db
    .update(taxMeters)
    .set({ updatedAt })
    .where(and(eq(taxMeters.meter, name), eq(taxMeters.period, period)))
    .returning();
  if (!row) throw new Error("the row of a meter vanished inside a transaction");
  return row;
}
