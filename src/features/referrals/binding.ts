import { eq, lte } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS } from "../../platform/clock.ts";
import { newId } from "../../platform/ids.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import { findByTelegramId, lockUser, type User } from "../profile/index.ts";
import { codeFrom, ownerOfCode } from "./codes.ts";
import { pendingReferrals, referrals } from "./tables.ts";

/**
 * Who brought whom is written down once, when a person first signs in.
 *
 *   link to the app   the code is in the sign-in itself                        (bindNewcomer)
 *   link to the bot   `/start ref_<code>` is remembered by the Telegram id and
 *                     taken at the first sign-in                  (rememberStart, bindNewcomer)
 *
 * The first sign-in calls `bindNewcomer` in the transaction that makes the person: whatever they do next, the job that
 * may reward it finds the referral. A link followed later binds nobody.
 */
/** How long a start of the bot is remembered for somebody who does not sign in. */
const PENDING_DAYS = 30;

/** Somebody has just been made by their first sign-in, in this very transaction. */
export interface Newcomer {
  user: User;
  /** What stood in the link that opened the app. */
  startParam: string | null;
}

/** Binds a newcomer to whoever brought them. The link that opened the app counts before an earlier start of the bot. */
export async function bindNewcomer(tx: Context, { user, startParam }: Newcomer): Promise<void> {
  for (const code of [codeFrom(startParam), await takePending(tx, user.telegramId)]) {
    if (code !== null && (await bind(tx, user, code))) return;
  }
}

/**
 * Takes out the code of an earlier start of the bot. An empty row is written first: it meets the one that `rememberStart`
 * may be writing at this moment, and so waits for it, where a plain delete would not see it.
 */
async function takePending(tx: Context, telegramId: number): Promise<string | null> {
  const nothing = { telegramId, code: "", startedAt: new Date(0), expiresAt: new Date(0) };
  const [pending] = await tx.db
    .insert(pendingReferrals)
    .values(nothing)
    .onConflictDoUpdate({ target: pendingReferrals.telegramId, set: { telegramId } })
    .returning();
  await tx.db.delete(pendingReferrals).where(eq(pendingReferrals.telegramId, telegramId));
  return pending !== undefined && pending.expiresAt > tx.clock.now() ? pending.code : null;
}

/**
 * The bot was started with a start parameter. For somebody who has not signed in it is remembered; the latest start counts,
 * in whatever order the jobs come. Whoever signed in after that start, while its job was waiting, is bound now; whoever
 * was here before it is nobody's newcomer.
 */
export async function rememberStart(
  tx: Context,
  start: { telegramId: number; startParam: string; startedAt: Date },
): Promise<void> {
  const code = codeFrom(start.startParam);
  if (code === null || (await ownerOfCode(tx, code)) === null) return;
  const expiresAt = after(start.startedAt, PENDING_DAYS * DAY_MS);
  const later = { code, startedAt: start.startedAt, expiresAt };
  await tx.db
    .insert(pendingReferrals)
    .values({ telegramId: start.telegramId, ...later })
    .onConflictDoUpdate({
      target: pendingReferrals.telegramId,
      set: later,
      setWhere: lte(pendingReferrals.startedAt, start.startedAt),
    });
  // Looked for only now: a first sign-in either took the row above, or has committed by this line and is seen here.
  const user = await findByTelegramId(tx, start.telegramId);
  if (!user) return;
  await tx.db.delete(pendingReferrals).where(eq(pendingReferrals.telegramId, start.telegramId));
  // Whoever erased themselves and came back is nobody's newcomer.
  if (user.createdAt > start.startedAt && user.carriedFreeActions === null) await bind(tx, user, code);
}

/**
 * Writes the referral, unless the code is nobody's or one's own, the inviter is banned, or the person was brought before
 * or has brought others. The last rule is what keeps the graph free of circles: whoever would close one has an
 * invited person below them. Both rows are locked first, so that two bindings cannot close a circle together.
 */
async function bind(tx: Context, referred: User, code: string): Promise<boolean> {
  const inviter = await ownerOfCode(tx, code);
  if (!inviter || inviter.id === referred.id || inviter.bannedAt !== null) return false;
  for (const userId of [inviter.id, referred.id].toSorted()) await lockUser(tx, userId);
  const [below] = await tx.db
    .select({ id: referrals.id })
    .from(referrals)
    .where(eq(referrals.referrerId, referred.id))
    .limit(1);
  if (below) return false;
  const [bound] = await tx.db
    .insert(referrals)
    .values({
      id: newId(),
      referrerId: inviter.id,
      referredId: referred.id,
      state: "waiting",
      creditsAwarded: 0,
      creditsReversed: 0,
      createdAt: tx.clock.now(),
    })
    .onConflictDoNothing()
    .returning({ id: referrals.id });
  if (!bound) return false;
  tx.log.info("a person was brought by another", { referral: bound.id });
  await enqueue(tx, "referral.bound", { user_id: referred.id });
  return true;
}

/** Removes starts of the bot that nobody followed up; returns how many. */
export async function forgetOldStarts(ctx: Pick<Context, "db" | "clock">): Promise<number> {
  const removed = await ctx.db
    .delete(pendingReferrals)
    .where(lte(pendingReferrals.expiresAt, ctx.clock.now()))
    .returning({ telegramId: pendingReferrals.telegramId });
  return removed.length;
}
