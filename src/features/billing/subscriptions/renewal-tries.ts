import { and, desc, eq, isNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, HOUR_MS, MINUTE_MS } from "../../../platform/clock.ts";
import { lockUser } from "../../profile/index.ts";
import { insertOrder, type Payment, type PlanOrder } from "../payments/orders.ts";
import { payments } from "../payments/payment-tables.ts";
import type { Subscription } from "./plan-terms.ts";
import { tellOfSubscription } from "./subscription-notices.ts";
import { planOrders, subscriptions } from "./subscription-tables.ts";
import { endSubscription, writeSubscription } from "./subscriptions.ts";

/**
 * Charging the stored method for the coming period: a day's notice, a first try a little before the end, two more a day
 * apart, then the subscription lapses. What is written is written here; subscription-renewals.ts asks the provider.
 */

/** The first try comes so long before the end that a quick success leaves no gap. */
export const FIRST_TRY_AHEAD_MS = 10 * MINUTE_MS;
/** Nobody is charged without having been told this long before. */
export const NOTICE_MS = DAY_MS;
export const TRIES_MAX = 3;
const NEXT_TRY_MS = DAY_MS;
/** From the first try on, what the plan opens stays open this long. */
export const GRACE_MS = 3 * DAY_MS;
/** A try that says nothing of the person's card, because our own key or the way to the provider was at fault. */
const OUR_FAULTS: ReadonlySet<string> = new Set(["provider_unauthorized", "never_created", "internal_timeout"]);
const OUR_FAULT_RETRY_MS = HOUR_MS;
/** The method will never work again, so it is forgotten and the person asked to pay by hand (YooKassa's reasons). */
const METHOD_IS_USELESS: ReadonlySet<string> = new Set([
  "permission_revoked",
  "card_expired",
  "invalid_card_number",
  "payment_method_restricted",
]);

/** The subscription, with its person's row locked; null when it has ended or is not there. */
export async function lockSubscription(
  tx: Context,
  subscription: { id: string; userId: string },
): Promise<Subscription | null> {
  await lockUser(tx, subscription.userId);
  const [row] = await tx.db
    .select()
    .from(subscriptions)
    .where(and(eq(subscriptions.id, subscription.id), isNull(subscriptions.endedAt)));
  return row ?? null;
}

/**
 * Writes the order of a try that is due; null when it is not due any more, because somebody else wrote it or the person
 * switched the renewal off. However often this runs at once, one order comes of it.
 */
export async function orderRenewal(ctx: Context, due: { id: string; userId: string }): Promise<Payment | null> {
  return ctx.transaction(async (tx) => {
    const subscription = await lockSubscription(tx, due);
    const now = tx.clock.now();
    if (!subscription?.autoRenew || subscription.methodId === null) return null;
    if (subscription.nextTryAt === null || subscription.nextTryAt > now) return null;
    const periodNumber = subscription.periodCount + 1;
    const [last] = await tx.db
      .select({ attempt: planOrders.attempt, status: payments.status })
      .from(planOrders)
      .innerJoin(payments, eq(payments.id, planOrders.paymentId))
      .where(and(eq(planOrders.subscriptionId, subscription.id), eq(planOrders.periodNumber, periodNumber)))
      .orderBy(desc(planOrders.attempt))
      .limit(1);
    if (last && last.status !== "cancelled") return null;
    const type = subscription.nextType ?? subscription.type;
    const amountKopecks = subscription.nextAmountKopecks ?? subscription.amountKopecks;
    const payment = await insertOrder(tx, {
      userId: subscription.userId,
      product: type,
      credits: subscription.nextCredits ?? subscription.credits,
      amountKopecks,
      returnUrl: "",
    });
    await tx.db.insert(planOrders).values({
      paymentId: payment.id,
      purpose: "renewal",
      type,
      priceKopecks: amountKopecks,
      subscriptionId: subscription.id,
      periodNumber,
      attempt: (last?.attempt ?? 0) + 1,
      creditsCounted: 0,
      extraSeconds: 0,
      methodId: subscription.methodId,
      saveMethod: false,
    });
    await tx.db
      .update(subscriptions)
      .set({ nextTryAt: null, graceEndsAt: subscription.graceEndsAt ?? after(now, GRACE_MS), updatedAt: now })
      .where(eq(subscriptions.id, subscription.id));
    return payment;
  });
}

/**
 * Whether the order of a renewal may still be put to the provider: meanwhile the person may have switched it off, or have paid
 * for that very period by hand.
 */
export async function mayCharge(ctx: Pick<Context, "db">, plan: PlanOrder): Promise<boolean> {
  if (plan.subscriptionId === null) return false;
  const [row] = await ctx.db.select().from(subscriptions).where(eq(subscriptions.id, plan.subscriptionId));
  return row?.autoRenew === true && row.methodId === plan.methodId && row.periodCount + 1 === plan.periodNumber;
}

/**
 * A try failed. The subscription stays as it was before it; the next try is planned, or there is none any more. The person
 * is told once for each try.
 */
export async function renewalFailed(tx: Context, payment: Payment, plan: PlanOrder, reason: string): Promise<void> {
  if (plan.subscriptionId === null) return;
  const subscription = await lockSubscription(tx, { id: plan.subscriptionId, userId: payment.userId });
  // Paid by hand in the meantime, switched off, or ended: this try has nothing to say any more.
  if (!subscription?.autoRenew || subscription.periodCount + 1 !== plan.periodNumber) return;
  const now = tx.clock.now();
  if (OUR_FAULTS.has(reason)) {
    const graceEndsAt = after(now, GRACE_MS);
    await writeSubscription(tx, subscription, { nextTryAt: after(now, OUR_FAULT_RETRY_MS), graceEndsAt });
    return;
  }
  const failedTries = subscription.failedTries + 1;
  if (METHOD_IS_USELESS.has(reason)) {
    await tellOfSubscription(tx, subscription, { about: "renewal_failed", reason, nextTryAt: null });
    const noMethod = { autoRenew: false, methodId: null, methodTitle: null, nextTryAt: null, failedTries };
    await writeSubscription(tx, subscription, noMethod);
    return;
  }
  if (failedTries >= TRIES_MAX) {
    await tellOfSubscription(tx, subscription, { about: "lapsed" });
    await endSubscription(tx, subscription, "lapsed");
    return;
  }
  const nextTryAt = after(now, NEXT_TRY_MS);
  await tellOfSubscription(tx, subscription, { about: "renewal_failed", reason, nextTryAt });
  await writeSubscription(tx, subscription, { failedTries, nextTryAt });
}
