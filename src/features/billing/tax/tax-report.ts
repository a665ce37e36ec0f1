import { and, asc, eq, gte, lt } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { taxOn } from "../payments/amounts.ts";
import type { Payment } from "../payments/orders.ts";
import { payments, taxEntries } from "../payments/payment-tables.ts";
import type { TaxEntry } from "./tax.ts";
import type { TaxFiling } from "./tax-filing.ts";
import { taxFilings } from "./tax-tables.ts";

/** An entry of the journal with what is known around it. */
export interface JournalLine {
  entry: TaxEntry;
  payment: Payment;
  filing: TaxFiling | null;
}

/**
 * What the sales of one Moscow month came to. Everything counts in the month of the payment, whenever it was refunded. Sums in
 * kopecks; `base = paid - refunded` and `net = base - commission - tax`, to the kopeck.
 */
export interface MonthReport {
  month: string;
  /** Sales of which something stays paid. */
  sales: number;
  paid_kopecks: number;
  refunded_kopecks: number;
  /** What the tax is on: what the buyers paid and did not get back, whatever the provider kept. */
  base_kopecks: number;
  /** 4 % of each sale, half up; the tax service makes the bill, and may know of a deduction. */
  tax_estimate_kopecks: number;
  /** The provider does not give it back with a refund. */
  commission_kopecks: number;
  /** The part of the commission that is a forecast still, because the provider has not named the shop's income. */
  commission_forecast_kopecks: number;
  net_kopecks: number;
}

type Reads = Pick<Context, "db">;

/** The journal of a period, given by the beginning of its dates: `2026`, or `2026-11`. Oldest first. */
export async function journalOf(ctx: Reads, period: string): Promise<JournalLine[]> {
  const [from, to] = period.length === 4 ? [`${period}-01-01`, `${period}-12-32`] : [`${period}-01`, `${period}-32`];
  return ctx.db
    .select({ entry: taxEntries, payment: payments, filing: taxFilings })
    .from(taxEntries)
    .innerJoin(payments, eq(payments.id, taxEntries.paymentId))
    .leftJoin(taxFilings, eq(taxFilings.entryId, taxEntries.id))
    .where(and(gte(taxEntries.date, from), lt(taxEntries.date, to)))
    .orderBy(asc(taxEntries.date), asc(taxEntries.id));
}

/** Each month of the journal that has sales, oldest first. */
export function monthReports(lines: readonly JournalLine[]): MonthReport[] {
  const months = [...new Set(lines.map(({ entry }) => entry.date.slice(0, 7)))].sort();
  return months.map((month) => monthReport(month, lines));
}

/** The report of one month; zeros where nothing was sold. */
export function monthReport(month: string, all: readonly JournalLine[]): MonthReport {
  const lines = all.filter(({ entry }) => entry.date.startsWith(month));
  const inForce = lines.filter(({ entry }) => entry.state !== "annulled");
  // A payment stands in several lines once a part of it was given back.
  const sold = [...new Map(lines.map(({ payment }) => [payment.id, payment])).values()];
  const paid = sum(sold.map(({ amountKopecks }) => amountKopecks));
  const base = sum(inForce.map(({ entry }) => entry.grossKopecks));
  const tax = sum(inForce.map(({ entry }) => taxOn(entry.grossKopecks)));
  const commission = sum(sold.map(({ commissionKopecks }) => commissionKopecks));
  const forecast = sold.filter(({ commissionIsReal }) => !commissionIsReal);
  return {
    month,
    sales: inForce.length,
    paid_kopecks: paid,
    refunded_kopecks: paid - base,
    base_kopecks: base,
    tax_estimate_kopecks: tax,
    commission_kopecks: commission,
    commission_forecast_kopecks: sum(forecast.map(({ commissionKopecks }) => commissionKopecks)),
    net_kopecks: base - commission - tax,
  };
}

function sum(kopecks: readonly number[]): number {
  return kopecks.reduce((total, one) => total + one, 0);
}
