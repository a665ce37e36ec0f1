import { and, eq, isNotNull, lte, ne } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after } from "../../../platform/clock.ts";
import { ProviderFailure } from "../../../platform/errors.ts";
import { paymentProvider } from "./orders.ts";
import { payments, refunds } from "./payment-tables.ts";
import { askForRefund } from "./refund-asks.ts";
import { applyRefund } from "./refund-booking.ts";
import { REFUND_CHECK_MS } from "./refund-rows.ts";

const BATCH_SIZE = 50;

/**
 * Asks again about refunds without an end; returns how many. A cancelled refund is never announced, so it is asked. While
 * the provider is out they wait.
 */
export async function sweepRefunds(ctx: Context): Promise<number> {
  const now = ctx.clock.now();
  const due = await ctx.db
    .select({ refund: refunds, payment: payments })
    .from(refunds)
    .innerJoin(payments, eq(payments.id, refunds.paymentId))
    .where(and(isNotNull(refunds.nextCheckAt), lte(refunds.nextCheckAt, now), ne(refunds.status, "succeeded")))
    .orderBy(refunds.nextCheckAt, refunds.id)
    .limit(BATCH_SIZE);
  let asked = 0;
  for (const { refund, payment } of due) {
    if (paymentProvider(ctx).pausedMs() > 0) break;
    asked += 1;
    await ctx.db
      .update(refunds)
      .set({ nextCheckAt: after(now, REFUND_CHECK_MS) })
      .where(eq(refunds.id, refund.id));
    try {
      if (refund.yookassaId === null) await askForRefund(ctx, refund, payment);
      else {
        const remote = await paymentProvider(ctx).readRefund(refund.yookassaId);
        if (remote) await applyRefund(ctx, remote, refund.id);
      }
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      ctx.log.warn("an open refund could not be asked about", { refund: refund.id, error: error.message });
    }
  }
  return asked;
}
