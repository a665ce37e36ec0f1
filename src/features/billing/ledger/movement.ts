import { eq, sql } from "drizzle-orm";
import { builtOnce, type Given, givenRow, type WholeRow, wholeRow } from "../../../platform/db/built-once.ts";
import { invariant } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { type PublishNeeds, publish } from "../../../platform/live/events.ts";
import { type User, users } from "../../profile/index.ts";
import { creditEntries } from "../tables.ts";

/** What one entry of the journal does. */
export interface Movement {
  kind: (typeof creditEntries.$inferInsert)["kind"];
  cause: string;
  action: string;
  /** Added to the credits that can be spent. */
  balance: number;
  /** Added to the credits that are held. */
  reserved: number;
  counter: (typeof creditEntries.$inferInsert)["counterAccount"];
  freeAction?: number;
  holdId?: string;
  grantId?: string;
}

/** Writes one entry and moves the person's two numbers with it. The caller holds the lock on the person's row. */
export async function move(tx: PublishNeeds, user: User, movement: Movement): Promise<User> {
  const now = tx.clock.now();
  const { balance, reserved } = movement;
  const entry = wholeRow(creditEntries, {
    id: newId(),
    userId: user.id,
    kind: movement.kind,
    cause: movement.cause,
    action: movement.action,
    balanceDelta: balance,
    reservedDelta: reserved,
    counterAccount: movement.counter,
    counterDelta: 0 - balance - reserved,
    freeActionDelta: movement.freeAction ?? 0,
    holdId: movement.holdId ?? null,
    grantId: movement.grantId ?? null,
    createdAt: now,
  });
  const [, [updated]] = await Promise.all([
    insertEntry(tx.db, entry),
    moveNumbers(tx.db, { userId: user.id, balance, reserved, now }),
  ]);
  invariant(updated, "the person whose credits move exists");
  await publish(tx, user.id, "balance.changed", {
    credits: updated.balanceCredits,
    reserved: updated.reservedCredits,
    reason: movement.kind,
    action: movement.action,
  });
  return updated;
}

const insertEntry = builtOnce((db, _: Given<WholeRow<typeof creditEntries>>) =>
  db.insert(creditEntries).values(givenRow(creditEntries)),
);

const moveNumbers = builtOnce((db, given: Given<{ userId: string; balance: number; reserved: number; now: Date }>) =>
  db
    .update(users)
    .set({
      balanceCredits: sql`${users.balanceCredits} + ${given("balance", users.balanceCredits)}`,
      reservedCredits: sql`${users.reservedCredits} + ${given("reserved", users.reservedCredits)}`,
      updatedAt: given("now", users.updatedAt),
    })
    .where(eq(users.id, given("userId", users.id)))
    .returning(),
);
