import { asc, eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import {
  creditGrants,
  type Payment,
  payments,
  planOrders,
  type Refund,
  refunds,
  taxEntries,
} from "../../billing/index.ts";
import { peopleById, personRef } from "../people/people.ts";

type Reads = Pick<Context, "db">;

/** The payment with this id of ours. Throws the refusal `not_found`. */
export async function anyPayment(ctx: Reads, paymentId: string): Promise<Payment> {
  const [payment] = isId(paymentId) ? await ctx.db.select().from(payments).where(eq(payments.id, paymentId)) : [];
  if (!payment) throw new Refusal("not_found");
  return payment;
}

/** A payment with all that hangs on it. */
export async function paymentCard(ctx: Reads, paymentId: string) {
  const payment = await anyPayment(ctx, paymentId);
  const given = await ctx.db
    .select()
    .from(refunds)
    .where(eq(refunds.paymentId, payment.id))
    .orderBy(asc(refunds.createdAt), asc(refunds.id));
  const [plan] = await ctx.db.select().from(planOrders).where(eq(planOrders.paymentId, payment.id));
  const [grant] = await ctx.db
    .select()
    .from(creditGrants)
    .where(eq(creditGrants.source, `payment:${payment.id}`));
  const entries = await ctx.db
    .select()
    .from(taxEntries)
    .where(eq(taxEntries.paymentId, payment.id))
    .orderBy(asc(taxEntries.createdAt), asc(taxEntries.id));
  const [view] = await paymentRows(ctx, [payment]);
  const openKopecks = given
    .filter(({ status }) => status === "pending")
    .reduce((sum, { amountKopecks }) => sum + amountKopecks, 0);
  const isPaid = payment.status === "succeeded";
  return {
    payment: view as NonNullable<typeof view>,
    plan: plan ? { purpose: plan.purpose, type: plan.type } : null,
    credits_left: grant?.creditsLeft ?? 0,
    refundable_kopecks: isPaid ? Math.max(0, payment.amountKopecks - payment.refundedKopecks - openKopecks) : 0,
    refunds: given.map(refundRow),
    tax_entries: entries.map((entry) => ({
      id: entry.id,
      date: entry.date,
      gross_kopecks: entry.grossKopecks,
      state: entry.state,
      annul_due: entry.annulDue,
      receipt: entry.receiptNumber,
    })),
  };
}

/** Payments as lists show them, with who paid. */
export async function paymentRows(ctx: Reads, rows: readonly Payment[]) {
  const people = await peopleById(
    ctx,
    rows.map((row) => row.userId),
  );
  return rows.map((row) => {
    const person = people.get(row.userId);
    if (!person) throw new Error("a payment belongs to a person");
    return {
      id: row.id,
      person: personRef(person),
      status: row.status,
      product: row.product,
      credits: row.credits,
      amount_kopecks: row.amountKopecks,
      refunded_kopecks: row.refundedKopecks,
      tax_kopecks: row.taxKopecks,
      commission_kopecks: row.commissionKopecks,
      commission_is_real: row.commissionIsReal,
      provider_id: row.yookassaId,
      cancel_reason: row.cancelReason,
      flagged: row.flagged,
      test: row.isTest,
      paid_at: row.succeededAt?.toISOString() ?? null,
      created_at: row.createdAt.toISOString(),
    };
  });
}

export function refundRow(row: Refund) {
  return {
    id: row.id,
    amount_kopecks: row.amountKopecks,
    status: row.status,
    origin: row.origin,
    reason: row.reason,
    credits_revoked: row.creditsRevoked,
    provider_id: row.yookassaId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
