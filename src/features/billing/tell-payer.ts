import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import { notify } from "../notifications/index.ts";
import { payments, refunds } from "./payment-tables.ts";

/** The job `payment.applied`: the person hears through the bot that their payment came in and what they got. */
export async function tellOfPayment(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const paymentId = String(job.payload.payment_id);
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const [payment] = await tx.db.select().from(payments).where(eq(payments.id, paymentId));
    if (payment?.status !== "succeeded") return;
    const { amountKopecks, credits } = payment;
    await notify(tx, {
      userId: payment.userId,
      message: { key: "payment_succeeded", parameters: { amount_kopecks: amountKopecks, credits } },
      about: `payment:${payment.id}`,
    });
  });
  return DONE;
}

/** The job `payment.refunded`: the person hears what is on its way back to them. */
export async function tellOfRefund(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const refundId = String(job.payload.refund_id);
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
