import { asc, eq } from "drizzle-orm";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import type { EmulatedMessage, PersonState } from "../../src/sandbox/telegram-records.ts";
import { type Person, TEST_WEBHOOK_SECRET, type TestApp } from "./app.ts";

/** Signs somebody in who stands so to the bot. */
export async function signInWith(
  app: TestApp,
  state: PersonState,
  person: Parameters<TestApp["signIn"]>[0] = {},
): Promise<Person> {
  const signedIn = await app.signIn(person);
  app.telegram.person(signedIn.telegramId, { state });
  return signedIn;
}

/** What the bot has written to a person, the oldest first. */
export function written(app: TestApp, person: Pick<Person, "telegramId">): EmulatedMessage[] {
  return app.telegram.messages(person.telegramId).filter((message) => message.from === "bot");
}

/** The rows of a person's messages, the oldest first. */
export function outboxOf(app: TestApp, person: Pick<Person, "telegramId">) {
  return app.ctx.db
    .select()
    .from(outboxMessages)
    .where(eq(outboxMessages.chatId, person.telegramId))
    .orderBy(asc(outboxMessages.id));
}

/** How the bot stands to the person, as they see it in their profile. */
export async function writeState(app: TestApp, person: Person): Promise<string> {
  const answer = await app.request("/profile", { as: person });
  return ((await answer.json()) as { telegram_write_state: string }).telegram_write_state;
}

/** Calls of the Bot API that were about this chat. */
export function callsAbout(app: TestApp, person: Pick<Person, "telegramId">): number {
  return app.telegram.stats().calls.filter((call) => call.chatId === String(person.telegramId)).length;
}

let updates = 1_000;

/** An update as Telegram posts it. */
export function postUpdate(
  app: TestApp,
  update: Record<string, unknown>,
  more: { secret?: string | null; id?: number } = {},
): Promise<Response> {
  updates += 1;
  const secret = more.secret === undefined ? TEST_WEBHOOK_SECRET : more.secret;
  return app.request("/telegram/webhook", {
    method: "POST",
    json: { update_id: more.id ?? updates, ...update },
    headers: secret === null ? {} : { "x-telegram-bot-api-secret-token": secret },
  });
}

/** What somebody writes to the bot in their private chat with it. */
export function says(telegramId: number, text: string, languageCode?: string): Record<string, unknown> {
  return {
    message: {
      message_id: 1,
      date: 1_760_000_000,
      chat: { id: telegramId, type: "private", first_name: "Test" },
      from: { id: telegramId, is_bot: false, first_name: "Test", language_code: languageCode },
      text,
    },
  };
}
