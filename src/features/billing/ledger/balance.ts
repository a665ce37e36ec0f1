import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { hotStatement } from "../../../platform/db/hot-statement.ts";
import { moscowMonth, nextMoscowMonth } from "../../../platform/moscow.ts";
import type { User } from "../../profile/index.ts";
import { liveSubscription } from "../subscriptions/plan-terms.ts";
import { creditEntries, creditGrants, type ENTRY_KINDS } from "../tables.ts";

/** What a person can spend, as `GET /balance` answers it. */
export interface Balance {
  credits: number;
  reserved: number;
  free_actions: { limit: number; used: number; renews_at: string };
  subscription: { type: string; ends_at: string; credits_left: number; auto_renew: boolean } | null;
  next_expiry: { credits: number; at: string } | null;
}

/** What the balance is made of besides the grants. */
export type BalanceHolder = Pick<
  User,
  | "id"
  | "balanceCredits"
  | "reservedCredits"
  | "subscriptionType"
  | "subscriptionEnd"
  | "freemiumMonth"
  | "freemiumActionsUsed"
>;

const expiringGrants = hotStatement(
  { kind: creditGrants.kind, left: creditGrants.creditsLeft, at: creditGrants.expiresAt },
  (db, columns) =>
    db
      .select(columns)
      .from(creditGrants)
      .where(
        and(
          eq(creditGrants.userId, sql.param(sql.placeholder("userId"), creditGrants.userId)),
          sql`${creditGrants.creditsLeft} > 0 and ${creditGrants.expiresAt} is not null`,
        ),
      )
      .orderBy(creditGrants.expiresAt, creditGrants.id),
);

/**
 * The balance of a person whose row was just read. Credits past their time do not count, whether or not the nightly run
 * has booked them out.
 */
export async function balanceOf(
  ctx: Pick<Context, "db" | "clock" | "settings">,
  user: BalanceHolder,
): Promise<Balance> {
  const now = ctx.clock.now();
  const expiring = user.balanceCredits === 0 ? [] : await expiringGrants(ctx.db, { userId: user.id });
  const overdue = expiring.filter((grant) => grant.at !== null && grant.at <= now);
  const coming = expiring.filter((grant) => grant.at !== null && grant.at > now);
  const first = coming[0]?.at ?? null;
  const sum = (grants: typeof expiring) => grants.reduce((total, grant) => total + grant.left, 0);
  return {
    // The grants were read a moment after the row, and may by then hold more than it says.
    credits: Math.max(0, user.balanceCredits - sum(overdue)),
    reserved: user.reservedCredits,
    free_actions: {
      limit: ctx.settings.FREE_ACTIONS_PER_MONTH,
      used: user.freemiumMonth === moscowMonth(now) ? user.freemiumActionsUsed : 0,
      renews_at: nextMoscowMonth(now).toISOString(),
    },
    subscription:
      user.subscriptionType !== null && user.subscriptionEnd !== null && user.subscriptionEnd > now
        ? {
            type: user.subscriptionType,
            ends_at: user.subscriptionEnd.toISOString(),
            credits_left: sum(coming.filter((grant) => grant.kind === "plan")),
            auto_renew: (await liveSubscription(ctx, user.id))?.autoRenew ?? false,
          }
        : null,
    next_expiry: first
      ? { credits: sum(coming.filter((grant) => grant.at?.getTime() === first.getTime())), at: first.toISOString() }
      : null,
  };
}

/** One line of the credit history. */
export interface BalanceEntry {
  id: string;
  kind: (typeof ENTRY_KINDS)[number];
  action: string;
  /** What the line added to or took from the credits that can be spent. */
  credits: number;
  reserved: number;
  free_action: number;
  /** Charge and release of one operation carry the same number here. */
  hold_id: string | null;
  created_at: string;
}

/** The credit history, newest first; `before` is the id of the last line already seen. */
export async function balanceEntries(
  ctx: Pick<Context, "db">,
  userId: string,
  page: { before: string | null; limit: number },
): Promise<BalanceEntry[]> {
  const mine = eq(creditEntries.userId, userId);
  const rows = await ctx.db
    .select()
    .from(creditEntries)
    .where(page.before === null ? mine : and(mine, lt(creditEntries.id, page.before)))
    .orderBy(desc(creditEntries.id))
    .limit(page.limit);
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    action: row.action,
    credits: row.balanceDelta,
    reserved: row.reservedDelta,
    free_action: row.freeActionDelta,
    hold_id: row.holdId,
    created_at: row.createdAt.toISOString(),
  }));
}
