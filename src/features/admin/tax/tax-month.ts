import { and, desc, gte, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { YEAR_LIMIT_KOPECKS } from "../../billing/index.ts";
import { dayFigures } from "../overview/overview-tables.ts";
import { taxWaiting } from "./tax-entries.ts";

const KOPECKS_PER_ROUBLE = 100;

type Needs = Pick<Context, "db" | "settings" | "taxService">;

/** The sums of a month and the meters of its year and month, from the figures of days: no sale is read. */
export async function taxMonthView(ctx: Needs, month: string) {
  const year = month.slice(0, 4);
  const sums = await sumsOf(ctx, `${month}-01`, `${month}-32`);
  const yearSums = await sumsOf(ctx, `${year}-01-01`, `${year}-12-32`);
  const [latest] = await ctx.db.select().from(dayFigures).orderBy(desc(dayFigures.date)).limit(1);
  const { base, paid } = sums;
  return {
    month,
    sums: {
      sales: sums.sales,
      paid_kopecks: paid,
      refunded_kopecks: paid - base,
      base_kopecks: base,
      tax_kopecks: sums.tax,
      commission_kopecks: sums.commission,
      commission_forecast_kopecks: sums.forecast,
      net_kopecks: base - sums.tax - sums.commission,
    },
    meters: [
      meter("tax_year", year, yearSums.base, YEAR_LIMIT_KOPECKS),
      meter("yookassa_month", month, paid, ctx.settings.YOOKASSA_MONTH_LIMIT_ROUBLES * KOPECKS_PER_ROUBLE),
    ],
    waiting: await taxWaiting(ctx),
    connector: ctx.taxService !== null,
    as_of: latest?.computedAt.toISOString() ?? null,
  };
}

function meter(name: "tax_year" | "yookassa_month", period: string, kopecks: number, limitKopecks: number) {
  const percent = limitKopecks === 0 ? 0 : Math.floor((kopecks * 100) / limitKopecks);
  return { name, period, kopecks, limit_kopecks: limitKopecks, percent };
}

async function sumsOf(ctx: Pick<Context, "db">, from: string, to: string) {
  const sum = (column: Parameters<typeof sql>[1]) => sql`coalesce(sum(${column}), 0)`.mapWith(Number);
  const [row] = await ctx.db
    .select({
      sales: sum(dayFigures.sales),
      paid: sum(dayFigures.paidKopecks),
      base: sum(dayFigures.baseKopecks),
      tax: sum(dayFigures.taxKopecks),
      commission: sum(dayFigures.commissionKopecks),
      forecast: sum(dayFigures.commissionForecastKopecks),
    })
    .from(dayFigures)
    .where(and(gte(dayFigures.date, from), lt(dayFigures.date, to)));
  return row ?? { sales: 0, paid: 0, base: 0, tax: 0, commission: 0, forecast: 0 };
}
