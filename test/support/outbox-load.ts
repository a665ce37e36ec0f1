import type { Context } from "../../src/context.ts";
import { notify } from "../../src/features/notifications/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { newId } from "../../src/platform/ids.ts";
import { moscowMonth } from "../../src/platform/moscow.ts";

/** Somebody who is to get so many messages. */
export interface Addressee {
  id: string;
  telegramId: number;
  messages: number;
}

const INSERT_BATCH_SIZE = 500;

/** Makes people straight in the database: signing thousands in is another test's business. */
export async function makeAddressees(ctx: Context, count: number, firstId: number): Promise<Addressee[]> {
  const people = Array.from({ length: count }, (_, place) => ({
    id: newId(),
    telegramId: firstId + place,
    messages: 1,
  }));
  const now = ctx.clock.now();
  for (let start = 0; start < count; start += INSERT_BATCH_SIZE) {
    await ctx.db.insert(users).values(
      people.slice(start, start + INSERT_BATCH_SIZE).map(({ id, telegramId }) => ({
        id,
        telegramId,
        firstName: "Test",
        language: "en" as const,
        writeState: "unknown" as const,
        notifyResults: true,
        notifyNews: true,
        balanceCredits: 0,
        reservedCredits: 0,
        freemiumMonth: moscowMonth(now),
        freemiumActionsUsed: 0,
        assistantTokens: 0,
        createdAt: now,
        updatedAt: now,
      })),
    );
  }
  return people;
}

/** Writes everybody their messages; the number in the text tells a person's messages apart. */
export async function writeToAll(ctx: Context, people: readonly Addressee[]): Promise<number> {
  const all = people.flatMap(({ id, messages }) => Array.from({ length: messages }, (_, number) => ({ id, number })));
  for (let start = 0; start < all.length; start += INSERT_BATCH_SIZE) {
    await ctx.transaction(async (tx) => {
      for (const { id, number } of all.slice(start, start + INSERT_BATCH_SIZE)) {
        const message = { key: "referral_reward", parameters: { credits: 1_000 + number } } as const;
        await notify(tx, { userId: id, message, about: `load:${number}` });
      }
    });
  }
  return all.length;
}
