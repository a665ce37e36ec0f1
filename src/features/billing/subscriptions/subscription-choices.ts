import type { Context } from "../../../context.ts";
import { later } from "../../../platform/clock.ts";
import { Refusal } from "../../../platform/errors.ts";
import { lockUser } from "../../profile/index.ts";
import { liveSubscription, type Plan, planTerms, type Subscription } from "./plan-terms.ts";
import { endSubscription, writeSubscription } from "./subscriptions.ts";

/**
 * What a person decides about their subscription. Each of these takes effect at once and may be repeated; an order that was
 * not put to the provider yet asks again whether it still may (`mayCharge`). All throw the refusal `no_subscription`.
 */

async function change(
  ctx: Context,
  userId: string,
  decide: (tx: Context, subscription: Subscription) => Promise<Subscription>,
): Promise<Subscription> {
  return ctx.transaction(async (tx) => {
    await lockUser(tx, userId);
    const subscription = await liveSubscription(tx, userId);
    if (subscription === null) throw new Refusal("no_subscription");
    return decide(tx, subscription);
  });
}

const NO_MORE_CHARGES = { autoRenew: false, nextTryAt: null, graceEndsAt: null } as const;

/** No more charges. What is paid stays to its end; where that is over and a charge was only being tried, it ends now. */
export function cancelRenewal(ctx: Context, userId: string): Promise<Subscription> {
  return change(ctx, userId, async (tx, subscription) => {
    if (subscription.state === "grace") return endSubscription(tx, subscription, "cancelled");
    return writeSubscription(tx, subscription, NO_MORE_CHARGES);
  });
}

/** Charges again. The notice comes anew, and the charge a day after it. Throws the refusal `no_stored_method`. */
export function resumeRenewal(ctx: Context, userId: string): Promise<Subscription> {
  return change(ctx, userId, async (tx, subscription) => {
    if (subscription.methodId === null || tx.settings.YOOKASSA_AUTOPAYMENTS !== "on")
      throw new Refusal("no_stored_method");
    if (subscription.autoRenew) return subscription;
    if (subscription.state === "grace") throw new Refusal("no_subscription");
    return writeSubscription(tx, subscription, { autoRenew: true, noticedFor: null });
  });
}

/** Forgets the stored method. The provider has nothing to forget: without the id nobody can charge it from here. */
export function forgetMethod(ctx: Context, userId: string): Promise<Subscription> {
  return change(ctx, userId, async (tx, subscription) => {
    if (subscription.state === "grace") return endSubscription(tx, subscription, "cancelled");
    return writeSubscription(tx, subscription, { ...NO_MORE_CHARGES, methodId: null, methodTitle: null });
  });
}

/** What choosing a plan would do. */
export interface PlanChange {
  change: "none" | "purchase" | "extension" | "upgrade" | "downgrade";
  /** To pay now; nothing for a downgrade. */
  amountKopecks: number;
  /** The price of each period from then on. */
  priceKopecks: number;
  unusedKopecks: number;
  creditsCounted: number;
  /** When the plan begins. */
  startsAt: Date;
}

/** Says what choosing this plan would do and cost, without doing it. */
export async function previewChange(ctx: Context, userId: string, plan: Plan): Promise<PlanChange> {
  const running = await liveSubscription(ctx, userId);
  const now = ctx.clock.now();
  const nothing = { priceKopecks: plan.price_kopecks, unusedKopecks: 0, creditsCounted: 0 };
  if (running !== null && running.type !== plan.key && plan.price_kopecks < running.amountKopecks)
    return { ...nothing, change: "downgrade", amountKopecks: 0, startsAt: running.endsAt };
  const terms = await planTerms(ctx, userId, plan);
  const { amountKopecks, creditsCounted } = terms;
  if (running === null) return { ...nothing, change: "purchase", amountKopecks, startsAt: now };
  if (terms.purpose === "purchase")
    return { ...nothing, change: "extension", amountKopecks, startsAt: later(running.endsAt, now) };
  return {
    ...nothing,
    change: "upgrade",
    amountKopecks,
    unusedKopecks: plan.price_kopecks - amountKopecks,
    creditsCounted,
    startsAt: now,
  };
}

/**
 * A cheaper plan from the next period on, at the price of today; the present plan takes such a wish back. Throws the
 * refusal `upgrade_needs_payment` for a dearer one.
 */
export function choosePlan(ctx: Context, userId: string, plan: Plan): Promise<Subscription> {
  return change(ctx, userId, async (tx, subscription) => {
    // Its time is over: each change of mind would put the charge off by another day.
    if (subscription.state === "grace") throw new Refusal("no_subscription");
    if (plan.key === subscription.type)
      return writeSubscription(tx, subscription, { nextType: null, nextAmountKopecks: null, nextCredits: null });
    if (plan.price_kopecks >= subscription.amountKopecks) {
      const { amountKopecks } = await planTerms(tx, userId, plan);
      throw new Refusal("upgrade_needs_payment", { product: plan.key, amount_kopecks: amountKopecks });
    }
    return writeSubscription(tx, subscription, {
      nextType: plan.key,
      nextAmountKopecks: plan.price_kopecks,
      nextCredits: plan.credits,
      // Another sum than the one that was told is told anew.
      noticedFor: null,
      nextTryAt: null,
    });
  });
}
