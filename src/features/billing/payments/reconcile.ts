import { and, asc, eq, gt } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS } from "../../../platform/clock.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { paymentProvider } from "./orders.ts";
import { checkPayment } from "./payment-sweep.ts";
import { payments } from "./payment-tables.ts";
import { applyPayment, PaymentWithoutOrder } from "./payments.ts";
import { applyRefund } from "./refund-booking.ts";
import { sweepRefunds } from "./refund-sweep.ts";

/** What a reconciliation looked at and found. */
export interface ReconcileReport {
  open_orders: number;
  provider_payments: number;
  provider_refunds: number;
  /** Payments and refunds at the provider that belong to no order here. */
  without_order: string[];
}

const PAGE_SIZE = 200;
/** The provider's lists are read back this far. */
export const RECONCILE_DAYS = 7;

/** Asks the provider about everything open, then compares its lists of the last days with the orders here. */
export async function reconcile(ctx: Context): Promise<ReconcileReport> {
  const provider = paymentProvider(ctx);
  const report: ReconcileReport = { open_orders: 0, provider_payments: 0, provider_refunds: 0, without_order: [] };
  let lastId: string | null = null;
  for (;;) {
    const page: Array<typeof payments.$inferSelect> = await ctx.db
      .select()
      .from(payments)
      .where(and(eq(payments.status, "pending"), lastId === null ? undefined : gt(payments.id, lastId)))
      .orderBy(asc(payments.id))
      .limit(PAGE_SIZE);
    if (page.length === 0) break;
    for (const payment of page) await checkPayment(ctx, payment);
    report.open_orders += page.length;
    lastId = page.at(-1)?.id ?? null;
  }
  await sweepRefunds(ctx);
  const since = after(ctx.clock.now(), -RECONCILE_DAYS * DAY_MS);
  for await (const remote of provider.paymentsSince(since)) {
    report.provider_payments += 1;
    try {
      await applyPayment(ctx, remote);
    } catch (error) {
      if (!(error instanceof PaymentWithoutOrder)) throw error;
      report.without_order.push(remote.id);
    }
  }
  for await (const remote of provider.refundsSince(since)) {
    report.provider_refunds += 1;
    try {
      await applyRefund(ctx, remote);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      report.without_order.push(remote.id);
    }
  }
  return report;
}
