import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, DAY_MS, HOUR_MS } from "../../platform/clock.ts";
import { newId } from "../../platform/ids.ts";
import { enqueue, JOB_PRIORITY } from "../../platform/queue/enqueue.ts";
import { findUser, type Language, type User } from "../profile/index.ts";
import { type MessageContent, type MessageKey, type MessageTopic, messages } from "./messages.ts";
import { type OutboxLane, outboxMessages } from "./tables.ts";

/** What a message needs of the transaction that causes it. */
export type NotifyNeeds = Pick<Context, "db" | "clock" | "wakeUps" | "afterCommit" | "requestId">;

/** Smaller goes first: whoever has just written to the bot waits for an answer, news can wait. */
const PRIORITIES: Record<MessageTopic, number> = { reply: 0, results: 10, account: 20, owner: 20, news: 30 };

const BROADCAST_PRIORITY = 40;

/** How long a message is worth being read; what could not be sent by then is dropped. */
const WORTH_MS: Record<MessageTopic, number> = {
  reply: HOUR_MS,
  results: DAY_MS,
  account: 3 * DAY_MS,
  owner: DAY_MS,
  news: DAY_MS,
};

/** What became of a message: written, or why not. */
export type Notified = "waiting" | "repeated" | "switched_off" | "unreachable";

export interface Notification {
  userId: string;
  message: MessageContent;
  /** What it is about, such as `payment:<id>`: the same message about the same thing is written to a person once, ever. */
  about: string;
  /** A picture of the person's own that goes along as a document; only a copy that they may see is ever sent. */
  documentFileId?: string | undefined;
  /** What counts it, where it is one of many; such a message waits behind all others. */
  broadcastId?: string | undefined;
}

/**
 * Writes a message of the bot to a person into the outbox, in the caller's transaction: it exists exactly when what it
 * tells of does, and is sent afterwards by a job. Respects the person's switches; to somebody whom the bot may not
 * write to nothing is kept either, because old news must not pour down on them when they come back.
 */
export async function notify(tx: NotifyNeeds, notification: Notification): Promise<Notified> {
  const user = await findUser(tx, notification.userId);
  if (!user || !isReachable(user)) return "unreachable";
  const { message, about, documentFileId, broadcastId } = notification;
  if (!isWanted(user, messages[message.key].topic)) return "switched_off";
  return writeMessage(tx, {
    chatId: user.telegramId,
    userId: user.id,
    language: user.language,
    message,
    cause: `${message.key}:${user.id}:${about}`,
    documentFileId,
    broadcastId,
  });
}

/** Whether the bot may write to this person as far as is known. `unknown` is tried. */
export function isReachable(user: Pick<User, "writeState" | "bannedAt" | "telegramId">): boolean {
  // An erased person has no Telegram id any more, and a negative one would be a group's.
  return !isClosed(user.writeState) && user.bannedAt === null && user.telegramId > 0;
}

/** Whether the bot is known not to be allowed to write. */
export function isClosed(state: User["writeState"]): boolean {
  return state === "blocked" || state === "needs_start";
}

function isWanted(user: User, topic: MessageTopic): boolean {
  if (topic === "results") return user.notifyResults;
  return topic === "news" ? user.notifyNews : true;
}

export interface OutgoingMessage {
  chatId: number;
  userId: string | null;
  language: Language;
  message: MessageContent;
  cause: string;
  documentFileId?: string | undefined;
  broadcastId?: string | undefined;
}

/** Writes the row and sees to it that a job sends it. */
export async function writeMessage(tx: NotifyNeeds, outgoing: OutgoingMessage): Promise<Notified> {
  const { key, parameters } = outgoing.message;
  const { topic } = messages[key];
  const now = tx.clock.now();
  const lane: OutboxLane = outgoing.documentFileId === undefined ? "texts" : "files";
  const written = await tx.db
    .insert(outboxMessages)
    .values({
      id: newId(),
      chatId: outgoing.chatId,
      userId: outgoing.userId,
      key,
      parameters: { ...(parameters as Record<string, string | number>) },
      language: outgoing.language,
      documentFileId: outgoing.documentFileId ?? null,
      lane,
      state: "waiting",
      broadcastId: outgoing.broadcastId ?? null,
      priority: outgoing.broadcastId === undefined ? PRIORITIES[topic] : BROADCAST_PRIORITY,
      cause: outgoing.cause,
      dueAt: now,
      staleAt: after(now, WORTH_MS[topic]),
      attempts: 0,
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoNothing()
    .returning({ id: outboxMessages.id });
  if (written.length === 0) return "repeated";
  await startSending(tx, lane);
  return "waiting";
}

/** One job sends for a lane as long as something waits there; how it ends without missing anything: send-messages.ts. */
export async function startSending(tx: NotifyNeeds, lane: OutboxLane): Promise<void> {
  await enqueue(tx, "outbox.send", { lane }, { uniqueKey: `outbox.send:${lane}`, priority: JOB_PRIORITY.free });
}

/** How many messages wait for a chat, so that nobody fills the outbox alone. */
export async function waitingFor(tx: Pick<Context, "db">, chatId: number): Promise<number> {
  return tx.db.$count(outboxMessages, and(eq(outboxMessages.chatId, chatId), sql`${outboxMessages.state} = 'waiting'`));
}

/** Whether a text with this key exists; rows may come from another version. */
export function isMessageKey(key: string): key is MessageKey {
  return Object.hasOwn(messages, key);
}
