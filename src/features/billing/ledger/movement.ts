import { eq, sql } from "drizzle-orm";
import { type Given, givenRow, type WholeRow, wholeRow } from "../../../platform/db/built-once.ts";
import { laterWrite, type Write } from "../../../platform/db/write-together.ts";
import { newId } from "../../../platform/ids.ts";
import { type News, type PublishNeeds, writeAndPublish } from "../../../platform/live/events.ts";
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

/** A movement that is decided and not written yet. */
export interface PlannedMovement {
  writes: Write[];
  news: News;
  /** The person's row as it will be. */
  user: User;
}

/** Writes one entry and moves the person's two numbers with it. The caller holds the lock on the person's row. */
export async function move(tx: PublishNeeds, user: User, movement: Movement): Promise<User> {
  const planned = planMove(tx, user, movement);
  await writeAndPublish(tx, user.id, planned.writes, [planned.news]);
  return planned.user;
}

/** What `move` writes, for who writes more than that. The caller holds the lock on the row `user`, which is as it stands. */
export function planMove(tx: Pick<PublishNeeds, "clock">, user: User, movement: Movement): PlannedMovement {
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
  const after = {
    ...user,
    balanceCredits: user.balanceCredits + balance,
    reservedCredits: user.reservedCredits + reserved,
    updatedAt: now,
  };
  return {
    writes: [insertEntry(entry), moveNumbers({ userId: user.id, balance, reserved, now })],
    news: {
      type: "balance.changed",
      data: {
        credits: after.balanceCredits,
        reserved: after.reservedCredits,
        reason: movement.kind,
        action: movement.action,
      },
    },
    user: after,
  };
}

const insertEntry = laterWrite((db, _: Given<WholeRow<typeof creditEntries>>) =>
  db.insert(creditEntries).values(givenRow(creditEntries)),
);

const moveNumbers = laterWrite((db, given: Given<{ userId: string; balance: number; reserved: number; now: Date }>) =>
  db
    .update(users)
    .set({
      balanceCredits: sql`${users.balanceCredits} + ${given("balance", users.balanceCredits)}`,
      reservedCredits: sql`${users.reservedCredits} + ${given("reserved", users.reservedCredits)}`,
      updatedAt: given("now", users.updatedAt),
    })
    .where(eq(users.id, given("userId", users.id))),
);
