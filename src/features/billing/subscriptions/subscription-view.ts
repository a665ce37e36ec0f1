import { kopecksToText } from "../../../platform/money.ts";
import type { Subscription } from "./plan-terms.ts";
import type { PlanChange } from "./subscription-choices.ts";

/** A subscription as its owner sees it. */
export interface SubscriptionView {
  type: Subscription["type"];
  state: Subscription["state"];
  ends_at: string;
  amount: string;
  amount_kopecks: number;
  credits: number;
  auto_renew: boolean;
  /** The stored method, as its bank shows it; null where none is stored. */
  method: { title: string | null } | null;
  /** When it is charged next; null until the day before, and where nothing will be charged. */
  next_charge_at: string | null;
  /** What the next period switches to. */
  next_plan: { type: Subscription["type"]; amount: string; amount_kopecks: number; credits: number } | null;
}

/** The subscription as the API answers it. The stored method's id stays here. */
export function subscriptionView(subscription: Subscription): SubscriptionView {
  const { nextType, nextAmountKopecks, nextCredits } = subscription;
  return {
    type: subscription.type,
    state: subscription.state,
    ends_at: subscription.endsAt.toISOString(),
    amount: kopecksToText(subscription.amountKopecks),
    amount_kopecks: subscription.amountKopecks,
    credits: subscription.credits,
    auto_renew: subscription.autoRenew,
    method: subscription.methodId === null ? null : { title: subscription.methodTitle },
    next_charge_at: subscription.nextTryAt?.toISOString() ?? null,
    next_plan:
      nextType === null || nextAmountKopecks === null || nextCredits === null
        ? null
        : {
            type: nextType,
            amount: kopecksToText(nextAmountKopecks),
            amount_kopecks: nextAmountKopecks,
            credits: nextCredits,
          },
  };
}

/** What a change would do, as the API answers it. */
export function planChangeView(change: PlanChange) {
  return {
    change: change.change,
    amount: kopecksToText(change.amountKopecks),
    amount_kopecks: change.amountKopecks,
    price_kopecks: change.priceKopecks,
    unused_kopecks: change.unusedKopecks,
    credits_counted: change.creditsCounted,
    starts_at: change.startsAt.toISOString(),
  };
}
