import { and, eq, gte, isNotNull, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import type { Given } from "../../../platform/db/built-once.ts";
import { laterWrite, writeTogether } from "../../../platform/db/write-together.ts";
import { moscowDayStart, moscowMonth } from "../../../platform/moscow.ts";
import { type User, users } from "../../profile/index.ts";
import { creditHolds } from "../tables.ts";

type Needs = Pick<Context, "db" | "clock">;

/** A released free action comes back at most this often in a Moscow day, so that failing on purpose costs something. */
export const FREE_RETURNS_PER_DAY_MAX = 10;

/**
 * Free actions of a month, counted from its holds. Asked where the person's own counter stands on another month: usually
 * none, but some when the machine's clock was set back over midnight.
 */
export async function freeActionsOf(tx: Needs, user: User, month: string): Promise<number> {
  const [row] = await tx.db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(creditHolds)
    .where(and(eq(creditHolds.userId, user.id), eq(creditHolds.freeMonth, month), eq(creditHolds.freeReturned, false)));
  return (row?.count ?? 0) + carriedInto(user, month);
}

/** Free actions that somebody who erased themselves and came back in the same month had used before. */
export function carriedInto(user: Pick<User, "carriedFreeActions" | "createdAt">, month: string): number {
  return user.carriedFreeActions !== null && moscowMonth(user.createdAt) === month ? user.carriedFreeActions : 0;
}

/** Writes the person's counter: so many free actions of this month are used. */
export const countFreeAction = laterWrite((db, given: Given<{ userId: string; month: string; used: number }>) =>
  db
    .update(users)
    .set({
      freemiumMonth: given("month", users.freemiumMonth),
      freemiumActionsUsed: given("used", users.freemiumActionsUsed),
    })
    .where(eq(users.id, given("userId", users.id))),
);

/** Gives a free action back to the month that paid it; that month may be over, and then there is nothing to give. */
export async function returnFreeAction(
  tx: Needs,
  user: User,
  hold: Pick<typeof creditHolds.$inferSelect, "id" | "freeMonth">,
): Promise<boolean> {
  const dayStart = moscowDayStart(tx.clock.now());
  const [returned] = await tx.db
    .select({ count: sql`count(*)`.mapWith(Number) })
    .from(creditHolds)
    .where(
      and(
        eq(creditHolds.userId, user.id),
        isNotNull(creditHolds.freeMonth),
        eq(creditHolds.freeReturned, true),
        gte(creditHolds.endedAt, dayStart),
      ),
    );
  if ((returned?.count ?? 0) >= FREE_RETURNS_PER_DAY_MAX) return false;
  await tx.db.update(creditHolds).set({ freeReturned: true }).where(eq(creditHolds.id, hold.id));
  if (user.freemiumMonth === hold.freeMonth) {
    const used = Math.max(0, user.freemiumActionsUsed - 1);
    await writeTogether(tx.db, [countFreeAction({ userId: user.id, month: user.freemiumMonth, used })]);
  }
  return true;
}
