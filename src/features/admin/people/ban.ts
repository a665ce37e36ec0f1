import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { endSession, liveSessions, roleOf } from "../../auth/index.ts";
import { banUser, lockUser, type User } from "../../profile/index.ts";
import { change, type Order } from "../change.ts";
import { presentPerson } from "./card.ts";

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

function changePerson(
  ctx: Context,
  order: Order,
  action: "person.ban" | "person.unban" | "person.logout",
  make: (tx: Context, person: User) => Promise<void>,
): Promise<User> {
  return change(ctx, order, {
    action,
    subject: "person",
    make,
    async read(tx) {
      await presentPerson(tx, order.id);
      return lockUser(tx, order.id);
    },
    facts: async (person, tx) => ({
      banned: person.bannedAt !== null,
      sessions: (await liveSessions(tx, person.id)).length,
    }),
    personOf: (person) => person.id,
  });
}

async function signOut(tx: Context, userId: string): Promise<void> {
  await endSession(tx, { userId, sessionId: "" }, true);
  tx.afterCommit(() => tx.wakeUps.wake("sessions", userId));
}
