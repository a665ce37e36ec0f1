import { and, asc, eq, gte, isNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after } from "../../../platform/clock.ts";
import { lockUser } from "../../profile/index.ts";
import { moveExpiry } from "../ledger/ledger.ts";
import type { Payment } from "../payments/orders.ts";
import type { Subscription } from "./plan-terms.ts";
import { refundedMs } from "./subscription-periods.ts";
import { subscriptionPeriods, subscriptions } from "./subscription-tables.ts";
import { endSubscription, writeSubscription } from "./subscriptions.ts";

/** What a refund does to the time that its payment bought. */
export interface Shortening {
  endsAtBefore: Date;
  endsAtAfter: Date;
  ends: boolean;
}

/** What giving back so much of a payment would do to the subscription; null when it bought none that still runs. */
export async function previewShortening(
  ctx: Pick<Context, "db" | "clock">,
  given: { payment: Payment; kopecks: number; restKopecks: number },
): Promise<(Shortening & { subscription: Subscription; periodNumber: number }) | null> {
  const [found] = await ctx.db
    .select({ subscription: subscriptions, period: subscriptionPeriods })
    .from(subscriptionPeriods)
    .innerJoin(subscriptions, eq(subscriptions.id, subscriptionPeriods.subscriptionId))
    .where(and(eq(subscriptionPeriods.paymentId, given.payment.id), isNull(subscriptions.endedAt)));
  if (!found) return null;
  const { subscription, period } = found;
  const now = ctx.clock.now();
  const paidKopecks = given.payment.amountKopecks;
  const ms = refundedMs(period, { kopecks: given.kopecks, paidKopecks, restKopecks: given.restKopecks }, now);
  const endsAtAfter = after(subscription.endsAt, -ms);
  return {
    subscription,
    periodNumber: period.number,
    endsAtBefore: subscription.endsAt,
    endsAtAfter,
    // In grace nothing of it is left but the hope for a charge.
    ends: ms > 0 && endsAtAfter <= now,
  };
}

/** Money for a period went back: the subscription is shorter by it, or ends. Later periods come earlier. */
export async function shortenSubscription(
  tx: Context,
  given: { payment: Payment; kopecks: number; restKopecks: number },
): Promise<void> {
  await lockUser(tx, given.payment.userId);
  const shorter = await previewShortening(tx, given);
  if (shorter === null || shorter.endsAtAfter.getTime() === shorter.endsAtBefore.getTime()) return;
  await moveEnds(tx, shorter);
  if (shorter.ends) {
    await endSubscription(tx, shorter.subscription, "refunded");
    return;
  }
  await writeSubscription(tx, shorter.subscription, {
    endsAt: shorter.endsAtAfter,
    anchorAt: shorter.endsAtAfter,
    anchorMonths: 0,
    nextTryAt: null,
  });
}

/** The period ends earlier, and the ones behind it, and the credits that end with them, come as much earlier. */
async function moveEnds(tx: Context, shorter: NonNullable<Awaited<ReturnType<typeof previewShortening>>>) {
  const ms = shorter.endsAtBefore.getTime() - shorter.endsAtAfter.getTime();
  const rows = await tx.db
    .select()
    .from(subscriptionPeriods)
    .where(
      and(
        eq(subscriptionPeriods.subscriptionId, shorter.subscription.id),
        gte(subscriptionPeriods.number, shorter.periodNumber),
      ),
    )
    .orderBy(asc(subscriptionPeriods.number));
  for (const period of rows) {
    const isFirst = period.number === shorter.periodNumber;
    const endsAt = after(period.endsAt, -ms);
    await tx.db
      .update(subscriptionPeriods)
      .set({ endsAt, ...(isFirst ? {} : { startsAt: after(period.startsAt, -ms) }) })
      .where(eq(subscriptionPeriods.id, period.id));
    if (period.paymentId !== null) await moveExpiry(tx, `payment:${period.paymentId}`, endsAt);
  }
}
