import type { Context } from "../../src/context.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { users } from "../../src/features/profile/index.ts";
import type { Stage } from "./stage.ts";

/**
 * Whether each message of the bot arrived as often as its row says: `sent` once, `unknown` once or never, `dropped` never.
 * The rows of people who were erased are gone with them.
 */
export async function messageDifferences({ telegram }: Stage, ctx: Context, erased: Set<number>): Promise<string[]> {
  const found: string[] = [];
  const arrived = new Map<number, Set<number>>();
  for (const { chatId, from, messageId } of telegram.messages()) {
    if (from !== "bot") continue;
    arrived.set(chatId, (arrived.get(chatId) ?? new Set()).add(messageId));
  }
  const rows = await ctx.db.select().from(outboxMessages);
  const known = new Set((await ctx.db.select({ id: users.telegramId }).from(users)).map(({ id }) => id));
  for (const [chatId, messages] of arrived) {
    if (erased.has(chatId) || !known.has(chatId)) continue;
    const mine = rows.filter((row) => row.chatId === chatId);
    const sent = mine.filter(({ state }) => state === "sent");
    for (const { id, telegramMessageId } of sent) {
      if (telegramMessageId === null || !messages.delete(telegramMessageId)) {
        found.push(`message ${id} was sent as ${telegramMessageId}, which never arrived or was another's`);
      }
    }
    const inDoubt = mine.filter(({ state }) => state === "unknown").length;
    if (messages.size > inDoubt) {
      found.push(`chat ${chatId} got ${messages.size} messages beyond those sent, and ${inDoubt} are in doubt`);
    }
  }
  for (const { id, chatId, state } of rows) {
    if (state === "sent" && !arrived.has(chatId)) found.push(`message ${id} was sent, and its chat is empty`);
  }
  return found;
}
