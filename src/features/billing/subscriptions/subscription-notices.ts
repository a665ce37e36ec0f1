import type { Context } from "../../../context.ts";
import { publish } from "../../../platform/live/events.ts";
import { type MessageContent, notify } from "../../notifications/index.ts";
import type { Subscription } from "./plan-terms.ts";

/** What a person hears of their subscription. */
export type SubscriptionNotice =
  | { about: "renewal_soon"; chargeAt: Date }
  | { about: "renewal_failed"; reason: string; nextTryAt: Date | null }
  | { about: "ends_soon" | "lapsed" | "ended" };

/** Tells the person, in the app and through the bot, in the transaction of what happened. */
export async function tellOfSubscription(
  tx: Context,
  subscription: Subscription,
  notice: SubscriptionNotice,
): Promise<void> {
  const plan = subscription.nextType ?? subscription.type;
  const amountKopecks = subscription.nextAmountKopecks ?? subscription.amountKopecks;
  await publish(tx, subscription.userId, "notice", {
    about: `subscription.${notice.about}`,
    type: plan,
    ends_at: subscription.endsAt.toISOString(),
    amount_kopecks: amountKopecks,
    ...(notice.about === "renewal_soon"
      ? { charge_at: notice.chargeAt.toISOString(), method: subscription.methodTitle }
      : {}),
    ...(notice.about === "renewal_failed"
      ? { reason: notice.reason, next_try_at: notice.nextTryAt?.toISOString() ?? null }
      : {}),
  });
  await notify(tx, {
    userId: subscription.userId,
    message: messageOf(subscription, notice, { plan, amountKopecks }),
    about: `${subscription.id}:${subscription.endsAt.getTime()}:${subscription.failedTries}`,
  });
}

function messageOf(
  subscription: Subscription,
  notice: SubscriptionNotice,
  next: { plan: string; amountKopecks: number },
): MessageContent {
  if (notice.about === "renewal_soon") {
    const parameters = { plan: next.plan, amount_kopecks: next.amountKopecks, at: notice.chargeAt.toISOString() };
    return { key: "subscription_renewal_soon", parameters };
  }
  if (notice.about === "renewal_failed" && notice.nextTryAt !== null)
    return { key: "subscription_payment_failed", parameters: { plan: next.plan, at: notice.nextTryAt.toISOString() } };
  if (notice.about === "lapsed" || notice.about === "ended")
    return { key: "subscription_lapsed", parameters: { plan: subscription.type } };
  // No further try: it ends, unless the person pays by hand.
  return {
    key: "subscription_ends",
    parameters: { plan: subscription.type, until: (subscription.graceEndsAt ?? subscription.endsAt).toISOString() },
  };
}
