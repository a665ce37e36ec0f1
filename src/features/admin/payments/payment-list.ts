import { and, desc, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { isId } from "../../../platform/ids.ts";
import { kopecksToText } from "../../../platform/money.ts";
import { moscowTime } from "../../../platform/moscow.ts";
import { type PAYMENT_STATUSES, type Payment, payments } from "../../billing/index.ts";
import { csvStream } from "../csv.ts";
import { type DayRange, withinDays } from "../day-range.ts";
import { behind, type Place } from "../time-order.ts";

export interface PaymentFilter extends DayRange {
  status?: (typeof PAYMENT_STATUSES)[number] | undefined;
  product?: string | undefined;
  person?: string | undefined;
  flagged?: boolean | undefined;
}

/** Rows of an export read at once. */
const EXPORT_PAGE_SIZE = 1_000;

type Reads = Pick<Context, "db">;

/** Payments, the newest first; `before` is the id of the last one already seen. */
export async function listPayments(
  ctx: Reads,
  filter: PaymentFilter,
  page: { before: string | null; limit: number },
): Promise<Payment[]> {
  if (page.before === null) return paymentsBehind(ctx, filter, null, page.limit);
  const [last] = await ctx.db.select().from(payments).where(eq(payments.id, page.before));
  return last ? paymentsBehind(ctx, filter, { at: last.createdAt, id: last.id }, page.limit) : [];
}

async function paymentsBehind(
  ctx: Reads,
  filter: PaymentFilter,
  place: Place | null,
  limit: number,
): Promise<Payment[]> {
  const { person, status, product, flagged } = filter;
  if (person !== undefined && !isId(person)) return [];
  return ctx.db
    .select()
    .from(payments)
    .where(
      and(
        person === undefined ? undefined : eq(payments.userId, person),
        status === undefined ? undefined : eq(payments.status, status),
        product === undefined ? undefined : eq(payments.product, product),
        flagged === true ? sql`${payments.flagged} is not null` : undefined,
        withinDays(payments.createdAt, filter),
        behind(payments, place),
      ),
    )
    .orderBy(desc(payments.createdAt), desc(payments.id))
    .limit(limit);
}

const HEADING = [
  "id",
  "created_moscow",
  "paid_moscow",
  "status",
  "product",
  "credits",
  "amount",
  "refunded",
  "tax_estimate",
  "commission",
  "commission_is_real",
  "person",
  "provider_id",
  "cancel_reason",
  "flagged",
  "test",
];

/** The same list as a CSV, whole. */
export function paymentsCsv(ctx: Reads, filter: PaymentFilter): ReadableStream<Uint8Array> {
  // Refuses what is wrong before the stream has begun.
  withinDays(payments.createdAt, filter);
  return csvStream(
    HEADING,
    (last: Payment | null) =>
      paymentsBehind(ctx, filter, last && { at: last.createdAt, id: last.id }, EXPORT_PAGE_SIZE),
    (row) => [
      row.id,
      moscowTime(row.createdAt),
      row.succeededAt === null ? null : moscowTime(row.succeededAt),
      row.status,
      row.product,
      row.credits,
      kopecksToText(row.amountKopecks),
      kopecksToText(row.refundedKopecks),
      kopecksToText(row.taxKopecks),
      kopecksToText(row.commissionKopecks),
      row.commissionIsReal ? "yes" : "",
      row.userId,
      row.yookassaId,
      row.cancelReason,
      row.flagged,
      row.isTest ? "yes" : "",
    ],
  );
}
