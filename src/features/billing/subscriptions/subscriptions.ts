import { and, asc, eq, gte, isNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, later } from "../../../platform/clock.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { publish } from "../../../platform/live/events.ts";
import { addMoscowMonths } from "../../../platform/moscow.ts";
import type { StoredMethod } from "../../../providers/payment-provider.ts";
import { lockUser, showSubscription } from "../../profile/index.ts";
import { grantCredits, moveExpiry, revokeCredits } from "../ledger/ledger.ts";
import type { Payment, PlanOrder } from "../payments/orders.ts";
import { liveSubscription, openPeriods, type Subscription } from "./plan-terms.ts";
import { refundedMs } from "./subscription-periods.ts";
import { type END_REASONS, subscriptionPeriods, subscriptions } from "./subscription-tables.ts";

/**
 * What a subscription goes through. The only writer of its dates, and of what of them stands in the person's row.
 *
 *   none    -> active   a purchase is paid, or days are given
 *   active  -> active   one more period is paid (by hand or by the stored method), an upgrade, days given, a part refunded
 *   active  -> grace    the time is over and the stored method is still being tried
 *   grace   -> active   a try succeeded, or the person paid by hand
 *   any     -> ended    lapsed, switched off, refunded
 *
 * Each change happens in the transaction of what caused it, with the person's row locked first. Credits of a period are its
 * payment's own grant and end with the period; those of packs are never touched.
 */

/** Longer after the end than this a new period does not begin where the old one ended: most of it would be over. */
const CONTINUES_MS_MAX = 4 * DAY_MS;
type EndReason = (typeof END_REASONS)[number];

/** A plan was paid: its time begins or goes on, and its credits are there. Once for each payment, by unique keys. */
export async function applyPlanPayment(
  tx: Context,
  paid: { payment: Payment; plan: PlanOrder; storedMethod: StoredMethod | null },
): Promise<void> {
  const { payment, plan } = paid;
  await lockUser(tx, payment.userId);
  const running = await liveSubscription(tx, payment.userId);
  const terms = { type: plan.type, amountKopecks: plan.priceKopecks, credits: payment.credits };
  const spentMeanwhile = plan.purpose === "upgrade" && running ? await endCounted(tx, running, plan) : 0;
  const span = spanOf(tx.clock.now(), running, plan);
  const subscription = running ?? (await insertSubscription(tx, payment.userId, terms, span.startsAt));
  const number = subscription.periodCount + 1;
  await tx.db.insert(subscriptionPeriods).values({
    id: newId(),
    subscriptionId: subscription.id,
    number,
    type: span.type,
    startsAt: span.startsAt,
    endsAt: span.endsAt,
    paymentId: payment.id,
    createdAt: tx.clock.now(),
  });
  const source = `payment:${payment.id}`;
  const isNew = await grantCredits(tx, {
    userId: payment.userId,
    kind: "plan",
    credits: payment.credits,
    source,
    expiresAt: span.endsAt,
  });
  invariant(isNew, "an order that was not paid has granted nothing");
  // The price counted credits as unused that were spent before the money came: they are spent of the new ones.
  if (spentMeanwhile > 0) {
    await revokeCredits(tx, {
      userId: payment.userId,
      source,
      creditsMax: Math.min(spentMeanwhile, payment.credits),
      cause: `upgrade:${payment.id}:spent`,
    });
  }
  const method = methodOf(tx, paid);
  await writeSubscription(tx, subscription, {
    state: "active",
    periodCount: number,
    endsAt: span.endsAt,
    anchorAt: span.anchorAt,
    anchorMonths: span.anchorMonths,
    failedTries: 0,
    nextTryAt: null,
    graceEndsAt: null,
    ...(span.type === plan.type ? terms : {}),
    ...(plan.type === subscription.nextType || plan.purpose === "upgrade" ? NO_NEXT : {}),
    ...(method === null ? {} : { autoRenew: true, methodId: method.id, methodTitle: method.title }),
  });
}

const NO_NEXT = { nextType: null, nextAmountKopecks: null, nextCredits: null } as const;

/** The method may be charged again only if the person said so, the provider stored it, and the owner switched that on. */
function methodOf(tx: Context, paid: { plan: PlanOrder; storedMethod: StoredMethod | null }): StoredMethod | null {
  return paid.plan.saveMethod && tx.settings.YOOKASSA_AUTOPAYMENTS === "on" ? paid.storedMethod : null;
}

interface Span {
  type: Subscription["type"];
  startsAt: Date;
  endsAt: Date;
  anchorAt: Date;
  anchorMonths: number;
}

