import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { invariant, OperatorError } from "../../../platform/errors.ts";
import { publish } from "../../../platform/live/events.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import { enqueue } from "../../../platform/queue/enqueue.ts";
import type { RemoteRefund } from "../../../providers/payment-provider.ts";
import { tellOwner } from "../../notifications/index.ts";
import { revokeCredits } from "../ledger/ledger.ts";
import { shortenSubscription } from "../subscriptions/subscription-shortening.ts";
import { refundTax } from "../tax/tax.ts";
import { taxOn } from "./amounts.ts";
import { type Payment, paymentProvider } from "./orders.ts";
import { payments, refunds } from "./payment-tables.ts";
import { applyPayment, PaymentWithoutOrder } from "./payments.ts";
import { creditsFor } from "./refund-preview.ts";
import { giveUp, insertRefund, type Refund } from "./refund-rows.ts";

/**
 * Applies what the provider says of a refund, any number of times. `refundId` names our order where we know it; a refund
 * that the owner made in the cabinet gets its row here. Throws `OperatorError` when it belongs to no payment of ours.
 */
export async function applyRefund(ctx: Context, remote: RemoteRefund, refundId?: string): Promise<Refund> {
  if (remote.status === "succeeded") await learnOfPayment(ctx, remote.paymentId);
  return ctx.transaction(async (tx) => {
    const [payment] = await tx.db
      .update(payments)
      .set({ updatedAt: tx.clock.now() })
      .where(eq(payments.yookassaId, remote.paymentId))
      .returning();
    if (!payment) throw new OperatorError(`The refund ${remote.id} belongs to no payment of this database.`);
    const refund = await refundOf(tx, payment, remote, refundId);
    if (refund.status !== "pending" || remote.status === "pending") return refund;
    return remote.status === "succeeded" ? book(tx, refund, payment, remote) : giveUp(tx, { ...refund });
  });
}

/**
 * What goes back was paid before. The refund may be heard of first, as notices are lost and pass each other: then the payment
 * is read and applied, so that what it grants is there to be taken back. Without this its success would come later and
 * grant everything.
 */
async function learnOfPayment(ctx: Context, remoteId: string): Promise<void> {
  const [known] = await ctx.db
    .select({ status: payments.status })
    .from(payments)
    .where(eq(payments.yookassaId, remoteId));
  if (known?.status === "succeeded") return;
  const remote = await paymentProvider(ctx).read(remoteId);
  if (remote === null) return;
  try {
    await applyPayment(ctx, remote);
  } catch (error) {
    if (!(error instanceof PaymentWithoutOrder)) throw error;
  }
}

/** Our row of the provider's refund: by its id, by our order, or new. The payment's row is locked. */
async function refundOf(
  tx: Context,
  payment: Payment,
  remote: RemoteRefund,
  refundId: string | undefined,
): Promise<Refund> {
  const [known] = await tx.db.select().from(refunds).where(eq(refunds.yookassaId, remote.id));
  if (known) return known;
  const [ordered] = await tx.db
    .select()
    .from(refunds)
    .where(
      and(
        eq(refunds.paymentId, payment.id),
        eq(refunds.status, "pending"),
        sql`${refunds.yookassaId} is null`,
        refundId === undefined ? eq(refunds.amountKopecks, remote.amountKopecks) : eq(refunds.id, refundId),
      ),
    )
    .limit(1);
  if (!ordered) {
    return insertRefund(tx, {
      paymentId: payment.id,
      amountKopecks: remote.amountKopecks,
      reason: "made in the provider's cabinet",
      idempotencyKey: `cabinet-${remote.id}`,
      origin: "cabinet",
      yookassaId: remote.id,
    });
  }
  await tx.db.update(refunds).set({ yookassaId: remote.id }).where(eq(refunds.id, ordered.id));
  return { ...ordered, yookassaId: remote.id };
}

async function book(tx: Context, refund: Refund, payment: Payment, remote: RemoteRefund): Promise<Refund> {
  const refundedKopecks = payment.refundedKopecks + remote.amountKopecks;
  const restKopecks = payment.amountKopecks - refundedKopecks;
  if (restKopecks < 0 || remote.currency !== payment.currency) {
    await tellOwner(tx, {
      level: "critical",
      reason: "refund_does_not_fit",
      details: { payment_id: payment.id, refund_id: refund.id },
    });
    return giveUp(tx, refund);
  }
  const creditsRevoked = await revokeCredits(tx, {
    userId: payment.userId,
    source: `payment:${payment.id}`,
    creditsMax: creditsFor(payment, remote.amountKopecks, restKopecks),
    cause: `refund:${refund.id}`,
  });
  await shortenSubscription(tx, { payment, kopecks: remote.amountKopecks, restKopecks });
  await refundTax(tx, { refundId: refund.id, paymentId: payment.id, restKopecks });
  const now = tx.clock.now();
  await tx.db
    .update(payments)
    .set({ refundedKopecks, taxKopecks: taxOn(restKopecks), updatedAt: now })
    .where(eq(payments.id, payment.id));
  const [booked] = await tx.db
    .update(refunds)
    .set({ status: "succeeded", creditsRevoked, nextCheckAt: null, updatedAt: now })
    .where(eq(refunds.id, refund.id))
    .returning();
  invariant(booked, "a refund that is booked exists");
  wakePanel(tx, "payments");
  await publish(tx, payment.userId, "notice", {
    about: "payment.refunded",
    id: payment.id,
    amount_kopecks: remote.amountKopecks,
  });
  await enqueue(tx, "payment.refunded", {
    payment_id: payment.id,
    refund_id: refund.id,
    user_id: payment.userId,
    rest_kopecks: restKopecks,
  });
  return booked;
}
