import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { invariant } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import { publish } from "../../../platform/live/events.ts";
import { enqueue } from "../../../platform/queue/enqueue.ts";
import type { RemotePayment } from "../../../providers/payment-provider.ts";
import { tellOwner } from "../../notifications/index.ts";
import { lockUser } from "../../profile/index.ts";
import { grantCredits } from "../ledger/ledger.ts";
import { renewalFailed } from "../subscriptions/renewal-tries.ts";
import { applyPlanPayment } from "../subscriptions/subscriptions.ts";
import { watchMeters } from "../tax/meters.ts";
import { enterTax } from "../tax/tax.ts";
import { type Payment, paymentProvider, planOrderOf } from "./orders.ts";
import { payments } from "./payment-tables.ts";

/**
 * How money becomes credits.
 *
 *   order     the row is written first, with its own fixed key               (orders.ts, one transaction)
 *   ask       the provider is asked under that key; a lost answer is asked
 *             again under the same key, by the next tap or by the sweep       (payment-asks.ts, no transaction)
 *   pay       the person pays on the provider's page; nothing of that reaches us but hints
 *   hint      a notice (payment-webhook.ts), the sweep, a person who looks, the owner's `reconcile`
 *   re-read   the payment is read back from the provider: the one truth
 *   apply     amount, currency, order, live or test are compared; status, credits, tax entry and
 *             follow-up commit together, under unique keys                    (applyPayment, one transaction)
 *
 * A crash between any two lines leaves an order that the sweep finds again: before `ask` it asks, before `apply` it
 * re-reads. Applying twice changes nothing. A success after a cancellation still grants, because the money is there.
 */

/**
 * Applies what the provider says of a payment, whatever brought it here, any number of times, in any order. Returns the
 * order as it is now. Throws the refusal `not_found` when the payment is none of ours.
 */
export async function applyPayment(ctx: Context, remote: RemotePayment): Promise<Payment> {
  return ctx.transaction(async (tx) => {
    const order = await lockOrder(tx, remote);
    if (!order) {
      await tellOwner(tx, { level: "warning", reason: "payment_without_order", details: { provider_id: remote.id } });
      throw new PaymentWithoutOrder(remote.id);
    }
    const fault = faultOf(tx, order, remote);
    if (fault !== null) return flag(tx, order, fault, remote);
    if (remote.status === "succeeded") return succeed(tx, order, remote);
    if (remote.status === "cancelled" && order.status === "pending") return cancel(tx, order, remote);
    return remember(tx, order, remote);
  });
}

/** The provider knows a payment that no order of ours asked for. */
export class PaymentWithoutOrder extends Error {
  override readonly name = "PaymentWithoutOrder";
}

/** The order that a payment names, locked by writing to it. */
async function lockOrder(tx: Context, remote: RemotePayment): Promise<Payment | null> {
  if (remote.orderId === null || !isId(remote.orderId)) return null;
  const [order] = await tx.db
    .update(payments)
    .set({ updatedAt: tx.clock.now() })
    .where(eq(payments.id, remote.orderId))
    .returning();
  return order ?? null;
}

/** Why this payment must not change the order; null when all is as ordered. */
function faultOf(tx: Context, order: Payment, remote: RemotePayment): string | null {
  if (order.yookassaId !== null && order.yookassaId !== remote.id) {
    return remote.status === "succeeded" ? "second_capture" : "other_payment";
  }
  if (remote.isTest && paymentProvider(tx).isLive) return "test_payment_in_live_mode";
  if (remote.currency !== order.currency) return "currency_differs";
  if (remote.amountKopecks !== order.amountKopecks) return "amount_differs";
  return null;
}

/** Nothing is granted; the owner looks at it, once for each reason. */
async function flag(tx: Context, order: Payment, fault: string, remote: RemotePayment): Promise<Payment> {
  if (fault === "other_payment" || order.flagged === fault) return order;
  await tellOwner(tx, {
    level: "critical",
    reason: `payment_${fault}`,
    details: {
      payment_id: order.id,
      provider_id: remote.id,
      amount_kopecks: remote.amountKopecks,
      currency: remote.currency,
    },
  });
  return write(tx, order, { flagged: fault });
}

