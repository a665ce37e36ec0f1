import type { Context } from "../../context.ts";
import { publish } from "../../platform/live/events.ts";
import type { Subscription } from "./plan-terms.ts";

/** What a person hears of their subscription. */
export type SubscriptionNotice = "renewal_soon" | "ends_soon" | "renewal_failed" | "lapsed" | "ended";

/** Tells the person, in the transaction of what happened. */
export async function tellOfSubscription(
  tx: Context,
  subscription: Subscription,
  about: SubscriptionNotice,
  details: Record<string, unknown> = {},
): Promise<void> {
  await publish(tx, subscription.userId, "notice", {
    about: `subscription.${about}`,
    type: subscription.nextType ?? subscription.type,
    ends_at: subscription.endsAt.toISOString(),
    amount_kopecks: subscription.nextAmountKopecks ?? subscription.amountKopecks,
    ...details,
  });
}
