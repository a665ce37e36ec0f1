import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { referralCode, referralLink } from "./codes.ts";
import { type DeclineReason, type ReferralState, referrals } from "./tables.ts";

/** One invited person as the inviter sees them: that somebody came, and what it brought. Nothing says who it was. */
export interface ReferralView {
  id: string;
  state: ReferralState;
  decline_reason?: DeclineReason;
  /** What the inviter has of it: what was granted less what was taken back. */
  credits: number;
  created_at: string;
  rewarded_at?: string;
}

/** A person's code, link and sums, and a page of those they brought, newest first; `limit` + 1 rows where there are more. */
export async function referralsOf(
  ctx: Pick<Context, "db" | "clock" | "settings">,
  userId: string,
  page: { before: string | null; limit: number },
) {
  const code = await referralCode(ctx, userId);
  const mine = eq(referrals.referrerId, userId);
  const [sums] = await ctx.db
    .select({
      invited: sql`count(*)`.mapWith(Number),
      rewarded: sql`coalesce(sum(case when ${referrals.state} = 'rewarded' then 1 else 0 end), 0)`.mapWith(Number),
      credits: sql`coalesce(sum(${referrals.creditsAwarded} - ${referrals.creditsReversed}), 0)`.mapWith(Number),
    })
    .from(referrals)
    .where(mine);
  const rows = await ctx.db
    .select()
    .from(referrals)
    .where(page.before === null ? mine : and(mine, lt(referrals.id, page.before)))
    .orderBy(desc(referrals.id))
    .limit(page.limit);
  return {
    code,
    link: referralLink(ctx, code),
    reward: { credits: ctx.settings.REFERRAL_REWARD_CREDITS, on: ctx.settings.REFERRAL_REWARD_ON },
    invited: sums?.invited ?? 0,
    rewarded: sums?.rewarded ?? 0,
    credits_earned: sums?.credits ?? 0,
    rows: rows.map(viewOf),
  };
}

function viewOf(row: typeof referrals.$inferSelect): ReferralView {
  return {
    id: row.id,
    state: row.state,
    ...(row.declineReason === null ? {} : { decline_reason: row.declineReason }),
    credits: row.creditsAwarded - row.creditsReversed,
    created_at: row.createdAt.toISOString(),
    ...(row.rewardedAt === null ? {} : { rewarded_at: row.rewardedAt.toISOString() }),
  };
}
