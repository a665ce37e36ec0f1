import type { Context } from "../../../context.ts";
import { after, DAY_MS, later } from "../../../platform/clock.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { lockUser } from "../../profile/index.ts";
import { grantCredits } from "../ledger/ledger.ts";
import { liveSubscription, type Subscription } from "./plan-terms.ts";
import { subscriptionPeriods } from "./subscription-tables.ts";
import { insertSubscription, writeSubscription } from "./subscriptions.ts";

/** Days of a plan as a gift. */
export interface PlanDays {
  userId: string;
  type: Subscription["type"];
  days: number;
  /** What caused it, such as `promo:<id>`; the same cause never gives twice. */
  source: string;
}

const DAYS_OF_A_MONTH = 30;

/**
 * Gives days of a plan, with that share of its credits. Whoever has a subscription has it for longer, whatever its plan.
 * Returns false, changing nothing, when this source gave before.
 */
export async function grantPlanDays(ctx: Context, gift: PlanDays): Promise<boolean> {
  invariant(Number.isSafeInteger(gift.days) && gift.days > 0, "days are a positive whole number");
  const plan = ctx.catalogue.plans.find(({ key }) => key === gift.type);
  invariant(plan, "a plan that is given stands in the catalogue");
  return ctx.transaction(async (tx) => {
    await lockUser(tx, gift.userId);
    const now = tx.clock.now();
    const terms = { type: plan.key, amountKopecks: plan.price_kopecks, credits: plan.credits };
    const running = await liveSubscription(tx, gift.userId);
    const startsAt = running ? later(running.endsAt, now) : now;
    const endsAt = after(startsAt, gift.days * DAY_MS);
    const isNew = await grantCredits(tx, {
      userId: gift.userId,
      kind: "plan",
      credits: Math.max(1, Math.floor((plan.credits * gift.days) / DAYS_OF_A_MONTH)),
      source: gift.source,
      expiresAt: endsAt,
    });
    if (!isNew) return false;
    const subscription = running ?? (await insertSubscription(tx, gift.userId, terms, startsAt));
    await tx.db.insert(subscriptionPeriods).values({
      id: newId(),
      subscriptionId: subscription.id,
      number: subscription.periodCount + 1,
      type: subscription.type,
      startsAt,
      endsAt,
      createdAt: now,
    });
    await writeSubscription(tx, subscription, {
      state: "active",
      periodCount: subscription.periodCount + 1,
      endsAt,
      anchorAt: endsAt,
      anchorMonths: 0,
      failedTries: 0,
      nextTryAt: null,
      graceEndsAt: null,
    });
    return true;
  });
}
