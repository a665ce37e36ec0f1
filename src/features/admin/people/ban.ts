import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { type Act, recordChange } from "../../audit/index.ts";
import { endSession, liveSessions, roleOf } from "../../auth/index.ts";
import { banUser, lockUser, type User } from "../../profile/index.ts";
import { presentPerson } from "./card.ts";

type Order = Act & { userId: string };

/**
 * Blocks a person: they are signed out everywhere and every request of theirs is refused. What is in work ends as it would.
 * Operators lose their role first, so that nobody shuts out who could let them in again.
 */
export async function banPerson(ctx: Context, order: Order): Promise<User> {
  return changePerson(ctx, order, "person.ban", async (tx, person) => {
    if ((await roleOf(tx, person)) !== null) throw new Refusal("forbidden");
    if (person.bannedAt !== null) throw new Refusal("already_finished");
    await banUser(tx, person.id, order.reason);
    await signOut(tx, person.id);
  });
}

/** Lets a blocked person in again. */
export async function unbanPerson(ctx: Context, order: Order): Promise<User> {
  return changePerson(ctx, order, "person.unban", async (tx, person) => {
    if (person.bannedAt === null) throw new Refusal("already_finished");
    await banUser(tx, person.id, null);
  });
}

/** Signs a person out everywhere. */
export async function logOutPerson(ctx: Context, order: Order): Promise<User> {
  return changePerson(ctx, order, "person.logout", (tx, person) => signOut(tx, person.id));
}

async function changePerson(
  ctx: Context,
  order: Order,
  action: "person.ban" | "person.unban" | "person.logout",
  change: (tx: Context, person: User) => Promise<void>,
): Promise<User> {
  return ctx.transaction(async (tx) => {
    await presentPerson(tx, order.userId);
    const before = await lockUser(tx, order.userId);
    const sessions = (await liveSessions(tx, before.id)).length;
    await change(tx, before);
    const person = await presentPerson(tx, before.id);
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action,
      subject: "person",
      subjectId: person.id,
      personId: person.id,
      before: { banned: before.bannedAt !== null, sessions },
      after: { banned: person.bannedAt !== null, sessions: (await liveSessions(tx, person.id)).length },
    });
    return person;
  });
}

async function signOut(tx: Context, userId: string): Promise<void> {
  await endSession(tx, { userId, sessionId: "" }, true);
  tx.afterCommit(() => tx.wakeUps.wake("sessions", userId));
}
