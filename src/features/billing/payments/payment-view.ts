import { and, desc, eq, isNotNull, lt, or } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import { kopecksToText } from "../../../platform/money.ts";
import type { Payment } from "./orders.ts";
import { payments, taxEntries } from "./payment-tables.ts";

/** A payment as its owner sees it. Amounts are roubles as text with two digits, and kopecks as a number. */
export interface PaymentView {
  id: string;
  status: Payment["status"];
  product: string;
  credits: number;
  amount: string;
  amount_kopecks: number;
  currency: string;
  refunded: string;
  confirmation_url?: string;
  cancel_reason?: string;
  receipt_url?: string;
  test: boolean;
  created_at: string;
  paid_at?: string;
}

/** The payment as the API answers it. The page to pay at is shown only while paying is possible. */
export function paymentView(payment: Payment, receiptUrl: string | null = null): PaymentView {
  const isOpen = payment.status === "pending" && payment.confirmationUrl !== null;
  return {
    id: payment.id,
    status: payment.status,
    product: payment.product,
    credits: payment.credits,
    amount: kopecksToText(payment.amountKopecks),
    amount_kopecks: payment.amountKopecks,
    currency: payment.currency,
    refunded: kopecksToText(payment.refundedKopecks),
    ...(isOpen ? { confirmation_url: payment.confirmationUrl as string } : {}),
    ...(payment.cancelReason === null ? {} : { cancel_reason: payment.cancelReason }),
    ...(receiptUrl === null ? {} : { receipt_url: receiptUrl }),
    test: payment.isTest,
    created_at: payment.createdAt.toISOString(),
    ...(payment.succeededAt === null ? {} : { paid_at: payment.succeededAt.toISOString() }),
  };
}

/** Where the buyer finds the receipt in force, once it was registered with a link; null otherwise. */
export async function receiptUrlOf(ctx: Pick<Context, "db">, paymentId: string): Promise<string | null> {
  const [entry] = await ctx.db
    .select({ receipt: taxEntries.receiptNumber, url: taxEntries.receiptUrl })
    .from(taxEntries)
    .where(
      and(eq(taxEntries.paymentId, paymentId), eq(taxEntries.state, "registered"), isNotNull(taxEntries.receiptNumber)),
    )
    .orderBy(desc(taxEntries.id))
    .limit(1);
  return entry?.url ?? (entry?.receipt?.startsWith("https://") ? entry.receipt : null);
}

/** The person's own payment; anybody else's is `not_found`. */
export async function ownPayment(ctx: Pick<Context, "db">, userId: string, paymentId: string): Promise<Payment> {
  const rows = isId(paymentId)
    ? await ctx.db
        .select()
        .from(payments)
        .where(and(eq(payments.id, paymentId), eq(payments.userId, userId)))
    : [];
  if (!rows[0]) throw new Refusal("not_found");
  return rows[0];
}

/** The person's payments, newest first. */
export async function listPayments(
  ctx: Pick<Context, "db">,
  userId: string,
  page: { before: string | null; limit: number },
): Promise<Payment[]> {
  return ctx.db
    .select()
    .from(payments)
    .where(and(eq(payments.userId, userId), page.before === null ? undefined : lt(payments.id, page.before)))
    .orderBy(desc(payments.id))
    .limit(page.limit);
}

/** The order with one of these ids: ours, or the provider's. For the owner. */
export async function findPayment(ctx: Pick<Context, "db">, anyId: string): Promise<Payment | null> {
  const [row] = await ctx.db
    .select()
    .from(payments)
    .where(isId(anyId) ? or(eq(payments.id, anyId), eq(payments.yookassaId, anyId)) : eq(payments.yookassaId, anyId));
  return row ?? null;
}
