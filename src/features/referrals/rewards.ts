import { and, eq, or, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { invariant } from "../../platform/errors.ts";
import { moscowDate } from "../../platform/moscow.ts";
import { grantCredits, revokeCredits } from "../billing/index.ts";
import { notify } from "../notifications/index.ts";
import { lockUser, type User } from "../profile/index.ts";
import { type DeclineReason, pendingReferrals, referralCodes, referrals } from "./tables.ts";

/**
 * What an inviter gets, and what is taken back.
 *
 *   waiting -> rewarded   the invited person did what the setting names: credits, once       (reward)
 *   waiting -> declined   they did it, but the inviter's day is full, or the inviter is banned  (reward)
 *   rewarded -> reversed  the payment that earned the reward was given back whole            (reverseReward)
 *
 * Each change is one transaction that locks the inviter's row first and then looks at the state. So an inviter's rewards
 * are counted one after another, and a reward and its reversal cannot pass each other.
 */
type Referral = typeof referrals.$inferSelect;

/** A referral that may be rewarded now, with its inviter, whose row is locked. */
export interface Waiting {
  referral: Referral;
  inviter: User;
}

/** The referral of this invited person, if it still waits, with the inviter locked; null when there is nothing to reward. */
export async function lockWaiting(tx: Context, referredId: string): Promise<Waiting | null> {
  if (tx.settings.REFERRAL_REWARD_CREDITS === 0) return null;
  const before = await referralOf(tx, referredId);
  if (before?.state !== "waiting") return null;
  const inviter = await lockUser(tx, before.referrerId);
  const referral = await referralOf(tx, referredId);
  return referral?.state === "waiting" ? { referral, inviter } : null;
}

/** Ends the waiting: with credits, or without where the inviter is banned or has had today's share. */
export async function reward(tx: Context, { referral, inviter }: Waiting, cause: string): Promise<void> {
  const now = tx.clock.now();
  const today = moscowDate(now);
  const declineReason = await whyNot(tx, inviter, today);
  if (declineReason !== null) {
    await write(tx, referral, { state: "declined", cause, declineReason });
    return;
  }
  const credits = tx.settings.REFERRAL_REWARD_CREDITS;
  await write(tx, referral, {
    state: "rewarded",
    cause,
    creditsAwarded: credits,
    rewardedOn: today,
    rewardedAt: now,
  });
  const source = sourceOf(referral);
  const isNew = await grantCredits(tx, { userId: inviter.id, kind: "referral", credits, source });
  invariant(isNew, "a referral that waited has granted nothing");
  await notify(tx, { userId: inviter.id, message: { key: "referral_reward", parameters: { credits } }, about: source });
}

async function whyNot(tx: Context, inviter: User, today: string): Promise<DeclineReason | null> {
  if (inviter.bannedAt !== null) return "inviter_banned";
  const [row] = await tx.db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(referrals)
    .where(and(eq(referrals.referrerId, inviter.id), eq(referrals.rewardedOn, today)));
  return (row?.count ?? 0) >= tx.settings.REFERRAL_REWARDS_PER_DAY_MAX ? "daily_cap" : null;
}

/**
 * Takes back the reward that this cause earned, as far as its credits are unused: what is spent or held stays, and the
 * balance never falls below zero. Nothing happens where the cause earned none, or it was taken back before.
 */
export async function reverseReward(tx: Context, referredId: string, cause: string): Promise<void> {
  const before = await referralOf(tx, referredId);
  if (!before) return;
  await lockUser(tx, before.referrerId);
  const referral = await referralOf(tx, referredId);
  if (referral?.state !== "rewarded" || referral.cause !== cause) return;
  const creditsReversed = await revokeCredits(tx, {
    userId: referral.referrerId,
    source: sourceOf(referral),
    creditsMax: referral.creditsAwarded,
    cause: `${sourceOf(referral)}:reversal`,
  });
  await write(tx, referral, { state: "reversed", creditsReversed, reversedAt: tx.clock.now() });
  const creditsKept = referral.creditsAwarded - creditsReversed;
  tx.log.info("a referral's reward was taken back", { referral: referral.id, creditsReversed, creditsKept });
}

/**
 * A person is being erased: their code brings nobody any more, and what still waits, on either side, waits no longer. The
 * rows stay, because credits were booked on them; they hold ids only.
 */
export async function endReferralsOf(tx: Context, user: Pick<User, "id" | "telegramId">): Promise<void> {
  await tx.db.delete(referralCodes).where(eq(referralCodes.userId, user.id));
  await tx.db.delete(pendingReferrals).where(eq(pendingReferrals.telegramId, user.telegramId));
  await tx.db
    .update(referrals)
    .set({ state: "declined", declineReason: "person_left" })
    .where(
      and(eq(referrals.state, "waiting"), or(eq(referrals.referrerId, user.id), eq(referrals.referredId, user.id))),
    );
}

/** The grant's source and the beginning of its reversal's cause in the ledger. */
function sourceOf(referral: Referral): string {
  return `referral:${referral.id}`;
}

async function referralOf(tx: Pick<Context, "db">, referredId: string): Promise<Referral | null> {
  const [row] = await tx.db.select().from(referrals).where(eq(referrals.referredId, referredId));
  return row ?? null;
}

async function write(tx: Context, referral: Referral, change: Partial<typeof referrals.$inferInsert>): Promise<void> {
  await tx.db.update(referrals).set(change).where(eq(referrals.id, referral.id));
}
