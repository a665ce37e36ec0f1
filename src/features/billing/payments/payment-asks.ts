import { and, eq, isNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { ProviderFailure, Refusal } from "../../../platform/errors.ts";
import { type RemotePayment, StoringRefused } from "../../../providers/payment-provider.ts";
import { tellOwner } from "../../notifications/index.ts";
import { mayCharge } from "../subscriptions/renewal-tries.ts";
import { planOrders } from "../subscriptions/subscription-tables.ts";
import { type Payment, type PlanOrder, paymentProvider, planOrderOf, UNLISTED_MS } from "./orders.ts";
import { payments } from "./payment-tables.ts";
import { applyPayment, cancel, write } from "./payments.ts";

/**
 * Putting an order to the provider, and what is believed of its refusals.
 *
 *   asked for the first time   a refusal proves that nothing was done: the order is cancelled, a renewal may be ordered anew
 *   asked before               an earlier call may have been carried out and its answer lost, or its process has died. A refused
 *                              login says nothing of that: the order stays, and is asked about until the login works. Any
 *                              other refusal is checked against the provider's list
 *   no answer                  the order stays, and is asked again under its key
 *
 * An order of which nobody knows whether it was charged is never replaced by another: that would be a second charge.
 */

/** How long a person's request waits for the provider before it is told to tap again; the order goes on without it. */
export const ASK_MS_MAX = 15 * SECOND_MS;
/**
 * Asks the provider for the order's payment page, or to charge the stored method, under the order's own key. Repeating it
 * is safe and is how a lost answer is found again. Throws the refusal `payment_provider_unavailable` while there is no
 * answer, and when the provider refuses the order.
 */
export async function askProvider(ctx: Context, payment: Payment): Promise<Payment> {
  const plan = await planOrderOf(ctx, payment.id);
  if (plan?.purpose === "renewal" && !(await mayCharge(ctx, plan))) return lookUp(ctx, payment, "withdrawn");
  let remote: RemotePayment;
  try {
    remote = await paymentProvider(ctx).create({
      orderId: payment.id,
      amountKopecks: payment.amountKopecks,
      description: descriptionOf(payment, plan),
      payBy:
        plan?.purpose === "renewal"
          ? { storedMethod: plan.methodId ?? "" }
          : { page: { returnUrl: payment.returnUrl, saveMethod: plan?.saveMethod === true } },
      key: payment.idempotencyKey,
    });
  } catch (error) {
    if (error instanceof StoringRefused && plan?.saveMethod) return askWithoutStoring(ctx, payment);
    if (!(error instanceof ProviderFailure)) throw error;
    const found = await afterFailedAsk(ctx, payment, error);
    if (found) return found;
    throw new Refusal("payment_provider_unavailable", { retry_after: 10, payment_id: payment.id });
  }
  return applyPayment(ctx, remote);
}

/** What the payer reads. The same for each ask: a key that comes back with another body is refused. */
function descriptionOf(payment: Payment, plan: PlanOrder | null): string {
  const what = plan === null ? `${payment.credits} кредитов` : `подписка ${plan.type}`;
  return `${what}, заказ ${payment.id}`;
}

/**
 * The shop may not store methods and refused the whole payment. Nothing was done, so it is asked once more as a plain
 * payment, under another key of this order: the person can pay, and renews by hand.
 */
async function askWithoutStoring(ctx: Context, payment: Payment): Promise<Payment> {
  const plain = await ctx.transaction(async (tx) => {
    await tx.db.update(planOrders).set({ saveMethod: false }).where(eq(planOrders.paymentId, payment.id));
    await tellOwner(tx, { level: "warning", reason: "autopayments_refused", details: { payment_id: payment.id } });
    return write(tx, payment, { idempotencyKey: `order-${payment.id}-plain` });
  });
  return askProvider(ctx, plain);
}

/**
 * Looks for an order in the provider's list instead of asking again, where that could charge somebody: the renewal is not
 * wanted any more before its answer was known, the provider has forgotten the key, or it refuses what it may have done
 * before. Found, it is applied; not found after a while, it never came to be.
 */
export async function lookUp(ctx: Context, payment: Payment, reason: string): Promise<Payment> {
  for await (const remote of paymentProvider(ctx).paymentsSince(after(payment.createdAt, -MINUTE_MS))) {
    if (remote.orderId === payment.id) return applyPayment(ctx, remote);
  }
  if (after(payment.createdAt, UNLISTED_MS) > ctx.clock.now()) return payment;
  return cancelUnasked(ctx, payment, reason);
}

/** Cancels an order of which the provider knows nothing, unless somebody has asked for it since it was read. */
async function cancelUnasked(ctx: Context, payment: Payment, reason: string): Promise<Payment> {
  return ctx.transaction(async (tx) => {
    const [open] = await tx.db
      .update(payments)
      .set({ updatedAt: tx.clock.now() })
      .where(
        and(
          eq(payments.id, payment.id),
          eq(payments.status, "pending"),
          isNull(payments.yookassaId),
          eq(payments.checks, payment.checks),
        ),
      )
      .returning();
    return open ? cancel(tx, open, { id: null, cancelReason: reason }) : payment;
  });
}

/**
 * What a failed ask means for the order. Returns the payment where the provider turned out to have it, otherwise null: then
 * the order stays as it is or was cancelled.
 */
async function afterFailedAsk(ctx: Context, payment: Payment, failure: ProviderFailure): Promise<Payment | null> {
  ctx.log.warn("the payment provider did not take an order", { payment: payment.id, failure: failure.kind });
  // Unknown, unavailable, too many requests: the order stays and the same key is asked again.
  if (failure.kind !== "rejected" && failure.kind !== "unauthorized") return null;
  const reason = `provider_${failure.kind}`;
  const mayBeDone = wasAskedBefore(payment);
  await ctx.transaction(async (tx) => {
    if (!mayBeDone) await cancelUnasked(tx, payment, reason);
    await tellOwner(tx, {
      level: "critical",
      reason: `payment_${reason}`,
      details: { message: failure.message },
    });
  });
  if (!mayBeDone || failure.kind === "unauthorized") return null;
  try {
    const found = await lookUp(ctx, payment, reason);
    return found.yookassaId === null ? null : found;
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    ctx.log.warn("a refused order could not be looked for", { payment: payment.id, failure: error.kind });
    return null;
  }
}

/** The sweep counts before it asks, so whoever finds an uncounted order is the one who has just written it, or taps beside it. */
function wasAskedBefore({ checks }: Payment): boolean {
  return checks > 0;
}
