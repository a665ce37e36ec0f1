import { and, asc, eq, exists, isNotNull, isNull, lte, not, or, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, later } from "../../../platform/clock.ts";
import { ProviderFailure, Refusal } from "../../../platform/errors.ts";
import { askProvider } from "../payments/payment-asks.ts";
import { payments } from "../payments/payment-tables.ts";
import type { Subscription } from "./plan-terms.ts";
import { FIRST_TRY_AHEAD_MS, GRACE_MS, lockSubscription, NOTICE_MS, orderRenewal } from "./renewal-tries.ts";
import { tellOfSubscription } from "./subscription-notices.ts";
import { planOrders, subscriptions } from "./subscription-tables.ts";
import { endSubscription, writeSubscription } from "./subscriptions.ts";

/** One run takes so many of each kind; the next run, a minute later, takes the others. */
const BATCH_SIZE = 200;

/**
 * What time does to subscriptions, asked every minute:
 *
 *   a day before the end   the person is told, and only then a charge is planned
 *   a try is due           its order is written, then the provider asked (renewal-tries.ts, payments.ts)
 *   the end                without a charge in sight the subscription is over, otherwise grace begins
 *   the end of grace       it is over, unless a charge is still open
 *
 * Any number of these may run at once: each step looks again with the person's row locked. Returns how many steps it took.
 */
export async function runSubscriptions(ctx: Context): Promise<number> {
  const noticed = await each(ctx, await soonEnding(ctx), giveNotice);
  const due = await ctx.db
    .select()
    .from(subscriptions)
    .where(and(isNotNull(subscriptions.nextTryAt), lte(subscriptions.nextTryAt, ctx.clock.now())))
    .orderBy(asc(subscriptions.nextTryAt), asc(subscriptions.id))
    .limit(BATCH_SIZE);
  for (const subscription of due) {
    // While the provider is out, a try would only be used up.
    if (ctx.paymentProvider === null || ctx.paymentProvider.pausedMs() > 0) break;
    await charge(ctx, subscription);
  }
  const ended = await each(ctx, await timeIsOver(ctx), atTheEnd);
  return noticed + due.length + ended;
}

async function each(
  ctx: Context,
  rows: readonly Subscription[],
  step: (tx: Context, subscription: Subscription) => Promise<void>,
): Promise<number> {
  for (const row of rows) {
    await ctx.transaction(async (tx) => {
      const subscription = await lockSubscription(tx, row);
      if (subscription) await step(tx, subscription);
    });
  }
  return rows.length;
}

/** Those whose end comes within the time of a notice and who were not told of that very end. */
function soonEnding(ctx: Context): Promise<Subscription[]> {
  return ctx.db
    .select()
    .from(subscriptions)
    .where(
      and(
        sql`${subscriptions.endedAt} is null`,
        lte(subscriptions.endsAt, after(ctx.clock.now(), NOTICE_MS + FIRST_TRY_AHEAD_MS)),
        or(isNull(subscriptions.noticedFor), sql`${subscriptions.noticedFor} <> ${subscriptions.endsAt}`),
      ),
    )
    .orderBy(asc(subscriptions.endsAt), asc(subscriptions.id))
    .limit(BATCH_SIZE);
}

/** Tells the person of the coming end. A charge comes a whole day after that, however late the notice was. */
async function giveNotice(tx: Context, subscription: Subscription): Promise<void> {
  if (subscription.noticedFor?.getTime() === subscription.endsAt.getTime()) return;
  const now = tx.clock.now();
  const firstTryAt = later(after(subscription.endsAt, -FIRST_TRY_AHEAD_MS), after(now, NOTICE_MS));
  const willCharge = subscription.autoRenew && tx.settings.YOOKASSA_AUTOPAYMENTS === "on";
  await tellOfSubscription(
    tx,
    subscription,
    willCharge ? { about: "renewal_soon", chargeAt: firstTryAt } : { about: "ends_soon" },
  );
  await tx.db
    .update(subscriptions)
    .set({
      noticedFor: subscription.endsAt,
      failedTries: 0,
      nextTryAt: willCharge ? firstTryAt : null,
      graceEndsAt: willCharge ? after(firstTryAt, GRACE_MS) : null,
      updatedAt: now,
    })
    .where(eq(subscriptions.id, subscription.id));
}

/** One try at charging. A lost answer is found again by the sweep, under the same key. */
async function charge(ctx: Context, due: Subscription): Promise<void> {
  const payment = await orderRenewal(ctx, due);
  if (payment === null) return;
  try {
    await askProvider(ctx, payment);
  } catch (error) {
    if (!(error instanceof ProviderFailure) && !(error instanceof Refusal)) throw error;
    ctx.log.warn("a renewal has no answer yet", { payment: payment.id, error: error.message });
  }
}

/** Those whose paid time, or grace, is over, and whose end no open charge can still put off. */
function timeIsOver(ctx: Context): Promise<Subscription[]> {
  const now = ctx.clock.now();
  return ctx.db
    .select()
    .from(subscriptions)
    .where(
      and(
        sql`${subscriptions.endedAt} is null`,
        lte(subscriptions.endsAt, now),
        or(eq(subscriptions.state, "active"), isNull(subscriptions.graceEndsAt), lte(subscriptions.graceEndsAt, now)),
        or(eq(subscriptions.state, "active"), not(exists(openCharge(ctx)))),
      ),
    )
    .orderBy(asc(subscriptions.endsAt), asc(subscriptions.id))
    .limit(BATCH_SIZE);
}

function openCharge(ctx: Context) {
  return ctx.db
    .select({ id: planOrders.paymentId })
    .from(planOrders)
    .innerJoin(payments, eq(payments.id, planOrders.paymentId))
    .where(
      and(
        eq(planOrders.subscriptionId, subscriptions.id),
        eq(planOrders.purpose, "renewal"),
        eq(payments.status, "pending"),
      ),
    );
}

async function atTheEnd(tx: Context, subscription: Subscription): Promise<void> {
  const now = tx.clock.now();
  if (subscription.endsAt > now) return;
  const { graceEndsAt } = subscription;
  // A charge is planned or open, or failed for good while the person may still pay by hand: grace.
  if (subscription.state === "active" && graceEndsAt !== null && graceEndsAt > now) {
    await writeSubscription(tx, subscription, { state: "grace" });
    return;
  }
  if (subscription.state === "grace" && graceEndsAt !== null && graceEndsAt > now) return;
  await tellOfSubscription(tx, subscription, { about: subscription.state === "grace" ? "lapsed" : "ended" });
  await endSubscription(tx, subscription, "lapsed");
}
