import { createHash, timingSafeEqual } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { Context } from "../../context.ts";
import { Refusal } from "../../platform/errors.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import { findByTelegramId, languageFrom, setWriteState } from "../profile/index.ts";
import type { MessageContent } from "./messages.ts";
import { waitingFor, writeMessage } from "./notify.ts";
import { closeChat } from "./record-verdicts.ts";
import { botUpdates } from "./tables.ts";

/** Answers that may wait for one chat: somebody who types commands all day gets as many answers as they can read. */
const WAITING_ANSWERS_MAX = 3;
const COMMAND = /^\/(start|help|paysupport)(?:@\w{1,64})?(?:\s+(\S+))?\s*$/;
/** Telegram's alphabet and length of what may stand behind `?start=`. */
const START_PARAM = /^[A-Za-z0-9_-]{1,64}$/;

const PrivateChat = Type.Object({ id: Type.Integer({ minimum: 1 }), type: Type.Literal("private") });
const Sender = Type.Object({ language_code: Type.Optional(Type.String()), is_bot: Type.Optional(Type.Boolean()) });

const AnyUpdate = Type.Object({ update_id: Type.Integer() });
const MessageUpdate = Type.Object({
  message: Type.Object({ chat: PrivateChat, from: Sender, text: Type.Optional(Type.String()) }),
});
const MembershipUpdate = Type.Object({
  my_chat_member: Type.Object({ chat: PrivateChat, new_chat_member: Type.Object({ status: Type.String() }) }),
});

/**
 * Whether an update comes from Telegram: the secret that `setWebhook` was given comes back with each one, and nothing
 * else proves it. Throws `not_found` where no webhook is set up, `unauthenticated` for a wrong secret.
 */
export function checkWebhookSecret(ctx: Pick<Context, "settings">, given: string | null): void {
  if (ctx.settings.TELEGRAM_WEBHOOK_SECRET === "") throw new Refusal("not_found");
  if (!isWebhookSecret(ctx, given)) throw new Refusal("unauthenticated");
}

/** Whether this is the secret that the webhook was set with; there may be none. */
export function isWebhookSecret(ctx: Pick<Context, "settings">, given: string | null): boolean {
  const secret = ctx.settings.TELEGRAM_WEBHOOK_SECRET;
  // Hashes have one length, so that neither the length nor the place of the first difference shows in the time taken.
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return secret !== "" && timingSafeEqual(hash(secret), hash(given ?? ""));
}

/** What became of an update. */
export type UpdateOutcome = "taken" | "repeated" | "not_ours";

/**
 * Takes an update of the bot, at most once however often it comes: its number and what it causes commit together. What
 * is none of ours is no fault, or it would come again for a day.
 */
export async function takeUpdate(ctx: Context, update: unknown): Promise<UpdateOutcome> {
  if (!Value.Check(AnyUpdate, update)) return "not_ours";
  return ctx.transaction(async (tx) => {
    const isNew = await tx.db
      .insert(botUpdates)
      .values({ id: update.update_id, takenAt: tx.clock.now() })
      .onConflictDoNothing()
      .returning({ id: botUpdates.id });
    if (isNew.length === 0) return "repeated";
    if (Value.Check(MembershipUpdate, update)) return takeMembership(tx, update);
    if (Value.Check(MessageUpdate, update)) return takeMessage(tx, update, update.update_id);
    return "not_ours";
  });
}

/** Somebody blocked the bot or let it in again. */
async function takeMembership(tx: Context, update: Static<typeof MembershipUpdate>): Promise<UpdateOutcome> {
  const { chat, new_chat_member } = update.my_chat_member;
  if (new_chat_member.status === "kicked") {
    await closeChat(tx, chat.id, "blocked", "blocked");
    return "taken";
  }
  if (new_chat_member.status !== "member") return "not_ours";
  await setWriteState(tx, chat.id, "enabled");
  return "taken";
}

/** Somebody wrote, so the bot may write to them; a command is answered. */
async function takeMessage(
  tx: Context,
  { message }: Static<typeof MessageUpdate>,
  updateId: number,
): Promise<UpdateOutcome> {
  if (message.from.is_bot === true) return "not_ours";
  const chatId = message.chat.id;
  await setWriteState(tx, chatId, "enabled");
  const [, command, parameter = ""] = COMMAND.exec(message.text ?? "") ?? [];
  if (command === undefined) return "not_ours";
  if (command === "start" && START_PARAM.test(parameter)) {
    await enqueue(tx, "telegram.started", { telegram_id: chatId, start_param: parameter });
  }
  if ((await waitingFor(tx, chatId)) >= WAITING_ANSWERS_MAX) return "taken";
  const user = await findByTelegramId(tx, chatId);
  await writeMessage(tx, {
    chatId,
    userId: user?.id ?? null,
    language: user?.language ?? languageFrom(message.from.language_code),
    message: answerTo(tx, command),
    cause: `${command}:update:${updateId}`,
  });
  return "taken";
}

function answerTo(ctx: Pick<Context, "settings">, command: string): MessageContent {
  if (command === "start") return { key: "welcome", parameters: {} };
  if (command === "help") return { key: "help", parameters: {} };
  const contact = ctx.settings.SUPPORT_CONTACT;
  return contact === ""
    ? { key: "paysupport_without_contact", parameters: {} }
    : { key: "paysupport", parameters: { contact } };
}
