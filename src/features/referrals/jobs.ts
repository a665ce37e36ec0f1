import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, fence, type JobOutcome } from "../../platform/queue/outcome.ts";
import { findPayment } from "../billing/index.ts";
import { rememberStart } from "./binding.ts";
import { lockWaiting, reverseReward, reward } from "./rewards.ts";

/** `telegram.started`: somebody pressed Start in the bot, perhaps behind an invitation link. */
export async function rememberReferral(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const { telegram_id: telegramId, start_param: startParam } = job.payload;
  if (typeof startParam !== "string" || !Number.isSafeInteger(telegramId)) return DONE;
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    await rememberStart(tx, { telegramId: Number(telegramId), startParam, startedAt: job.createdAt });
  });
  return DONE;
}

/** `referral.bound`: an invited person has signed in for the first time. */
export async function rewardSignUp(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  if (ctx.settings.REFERRAL_REWARD_ON === "signup") await rewardOnce(ctx, job, "signup");
  return DONE;
}

/** `generation.ended`: only a picture that came out counts. */
export async function rewardGeneration(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const { generation_id: generationId, status } = job.payload;
  const counts = ctx.settings.REFERRAL_REWARD_ON === "first_generation" && status === "succeeded";
  if (counts) await rewardOnce(ctx, job, `generation:${generationId}`);
  return DONE;
}

/** `payment.applied`: only money that has not gone back meanwhile counts. */
export async function rewardPayment(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  if (ctx.settings.REFERRAL_REWARD_ON !== "first_payment") return DONE;
  const paymentId = String(job.payload.payment_id);
  await rewardOnce(ctx, job, `payment:${paymentId}`, async (tx) => {
    const payment = await findPayment(tx, paymentId);
    return payment?.status === "succeeded" && payment.refundedKopecks < payment.amountKopecks;
  });
  return DONE;
}

/** `payment.refunded`: a payment that was given back whole earned nothing, whatever is rewarded today. */
export async function reverseForRefund(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  const { payment_id: paymentId, user_id: userId, rest_kopecks: restKopecks } = job.payload;
  if (restKopecks !== 0) return DONE;
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    await reverseReward(tx, String(userId), `payment:${paymentId}`);
  });
  return DONE;
}

/**
 * Rewards whoever brought the job's person. `isEarned` is asked with the inviter's row locked, so that a refund either is
 * seen by it or comes after the reward, and then finds what to reverse.
 */
async function rewardOnce(
  ctx: Context,
  job: LeasedJob,
  cause: string,
  isEarned: (tx: Context) => Promise<boolean> = async () => true,
): Promise<void> {
  await ctx.transaction(async (tx) => {
    await fence(tx, job);
    const waiting = await lockWaiting(tx, String(job.payload.user_id));
    if (waiting && (await isEarned(tx))) await reward(tx, waiting, cause);
  });
}
