import { and, asc, eq, isNotNull, lte, sql } from "drizzle-orm";
import { builtOnce, type Given, givenRow, type WholeRow } from "../../../platform/db/built-once.ts";
import { laterWrite, type Write } from "../../../platform/db/write-together.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import type { PublishNeeds } from "../../../platform/live/events.ts";
import { lockUser, type User } from "../../profile/index.ts";
import { creditGrants, creditHoldParts } from "../tables.ts";
import { move } from "./movement.ts";

/** A grant of which something is left. */
export type UnusedGrant = Pick<typeof creditGrants.$inferSelect, "id" | "creditsLeft" | "expiresAt">;

/** What a debit has to know: the person's row and the grants that pay, both as they are now. */
export interface Purse {
  user: User;
  /** In the order in which they pay; as many as could be needed. */
  grants: UnusedGrant[];
}

/**
 * Locks the person's row, reads up to `limit` grants that pay, the next one first, and books out before what has expired.
 * Throws the refusal `not_found`.
 */
export async function openPurse(tx: PublishNeeds, userId: string, limit: number): Promise<Purse> {
  const now = tx.clock.now();
  const wanted = { userId, now, limit };
  // Asked in one go: the grants are read behind the lock.
  const [user, grants] = await Promise.all([lockUser(tx, userId), readUnused(tx.db, wanted)]);
  // Those past their time come first, so the first one says whether there are any.
  const next = grants[0]?.expiresAt ?? null;
  if (next === null || next > now) return { user, grants };
  const left = await expireDue(tx, user);
  return { user: left, grants: await readUnused(tx.db, wanted) };
}

/** Those past their time; then plan credits before all others, the earliest expiry, the oldest; without expiry last. */
const readUnused = builtOnce((db, given: Given<{ userId: string; now: Date; limit: number }>) =>
  db
    .select({ id: creditGrants.id, creditsLeft: creditGrants.creditsLeft, expiresAt: creditGrants.expiresAt })
    .from(creditGrants)
    .where(and(eq(creditGrants.userId, given("userId", creditGrants.userId)), sql`${creditGrants.creditsLeft} > 0`))
    .orderBy(
      sql`case when ${creditGrants.expiresAt} <= ${given("now", creditGrants.expiresAt)} then 0 else 1 end`,
      sql`case when ${creditGrants.kind} = 'plan' then 0 else 1 end`,
      sql`case when ${creditGrants.expiresAt} is null then 1 else 0 end`,
      asc(creditGrants.expiresAt),
      asc(creditGrants.id),
    )
    .limit(sql.placeholder("limit")),
);

/** The writes that take `price` credits from the grants in their order and say which gave how many. */
export function takeFromGrants(grants: readonly UnusedGrant[], holdId: string, price: number): Write[] {
  let missing = price;
  const writes: Write[] = [];
  for (const grant of grants) {
    const credits = Math.min(missing, grant.creditsLeft);
    if (credits === 0) break;
    writes.push(takeCredits({ grantId: grant.id, credits }), insertPart({ holdId, grantId: grant.id, credits }));
    missing -= credits;
  }
  invariant(missing === 0, "the grants of a person add up to the balance");
  return writes;
}

const takeCredits = laterWrite((db, given: Given<{ grantId: string; credits: number }>) =>
  db
    .update(creditGrants)
    .set({ creditsLeft: sql`${creditGrants.creditsLeft} - ${given("credits", creditGrants.creditsLeft)}` })
    .where(eq(creditGrants.id, given("grantId", creditGrants.id))),
);

const insertPart = laterWrite((db, _: Given<WholeRow<typeof creditHoldParts>>) =>
  db.insert(creditHoldParts).values(givenRow(creditHoldParts)),
);

/** Books out what has expired for one person. The caller holds the lock on the row; returns the row as it is now. */
export async function expireDue(tx: PublishNeeds, user: User): Promise<User> {
  const due = await readDue(tx.db, { userId: user.id, now: tx.clock.now() });
  let current = user;
  for (const grant of due) {
    // Credits that came back after an earlier expiry make a second entry, so the cause carries the entry's own number.
    const id = newId();
    await tx.db.update(creditGrants).set({ creditsLeft: 0 }).where(eq(creditGrants.id, grant.id));
    current = await move(tx, current, {
      kind: "expire",
      cause: `grant:${grant.id}:expire:${id}`,
      action: grant.kind,
      balance: -grant.creditsLeft,
      reserved: 0,
      counter: "expired",
      grantId: grant.id,
    });
  }
  return current;
}

const readDue = builtOnce((db, given: Given<{ userId: string; now: Date }>) =>
  db
    .select()
    .from(creditGrants)
    .where(
      and(
        eq(creditGrants.userId, given("userId", creditGrants.userId)),
        isNotNull(creditGrants.expiresAt),
        lte(creditGrants.expiresAt, given("now", creditGrants.expiresAt)),
        sql`${creditGrants.creditsLeft} > 0`,
      ),
    )
    .orderBy(asc(creditGrants.id)),
);
