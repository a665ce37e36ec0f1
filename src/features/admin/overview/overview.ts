import { and, asc, gte, lte } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS } from "../../../platform/clock.ts";
import { moscowDate, moscowMonth } from "../../../platform/moscow.ts";
import { dayFigures } from "./overview-tables.ts";
import { addTimes, noTimes, percentile } from "./picture-times.ts";

export type DayFigures = typeof dayFigures.$inferSelect;
/** What adds up over days. */
type Sums = Omit<DayFigures, "date" | "kieThousandKopecks" | "dollarKopecks" | "computedAt">;

type Needs = Pick<Context, "db" | "clock" | "settings">;

/** The last days up to today, and the same number of days before for comparison. Reads that many rows, whatever the history. */
export async function overviewOf(ctx: Needs, days: number) {
  const today = ctx.clock.now();
  const from = dateBefore(today, days - 1);
  const to = moscowDate(today);
  const rows = await figuresBetween(ctx, dateBefore(today, 2 * days - 1), to);
  const byDate = new Map(rows.map((row) => [row.date, row]));
  const current = rows.filter((row) => row.date >= from);
  const earlier = rows.filter((row) => row.date < from);
  return {
    from,
    to,
    totals: figuresOf(current.length > 0 ? sumOf(current) : ZERO, days),
    previous: figuresOf(earlier.length > 0 ? sumOf(earlier) : ZERO, days),
    days: datesBetween(today, days).map((date) => ({ date, ...figuresOf(byDate.get(date) ?? ZERO, 1) })),
    as_of: rows.at(-1)?.computedAt.toISOString() ?? null,
    prices: {
      kie_thousand_kopecks: ctx.settings.KIE_THOUSAND_CREDITS_KOPECKS,
      dollar_kopecks: ctx.settings.DOLLAR_KOPECKS,
    },
  };
}

/** The last months up to this one. Reads the rows of their days. */
export async function monthsOf(ctx: Needs, months: number) {
  const today = ctx.clock.now();
  const wanted = monthsBack(moscowMonth(today), months);
  const rows = await figuresBetween(ctx, `${wanted[0]}-01`, moscowDate(today));
  return {
    months: wanted.map((month) => {
      const own = rows.filter((row) => row.date.startsWith(month));
      const days = own.length;
      return { month, days, ...figuresOf(days > 0 ? sumOf(own) : ZERO, Math.max(1, days)) };
    }),
    as_of: rows.at(-1)?.computedAt.toISOString() ?? null,
  };
}

function figuresBetween(ctx: Pick<Context, "db">, from: string, to: string): Promise<DayFigures[]> {
  return ctx.db
    .select()
    .from(dayFigures)
    .where(and(gte(dayFigures.date, from), lte(dayFigures.date, to)))
    .orderBy(asc(dayFigures.date));
}

const COUNTED = [
  "newPeople",
  "actives",
  "buyers",
  "firstBuyers",
  "sales",
  "paidKopecks",
  "baseKopecks",
  "taxKopecks",
  "commissionKopecks",
  "commissionForecastKopecks",
  "testKopecks",
  "pictures",
  "picturesFailed",
  "picturesCancelled",
  "turns",
  "turnsFailed",
  "pictureCostKopecks",
  "turnCostKopecks",
] as const satisfies readonly (keyof Sums)[];

const ZERO: Sums = {
  ...(Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<(typeof COUNTED)[number], number>),
  pictureTimes: noTimes(),
};

function sumOf(rows: readonly Sums[]): Sums {
  const sums = COUNTED.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)]);
  return {
    ...(Object.fromEntries(sums) as Record<(typeof COUNTED)[number], number>),
    pictureTimes: addTimes(rows.map((row) => row.pictureTimes)),
  };
}

/** The figures as the API answers them; `days` is what the average of the actives is taken over. */
function figuresOf(sums: Sums, days: number) {
  const net = sums.baseKopecks - sums.taxKopecks - sums.commissionKopecks;
  const cost = sums.pictureCostKopecks + sums.turnCostKopecks;
  return {
    paid_kopecks: sums.paidKopecks,
    refunded_kopecks: sums.paidKopecks - sums.baseKopecks,
    revenue_kopecks: sums.baseKopecks,
    tax_kopecks: sums.taxKopecks,
    commission_kopecks: sums.commissionKopecks,
    commission_forecast_kopecks: sums.commissionForecastKopecks,
    net_kopecks: net,
    provider_cost_kopecks: cost,
    margin_kopecks: net - cost,
    test_kopecks: sums.testKopecks,
    sales: sums.sales,
    buyers: sums.buyers,
    first_buyers: sums.firstBuyers,
    new_people: sums.newPeople,
    actives: Math.round(sums.actives / days),
    conversion_percent: percentOf(sums.firstBuyers, sums.newPeople),
    pictures: sums.pictures,
    pictures_failed: sums.picturesFailed,
    pictures_cancelled: sums.picturesCancelled,
    failure_percent: percentOf(sums.picturesFailed, sums.pictures + sums.picturesFailed),
    turns: sums.turns,
    turns_failed: sums.turnsFailed,
    seconds_p50: percentile(sums.pictureTimes, 0.5),
    seconds_p95: percentile(sums.pictureTimes, 0.95),
  };
}

/** With one digit behind the point; null of nothing. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part * 1_000) / whole) / 10;
}

/** The Moscow date so many days before a moment; days there have 24 hours. */
export function dateBefore(moment: Date, days: number): string {
  return moscowDate(after(moment, -days * DAY_MS));
}

function datesBetween(today: Date, days: number): string[] {
  return Array.from({ length: days }, (_, place) => dateBefore(today, days - 1 - place));
}

function monthsBack(month: string, count: number): string[] {
  const last = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
  return Array.from({ length: count }, (_, place) => {
    const number = last - (count - 1 - place);
    return `${Math.floor(number / 12)}-${String((number % 12) + 1).padStart(2, "0")}`;
  });
}
