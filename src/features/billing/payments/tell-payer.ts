import { eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { isId } from "../../../platform/ids.ts";
import type { LeasedJob } from "../../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../../platform/queue/outcome.ts";
import { type MessageContent, notify } from "../../notifications/index.ts";
import { planOrders, subscriptionPeriods } from "../subscriptions/subscription-tables.ts";
import type { Payment } from "./orders.ts";
import { payments, refunds } from "./payment-tables.ts";

/** The job `payment.applied`: the person hears through the bot that their payment came in and what they got. */
export async function tellOfPayment(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const paymentId = String(job.payload.payment_id);
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const [payment] = await tx.db.select().from(payments).where(eq(payments.id, paymentId));
    if (payment?.status !== "succeeded") return;
    await notify(tx, {
      userId: payment.userId,
      message: await messageOf(tx, payment),
      about: `payment:${payment.id}`,
    });
  });
  return DONE;
}

/** What a payment brought: credits for good, or a plan and until when. */
async function messageOf(tx: Context, payment: Payment): Promise<MessageContent> {
  const { amountKopecks, credits } = payment;
  const [paid] = await tx.db
    .select({ purpose: planOrders.purpose, type: subscriptionPeriods.type, until: subscriptionPeriods.endsAt })
    .from(subscriptionPeriods)
    .innerJoin(planOrders, eq(planOrders.paymentId, subscriptionPeriods.paymentId))
    .where(eq(subscriptionPeriods.paymentId, payment.id));
  if (!paid) return { key: "payment_succeeded", parameters: { amount_kopecks: amountKopecks, credits } };
  const parameters = { plan: paid.type, until: paid.until.toISOString(), credits };
  return paid.purpose === "renewal"
    ? { key: "subscription_renewed", parameters: { ...parameters, amount_kopecks: amountKopecks } }
    : { key: "subscription_started", parameters };
}

/** The job `payment.refunded`: the person hears what is on its way back to them. */
export async function tellOfRefund(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const refundId = String(job.payload.refund_id);
  // A job that an earlier version wrote names no refund; its person heard of it in the app.
  if (!isId(refundId)) return DONE;
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const [found] = await tx.db
      .select({ refund: refunds, payment: payments })
      .from(refunds)
      .innerJoin(payments, eq(payments.id, refunds.paymentId))
      .where(eq(refunds.id, refundId));
    if (found?.refund.status !== "succeeded") return;
    await notify(tx, {
      userId: found.payment.userId,
      message: { key: "payment_refunded", parameters: { amount_kopecks: found.refund.amountKopecks } },
      about: `refund:${refundId}`,
    });
  });
  return DONE;
}
