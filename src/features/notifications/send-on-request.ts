import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import type { User } from "../profile/index.ts";
import { isReachable, waitingFor, writeMessage } from "./notify.ts";
import { outboxMessages } from "./tables.ts";

/** Messages that may wait for one chat before no more are taken on request; at one a second they are gone soon. */
const WAITING_MAX = 10;
const RETRY_AFTER_SECONDS = 10;

/**
 * Sends a picture because the person asked for it. One that is on its way already is not sent a second time. Refuses
 * with `bot_cannot_write` while it is known that the bot may not, and with `rate_limited` when too much waits.
 */
export async function sendOnRequest(tx: Context, user: User, wanted: { fileId: string; about: string }): Promise<void> {
  if (!isReachable(user)) throw new Refusal("bot_cannot_write", writeHint(tx, user));
  const waits = and(
    sql`${outboxMessages.state} = 'waiting'`,
    eq(outboxMessages.chatId, user.telegramId),
    eq(outboxMessages.documentFileId, wanted.fileId),
  );
  if ((await tx.db.$count(outboxMessages, waits)) > 0) return;
  if ((await waitingFor(tx, user.telegramId)) >= WAITING_MAX) {
    throw new Refusal("rate_limited", { retry_after: RETRY_AFTER_SECONDS });
  }
  await writeMessage(tx, {
    chatId: user.telegramId,
    userId: user.id,
    language: user.language,
    message: { key: "picture_sent", parameters: {} },
    cause: `picture_sent:${wanted.about}`,
    documentFileId: wanted.fileId,
  });
}

/** What the page needs to help: how the bot stands to the person, and where to press Start. */
function writeHint(ctx: Pick<Context, "settings">, user: User): Record<string, unknown> {
  const bot = ctx.settings.TELEGRAM_BOT_NAME;
  return {
    telegram_write_state: user.writeState,
    ...(bot === "" ? {} : { bot_link: `https://t.me/${bot}?start=app` }),
  };
}
