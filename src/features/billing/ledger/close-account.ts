import { and, asc, eq, isNull, notInArray, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { tellOwner } from "../../notifications/index.ts";
import { users } from "../../profile/index.ts";
import { payments } from "../payments/payment-tables.ts";
import { planOrders } from "../subscriptions/subscription-tables.ts";
import { endSubscriptionsOf } from "../subscriptions/subscriptions.ts";
import { forfeitCredits } from "./ledger.ts";

/** What was lost with an account. */
export interface ClosedAccount {
  creditsForfeited: number;
  subscriptionEnded: boolean;
}

/**
 * The money side of somebody who leaves: a subscription ends and the stored card is forgotten, orders whose page nobody
 * has seen are dropped, and what is left of the credits is booked out. Payments, refunds and tax entries stay. Orders that can still be paid stay open, because the money may
 * come; `closeLateAccount` books out what it buys.
 */
export async function closeAccount(tx: Context, userId: string): Promise<ClosedAccount> {
  const subscriptionEnded = await endSubscriptionsOf(tx, userId);
  const renewalOrders = tx.db
    .select({ id: planOrders.paymentId })
    .from(planOrders)
    .innerJoin(payments, eq(payments.id, planOrders.paymentId))
    .where(and(eq(payments.userId, userId), eq(planOrders.purpose, "renewal")));
  await tx.db
    .update(payments)
    .set({ status: "cancelled", cancelReason: "erased", nextCheckAt: null, updatedAt: tx.clock.now() })
    .where(
      and(
        eq(payments.userId, userId),
        eq(payments.status, "pending"),
        isNull(payments.yookassaId),
        // A stored card may have been charged although the answer was lost: such an order is looked for, not dropped.
        notInArray(payments.id, renewalOrders),
      ),
    );
  return { creditsForfeited: await forfeitCredits(tx, userId), subscriptionEnded };
}

/**
 * Books out what somebody bought who erased themselves before their payment came through. The owner is told, because they
 * may want to give the money back; nobody else can. Does nothing where there is nothing.
 */
export async function closeLateAccount(tx: Context, userId: string): Promise<void> {
  const subscriptionEnded = await endSubscriptionsOf(tx, userId);
  const credits = await forfeitCredits(tx, userId);
  if (credits === 0 && !subscriptionEnded) return;
  await tellOwner(tx, { level: "warning", reason: "paid_after_erasure", details: { user_id: userId, credits } });
}

/** Does that for up to `limit` people; returns how many. */
export async function forfeitLateCredits(ctx: Context, limit: number): Promise<number> {
  const people = await peopleWithLateCredits(ctx, limit);
  for (const userId of people) await ctx.transaction((tx) => closeLateAccount(tx, userId));
  return people.length;
}

/** Up to `limit` people who are erased and have credits or a subscription all the same. */
export async function peopleWithLateCredits(ctx: Pick<Context, "db">, limit: number): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: users.id })
    .from(users)
    .where(
      sql`${users.erasedAt} is not null and (${users.balanceCredits} > 0 or ${users.subscriptionType} is not null)`,
    )
    .orderBy(asc(users.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}
