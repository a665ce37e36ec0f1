import { and, eq, isNotNull, lte } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, MINUTE_MS } from "../../../platform/clock.ts";
import { ProviderFailure, Refusal } from "../../../platform/errors.ts";
import { FIRST_CHECK_MS, KEY_VALID_MS, type Payment, paymentProvider } from "./orders.ts";
import { askProvider, lookUp } from "./payment-asks.ts";
import { payments } from "./payment-tables.ts";
import { applyPayment } from "./payments.ts";

/** When the sweep asks about an open payment, counted from the order; then every hour. */
const CHECK_DELAYS_MS = [FIRST_CHECK_MS, ...[2, 5, 10, 20, 40, 60].map((minutes) => minutes * MINUTE_MS)];
/**
 * What the provider says after this time to be open still is not asked about any more; `reconcile` finds it. One of which it
 * has said nothing goes on being asked about: it may be a charge, and nothing else must take its place.
 */
const SWEEP_MS_MAX = 3 * DAY_MS;
const SWEEP_BATCH_SIZE = 50;

/**
 * Asks the provider about open payments whose time has come; returns how many. With no notice at all, this credits. While
 * the provider is out they wait, with their times as they are, and are asked about once it is back.
 */
export async function sweepPayments(ctx: Context): Promise<number> {
  const now = ctx.clock.now();
  const due = await ctx.db
    .select()
    .from(payments)
    .where(and(isNotNull(payments.nextCheckAt), lte(payments.nextCheckAt, now)))
    .orderBy(payments.nextCheckAt, payments.id)
    .limit(SWEEP_BATCH_SIZE);
  let asked = 0;
  for (const payment of due) {
    if (!(await checkPayment(ctx, payment))) break;
    asked += 1;
  }
  return asked;
}

/**
 * One look at one open payment; plans the next one first, so that a crash cannot make the sweep stumble over it. Does
 * nothing and returns false while the provider is out: an outage must not use up the looks of an order.
 */
export async function checkPayment(ctx: Context, payment: Payment): Promise<boolean> {
  if (paymentProvider(ctx).pausedMs() > 0) return false;
  const now = ctx.clock.now();
  const ageMs = now.getTime() - payment.createdAt.getTime();
  const delay = CHECK_DELAYS_MS[payment.checks + 1] ?? 60 * MINUTE_MS;
  const [open] = await ctx.db
    .update(payments)
    .set({ checks: payment.checks + 1, nextCheckAt: after(now, delay) })
    .where(and(eq(payments.id, payment.id), eq(payments.status, "pending")))
    .returning();
  if (!open) return true;
  try {
    if (open.yookassaId !== null) {
      const remote = await paymentProvider(ctx).read(open.yookassaId);
      if (remote) await applyPayment(ctx, remote);
    } else if (ageMs > KEY_VALID_MS) await lookUp(ctx, open, "never_created");
    else await askProvider(ctx, open);
    if (ageMs > SWEEP_MS_MAX) await letGo(ctx, open);
  } catch (error) {
    if (!(error instanceof ProviderFailure) && !(error instanceof Refusal)) throw error;
    ctx.log.warn("an open payment could not be asked about", { payment: payment.id, error: error.message });
  }
  return true;
}

/** The sweep leaves it alone from now on. */
async function letGo({ db }: Pick<Context, "db">, { id }: Payment): Promise<void> {
  await db.update(payments).set({ nextCheckAt: null }).where(eq(payments.id, id));
}
