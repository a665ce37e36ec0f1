import { eq } from "drizzle-orm";
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
import { type END_REASONS, subscriptionPeriods, subscriptions } from "./subscription-tables.ts";

/**
 * What a subscription goes through. The only writer of its dates, and of what of them stands in the person's row; what days
 * given (plan-days.ts) and money given back (subscription-shortening.ts) do to it passes `writeSubscription` here.
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

/** The row of a subscription that begins; its periods and its end are the caller's. */
export async function insertSubscription(
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
