import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { lockUser, type User } from "../../profile/index.ts";
import { creditGrants, creditHoldParts, creditHolds, type GrantKind } from "../tables.ts";
import { returnFreeAction } from "./free-actions.ts";
import { expireDue } from "./grants.ts";
import { move } from "./movement.ts";

/**
 * The only writer of credits, with reserve.ts.
 *
 *   grant    outside -> balance            once for each source
 *   reserve  balance -> held               or one free action; once for each operation
 *   settle   held -> spent                 }  a hold ends exactly once, in one of these
 *   release  held -> balance               }
 *   expire   balance -> expired            plan credits at the end of their period
 *
 * Each movement is one transaction that first locks the person's row, so a person's movements happen one after another;
 * it writes one entry with a unique cause and keeps `users.balance_credits` and `users.reserved_credits` equal to the
 * sum of the entries. The database itself refuses a negative number and an entry that does not add up to zero.
 */
export type Hold = typeof creditHolds.$inferSelect;
export type LedgerNeeds = Pick<Context, "db" | "clock" | "wakeUps" | "afterCommit" | "settings" | "catalogue">;

export interface Grant {
  userId: string;
  kind: GrantKind;
  credits: number;
  /** What caused it, such as `payment:<id>`. The same source never grants twice. */
  source: string;
  expiresAt?: Date | undefined;
  /** Why, in an operator's own words; it stands behind the source in the journal. */
  reason?: string | undefined;
}

/** Adds credits. Returns false, changing nothing, when this source granted before. */
export async function grantCredits(ctx: Context, grant: Grant): Promise<boolean> {
  invariant(Number.isSafeInteger(grant.credits) && grant.credits > 0, "a grant is a positive whole number of credits");
  return ctx.transaction(async (tx) => {
    const user = await lockUser(tx, grant.userId);
    const now = tx.clock.now();
    const grantId = newId();
    const inserted = await tx.db
      .insert(creditGrants)
      .values({
        id: grantId,
        userId: grant.userId,
        kind: grant.kind,
        source: grant.source,
        credits: grant.credits,
        creditsLeft: grant.credits,
        expiresAt: grant.expiresAt ?? null,
        createdAt: now,
      })
      .onConflictDoNothing()
      .returning({ id: creditGrants.id });
    if (inserted.length === 0) return false;
    await move(tx, user, {
      kind: "grant",
      cause: `grant:${grant.source}${grant.reason === undefined ? "" : ` (${grant.reason})`}`,
      action: grant.kind,
      balance: grant.credits,
      reserved: 0,
      counter: "granted",
      grantId,
    });
    return true;
  });
}

/** The operation succeeded: what was held is spent. Returns false when the hold had already ended. */
export async function settle(tx: LedgerNeeds, holdId: string): Promise<boolean> {
  const ended = await endHold(tx, holdId, "settled");
  if (!ended) return false;
  const { hold, user } = ended;
  await move(tx, user, {
    kind: "settle",
    cause: `hold:${hold.id}:end`,
    action: hold.action,
    balance: 0,
    reserved: -hold.credits,
    counter: "spent",
    holdId: hold.id,
  });
  return true;
}

/**
 * The operation did not succeed: what was held goes back to where it came from. Returns false when the hold had already
 * ended. Credits whose period is over in the meantime come back and expire at once, both visible in the history.
 */
export async function release(tx: LedgerNeeds, holdId: string): Promise<boolean> {
  const ended = await endHold(tx, holdId, "released");
  if (!ended) return false;
  const { hold, user } = ended;
  const parts = await tx.db.select().from(creditHoldParts).where(eq(creditHoldParts.holdId, hold.id));
  for (const part of parts) {
    await tx.db
      .update(creditGrants)
      .set({ creditsLeft: sql`${creditGrants.creditsLeft} + ${part.credits}` })
      .where(eq(creditGrants.id, part.grantId));
  }
  const freeReturned = hold.freeMonth !== null && (await returnFreeAction(tx, user, hold));
  const after = await move(tx, user, {
    kind: "release",
    cause: `hold:${hold.id}:end`,
    action: hold.action,
    balance: hold.credits,
    reserved: -hold.credits,
    counter: "none",
    freeAction: freeReturned ? 1 : 0,
    holdId: hold.id,
  });
  await expireDue(tx, after);
  return true;
}

/**
 * Takes back up to `creditsMax` credits of the grant with this source, as far as they are unused, because the money for
 * them went back. Credits that are held or spent stay where they are. Returns how many were taken.
 */