async function succeed(tx: Context, order: Payment, remote: RemotePayment): Promise<Payment> {
  if (order.status === "succeeded") return remember(tx, order, remote);
  const paidAt = remote.capturedAt ?? tx.clock.now();
  const tokensUsed = await tokensSinceLastPayment(tx, order);
  const paid = await write(tx, order, {
    status: "succeeded",
    yookassaId: remote.id,
    isTest: remote.isTest,
    succeededAt: paidAt,
    cancelReason: null,
    nextCheckAt: null,
    tokensUsed,
    ...incomeOf(order, remote),
  });
  const plan = await planOrderOf(tx, order.id);
  if (plan) await applyPlanPayment(tx, { payment: paid, plan, storedMethod: remote.storedMethod });
  else await grantPack(tx, order);
  await enterTax(tx, {
    paymentId: order.id,
    cause: `payment:${order.id}`,
    operationAt: paidAt,
    grossKopecks: order.amountKopecks,
  });
  await watchMeters(tx, paidAt);
  await publish(tx, order.userId, "payment.succeeded", {
    id: order.id,
    product: order.product,
    credits: order.credits,
  });
  await enqueue(tx, "payment.applied", { payment_id: order.id, user_id: order.userId });
  tx.afterCommit(() => tx.telemetry.meters?.paymentEnded("succeeded"));
  return paid;
}

async function grantPack(tx: Context, order: Payment): Promise<void> {
  const isNew = await grantCredits(tx, {
    userId: order.userId,
    kind: "pack",
    credits: order.credits,
    source: `payment:${order.id}`,
  });
  invariant(isNew, "an order that was not paid has granted nothing");
}

/** Ends an order without money. `id` is the provider's, null where it knows nothing of the order. */
export async function cancel(
  tx: Context,
  order: Payment,
  remote: { id: string | null; cancelReason: string | null },
): Promise<Payment> {
  const cancelled = await write(tx, order, {
    status: "cancelled",
    yookassaId: remote.id,
    cancelReason: remote.cancelReason,
    nextCheckAt: null,
  });
  const plan = await planOrderOf(tx, order.id);
  if (plan?.purpose === "renewal") await renewalFailed(tx, order, plan, remote.cancelReason ?? "unknown");
  await publish(tx, order.userId, "payment.cancelled", {
    id: order.id,
    product: order.product,
    reason: remote.cancelReason,
  });
  tx.afterCommit(() => tx.telemetry.meters?.paymentEnded("cancelled"));
  return cancelled;
}

/** What is learned of a payment without a change of its status. */
async function remember(tx: Context, order: Payment, remote: RemotePayment): Promise<Payment> {
  return write(tx, order, {
    yookassaId: remote.id,
    isTest: remote.isTest,
    ...(remote.confirmationUrl === null ? {} : { confirmationUrl: remote.confirmationUrl }),
    ...incomeOf(order, remote),
  });
}

/** The real commission, once the provider names what reaches the shop. A figure that cannot be is left out. */
function incomeOf(order: Payment, remote: RemotePayment): Partial<typeof payments.$inferInsert> {
  const { incomeKopecks } = remote;
  if (incomeKopecks === null || incomeKopecks < 0 || incomeKopecks > order.amountKopecks) return {};
  // Samples of the documentation show an income equal to the amount: no commission at all is no real one.
  if (incomeKopecks === order.amountKopecks) return {};
  return { commissionKopecks: order.amountKopecks - incomeKopecks, commissionIsReal: true };
}

/** Changes the row of an order; the caller has it locked, or is the only one who asks for it. */
export async function write(
  tx: Context,
  order: Payment,
  change: Partial<typeof payments.$inferInsert>,
): Promise<Payment> {
  const [row] = await tx.db
    .update(payments)
    .set({ ...change, updatedAt: tx.clock.now() })
    .where(eq(payments.id, order.id))
    .returning();
  invariant(row, "a locked order stays");
  return row;
}

/** Tokens of the assistant that the person used since their payment before, for the owner's unit economics. */
async function tokensSinceLastPayment(tx: Context, order: Payment): Promise<number> {
  const user = await lockUser(tx, order.userId);
  const [booked] = await tx.db
    .select({ tokens: sql`coalesce(sum(${payments.tokensUsed}), 0)`.mapWith(Number) })
    .from(payments)
    .where(and(eq(payments.userId, order.userId), eq(payments.status, "succeeded")));
  return Math.max(0, user.assistantTokens - (booked?.tokens ?? 0));
}
