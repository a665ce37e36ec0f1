import { and, asc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import type { Catalogue } from "../../../platform/config/catalogue.ts";
import { Refusal } from "../../../platform/errors.ts";
import { payments } from "../payments/payment-tables.ts";
import { creditEntries, creditGrants } from "../tables.ts";
import { type OpenPeriod, quoteUpgrade, type UpgradeQuote } from "./subscription-periods.ts";
import { subscriptionPeriods, subscriptions } from "./subscription-tables.ts";

export type Plan = Catalogue["plans"][number];
export type Subscription = typeof subscriptions.$inferSelect;
type Reader = Pick<Context, "db" | "clock">;

/** On what terms a plan can be bought now. */
export interface PlanTerms {
  purpose: "purchase" | "upgrade";
  amountKopecks: number;
  subscriptionId: string | null;
  creditsCounted: number;
  extraSeconds: number;
}

/** The person's subscription that has not ended, or null. */
export async function liveSubscription(ctx: Pick<Context, "db">, userId: string): Promise<Subscription | null> {
  const [row] = await ctx.db
    .select()
    .from(subscriptions)
    .where(and(eq(subscriptions.userId, userId), isNull(subscriptions.endedAt)));
  return row ?? null;
}

/**
 * On what terms the person can buy this plan now: the first or one more period at its price, or a dearer plan at once, less
 * what is unused of the running one. Throws the refusal `plan_not_now` for a cheaper plan: that one begins at the end.
 */
export async function planTerms(ctx: Reader, userId: string, plan: Plan): Promise<PlanTerms> {
  const running = await liveSubscription(ctx, userId);
  const whole = { purpose: "purchase" as const, amountKopecks: plan.price_kopecks, creditsCounted: 0, extraSeconds: 0 };
  if (running === null) return { ...whole, subscriptionId: null };
  if (running.type === plan.key) return { ...whole, subscriptionId: running.id };
  if (plan.price_kopecks < running.amountKopecks) {
    throw new Refusal("plan_not_now", { plan: running.type, ends_at: running.endsAt.toISOString() });
  }
  const { unusedKopecks: _, ...quote } = await upgradeQuote(ctx, running, plan);
  return { purpose: "upgrade", subscriptionId: running.id, ...quote };
}

/** What a change to a dearer plan costs at this moment. */
export async function upgradeQuote(ctx: Reader, running: Subscription, plan: Plan): Promise<UpgradeQuote> {
  return quoteUpgrade(await openPeriods(ctx, running.id), plan.price_kopecks, ctx.clock.now());
}

/** Entries that took back of a grant; the kind as a literal, so that both planners use the partial index. */
export const isRevokedOf = (grant: typeof creditGrants) =>
  and(eq(creditEntries.grantId, grant.id), sql`${creditEntries.kind} = 'revoke'`);

/** The periods that have not ended, with what was paid for them and what is left of their credits. */
export async function openPeriods(
  ctx: Reader,
  subscriptionId: string,
): Promise<Array<OpenPeriod & { id: string; paymentId: string }>> {
  const rows = await ctx.db
    .select({ period: subscriptionPeriods, paid: payments })
    .from(subscriptionPeriods)
    .innerJoin(payments, eq(payments.id, subscriptionPeriods.paymentId))
    .where(and(eq(subscriptionPeriods.subscriptionId, subscriptionId), gt(subscriptionPeriods.endsAt, ctx.clock.now())))
    .orderBy(asc(subscriptionPeriods.number));
  if (rows.length === 0) return [];
  const sources = rows.map(({ paid }) => `payment:${paid.id}`);
  // Credits that went back with a part of the money are no part of what was paid for.
  const grants = await ctx.db
    .select({
      source: creditGrants.source,
      credits: sql`${creditGrants.credits} + coalesce(sum(${creditEntries.balanceDelta}), 0)`.mapWith(Number),
      left: creditGrants.creditsLeft,
    })
    .from(creditGrants)
    .leftJoin(creditEntries, isRevokedOf(creditGrants))
    .where(inArray(creditGrants.source, sources))
    .groupBy(creditGrants.id, creditGrants.source, creditGrants.credits, creditGrants.creditsLeft);
  const bySource = new Map(grants.map((grant) => [grant.source, grant]));
  return rows.map(({ period, paid }) => ({
    id: period.id,
    paymentId: paid.id,
    startsAt: period.startsAt,
    endsAt: period.endsAt,
    paidKopecks: paid.amountKopecks - paid.refundedKopecks,
    credits: bySource.get(`payment:${paid.id}`)?.credits ?? 0,
    creditsLeft: bySource.get(`payment:${paid.id}`)?.left ?? 0,
  }));
}