export async function revokeCredits(
  ctx: Context,
  revocation: { userId: string; source: string; creditsMax: number; cause: string },
): Promise<number> {
  return ctx.transaction(async (tx) => {
    const user = await expireDue(tx, await lockUser(tx, revocation.userId));
    const [grant] = await tx.db.select().from(creditGrants).where(eq(creditGrants.source, revocation.source));
    const credits = Math.min(revocation.creditsMax, grant?.creditsLeft ?? 0);
    if (!grant || grant.userId !== user.id || credits <= 0) return 0;
    await tx.db
      .update(creditGrants)
      .set({ creditsLeft: sql`${creditGrants.creditsLeft} - ${credits}` })
      .where(eq(creditGrants.id, grant.id));
    await move(tx, user, {
      kind: "revoke",
      cause: revocation.cause,
      action: grant.kind,
      balance: -credits,
      reserved: 0,
      counter: "revoked",
      grantId: grant.id,
    });
    return credits;
  });
}

/** Takes away all credits that the person has left, because they leave; returns how many. What is held must have ended. */
export async function forfeitCredits(ctx: Context, userId: string): Promise<number> {
  return ctx.transaction(async (tx) => {
    let user = await expireDue(tx, await lockUser(tx, userId));
    const before = user.balanceCredits;
    const left = await tx.db
      .select()
      .from(creditGrants)
      .where(and(eq(creditGrants.userId, userId), sql`${creditGrants.creditsLeft} > 0`))
      .orderBy(asc(creditGrants.id));
    for (const grant of left) {
      await tx.db.update(creditGrants).set({ creditsLeft: 0 }).where(eq(creditGrants.id, grant.id));
      user = await move(tx, user, {
        kind: "revoke",
        cause: `forfeit:${newId()}`,
        action: grant.kind,
        balance: -grant.creditsLeft,
        reserved: 0,
        counter: "revoked",
        grantId: grant.id,
      });
    }
    invariant(user.balanceCredits === 0, "the grants of a person add up to the balance");
    return before;
  });
}

/** How many credits of the grant with this source are unused. */
export async function creditsLeftOf(ctx: Pick<Context, "db">, source: string): Promise<number> {
  const [grant] = await ctx.db
    .select({ left: creditGrants.creditsLeft })
    .from(creditGrants)
    .where(eq(creditGrants.source, source));
  return grant?.left ?? 0;
}

/** The credits of the grant with this source end at another moment, because the time that they belong to does. */
export async function moveExpiry(tx: Pick<Context, "db">, source: string, expiresAt: Date): Promise<void> {
  await tx.db.update(creditGrants).set({ expiresAt }).where(eq(creditGrants.source, source));
}

/** Books out the expired credits of up to `limit` people; returns how many people had some. For the scheduler. */
export async function expireCredits(ctx: Context, limit: number): Promise<number> {
  const people = await peopleWithExpiredCredits(ctx, limit);
  for (const userId of people)
    await ctx.transaction(async (tx) => void (await expireDue(tx, await lockUser(tx, userId))));
  return people.length;
}

/** Up to `limit` people with credits that are past their time and not booked out yet. */
export async function peopleWithExpiredCredits(ctx: Pick<Context, "db" | "clock">, limit: number): Promise<string[]> {
  const people = await ctx.db
    .selectDistinct({ userId: creditGrants.userId })
    .from(creditGrants)
    .where(
      and(
        sql`${creditGrants.creditsLeft} > 0 and ${creditGrants.expiresAt} is not null`,
        lte(creditGrants.expiresAt, ctx.clock.now()),
      ),
    )
    .limit(limit);
  return people.map(({ userId }) => userId);
}

/** The one place where a hold ends; null when it had ended before. Locks the person first, as every movement does. */
async function endHold(
  tx: LedgerNeeds,
  holdId: string,
  state: "settled" | "released",
): Promise<{ hold: Hold; user: User } | null> {
  const [found] = await tx.db
    .select({ userId: creditHolds.userId })
    .from(creditHolds)
    .where(eq(creditHolds.id, holdId));
  invariant(found, "a hold that is ended exists");
  const user = await lockUser(tx, found.userId);
  const [hold] = await tx.db
    .update(creditHolds)
    .set({ state, endedAt: tx.clock.now() })
    .where(and(eq(creditHolds.id, holdId), eq(creditHolds.state, "held")))
    .returning();
  return hold ? { hold, user } : null;
}