/** Which time a paid plan gets. */
function spanOf(now: Date, running: Subscription | null, plan: PlanOrder): Span {
  const fresh = (extraSeconds: number): Span => {
    const anchorAt = after(now, extraSeconds * 1_000);
    return { type: plan.type, startsAt: now, endsAt: addMoscowMonths(anchorAt, 1), anchorAt, anchorMonths: 1 };
  };
  if (running === null || plan.purpose === "upgrade") return fresh(plan.extraSeconds);
  if (after(running.endsAt, CONTINUES_MS_MAX) < now) return fresh(0);
  const anchorMonths = running.anchorMonths + 1;
  const endsAt = addMoscowMonths(running.anchorAt, anchorMonths);
  if (plan.type === running.type || plan.purpose === "renewal")
    return { type: plan.type, startsAt: running.endsAt, endsAt, anchorAt: running.anchorAt, anchorMonths };
  if (plan.priceKopecks > running.amountKopecks) return fresh(0);
  // Two open orders were both paid, and this is the cheaper plan: its money buys as much of the dearer one's time.
  const monthMs = endsAt.getTime() - running.endsAt.getTime();
  const worthMs = Math.floor((monthMs / running.amountKopecks) * plan.priceKopecks);
  const end = after(running.endsAt, worthMs);
  return { type: running.type, startsAt: running.endsAt, endsAt: end, anchorAt: end, anchorMonths: 0 };
}

/** Ends the periods whose unused part the upgrade's price has counted; returns credits spent of them since then. */
async function endCounted(tx: Context, running: Subscription, plan: PlanOrder): Promise<number> {
  if (plan.creditsCounted === 0 || plan.subscriptionId !== running.id) return 0;
  const now = tx.clock.now();
  let taken = 0;
  for (const period of await openPeriods(tx, running.id)) {
    const source = `payment:${period.paymentId}`;
    taken += await revokeCredits(tx, {
      userId: running.userId,
      source,
      creditsMax: period.creditsLeft,
      cause: `upgrade:${plan.paymentId}:${period.id}`,
    });
    const endsAt = later(period.startsAt, now);
    await tx.db.update(subscriptionPeriods).set({ endsAt }).where(eq(subscriptionPeriods.id, period.id));
    await moveExpiry(tx, source, endsAt);
  }
  return Math.max(0, plan.creditsCounted - taken);
}

async function insertSubscription(
  tx: Context,
  userId: string,
  terms: Pick<Subscription, "type" | "amountKopecks" | "credits">,
  startsAt: Date,
): Promise<Subscription> {
  const now = tx.clock.now();
  const [row] = await tx.db
    .insert(subscriptions)
    .values({
      id: newId(),
      userId,
      ...terms,
      state: "active",
      anchorAt: startsAt,
      anchorMonths: 0,
      periodCount: 0,
      endsAt: startsAt,
      autoRenew: false,
      failedTries: 0,
      createdAt: now,
      updatedAt: now,
    })
    .returning();
  invariant(row, "an inserted subscription is returned");
  return row;
}

/** Writes a change, and with it the two columns of the person's row that everything else reads. */
export async function writeSubscription(
  tx: Context,
  subscription: Subscription,
  change: Partial<typeof subscriptions.$inferInsert>,
): Promise<Subscription> {
  const [row] = await tx.db
    .update(subscriptions)
    .set({ ...change, updatedAt: tx.clock.now() })
    .where(eq(subscriptions.id, subscription.id))
    .returning();
  invariant(row, "a subscription that was read under its person's lock stays");
  await showSubscription(
    tx,
    row.userId,
    row.state === "ended"
      ? null
      : { type: row.type, endsAt: row.state === "grace" ? (row.graceEndsAt ?? row.endsAt) : row.endsAt },
  );
  await publish(tx, row.userId, "subscription.changed", {
    type: row.type,
    state: row.state,
    ends_at: row.endsAt.toISOString(),
    auto_renew: row.autoRenew,
  });
  return row;
}

/** The end. The stored method is forgotten with it: another subscription asks anew. */
export async function endSubscription(
  tx: Context,
  subscription: Subscription,
  reason: EndReason,
): Promise<Subscription> {
  return writeSubscription(tx, subscription, {
    state: "ended",
    endedAt: tx.clock.now(),
    endReason: reason,
    autoRenew: false,
    methodId: null,
    methodTitle: null,
    nextTryAt: null,
    graceEndsAt: null,
    ...NO_NEXT,
  });
}

/** Ends what the person has, because they leave; nothing is charged any more. Returns whether there was something. */
export async function endSubscriptionsOf(tx: Context, userId: string): Promise<boolean> {
  await lockUser(tx, userId);
  const running = await liveSubscription(tx, userId);
  if (running) await endSubscription(tx, running, "erased");
  return running !== null;
}

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
