import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  id,
  index,
  integer,
  json,
  moment,
  oneOf,
  table,
  text,
  uniqueIndex,
} from "../../platform/db/columns.ts";
import { LANGUAGES } from "../profile/tables.ts";

/** What the owner must hear of; shown by `doctor` and sent by the bot. */
export const ownerAlerts = table(
  "owner_alerts",
  {
    id: id("id").primaryKey(),
    level: oneOf("level", ["warning", "critical"]).notNull(),
    reason: text("reason").notNull(),
    details: json<Record<string, unknown>>("details").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (alert) => [index("owner_alerts_recent").on(alert.createdAt)],
);

/** When the owner last got a message for a reason, and how many of its kind were held back since. */
export const ownerAlertPauses = table("owner_alert_pauses", {
  reason: text("reason").primaryKey(),
  toldAt: moment("told_at").notNull(),
  suppressed: integer("suppressed").notNull(),
});

/**
 * `waiting` for its turn; `sending` in a worker's hands; then `sent`, `dropped` (the reason says why), or `unknown`: it may
 * have arrived, nobody can find out, and it is not sent again.
 */
export const OUTBOX_STATES = ["waiting", "sending", "sent", "dropped", "unknown"] as const;

/** Texts and files go on lanes of their own, so that a slow upload holds up nobody's text. */
export const OUTBOX_LANES = ["texts", "files"] as const;
export type OutboxLane = (typeof OUTBOX_LANES)[number];

/** Messages of the bot to people: written with the act that causes them, sent by a job. */
export const outboxMessages = table(
  "outbox_messages",
  {
    id: id("id").primaryKey(),
    /** The private chat: the person's Telegram id. */
    chatId: bigInteger("chat_id").notNull(),
    /** Null for people who wrote to the bot and never signed in. */
    userId: id("user_id"),
    key: text("key").notNull(),
    parameters: json<Record<string, string | number>>("parameters").notNull(),
    language: oneOf("language", LANGUAGES).notNull(),
    /** A picture of the person's own; whether they may see it is asked when it is sent. */
    documentFileId: id("document_file_id"),
    /** What has still to count this message; null for all that is no broadcast's, and once it was counted. */
    broadcastId: id("broadcast_id"),
    lane: oneOf("lane", OUTBOX_LANES).notNull(),
    state: oneOf("state", OUTBOX_STATES).notNull(),
    /** Smaller goes first. */
    priority: integer("priority").notNull(),
    /** What caused it; the same cause never makes a second message. */
    cause: text("cause").notNull(),
    /** Not before this moment. */
    dueAt: moment("due_at").notNull(),
    /** After this moment nobody wants to read it any more. */
    staleAt: moment("stale_at").notNull(),
    attempts: integer("attempts").notNull(),
    /** The job and the lease under which it is being sent: whoever finds an older lease knows that its worker died. */
    senderJob: id("sender_job"),
    senderLease: id("sender_lease"),
    telegramMessageId: bigInteger("telegram_message_id"),
    /** Why it was dropped, or what went wrong last. */
    reason: text("reason"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
    sentAt: moment("sent_at"),
  },
  (message) => [
    uniqueIndex("outbox_messages_cause").on(message.cause),
    // What has its end stands outside these, so that sending reads only what waits.
    index("outbox_messages_waiting").on(message.lane, message.priority, message.id).where(sql`state = 'waiting'`),
    index("outbox_messages_waiting_chat").on(message.chatId).where(sql`state = 'waiting'`),
    index("outbox_messages_sending").on(message.senderJob).where(sql`state = 'sending'`),
    index("outbox_messages_unknown").on(message.updatedAt).where(sql`state = 'unknown'`),
    index("outbox_messages_user").on(message.userId),
    // For the export and the erasure of a person, to whom the bot may have written before they signed in.
    index("outbox_messages_chat").on(message.chatId),
    index("outbox_messages_broadcast").on(message.broadcastId).where(sql`broadcast_id is not null`),
    index("outbox_messages_age").on(message.createdAt),
    check("outbox_messages_attempts", sql`attempts >= 0`),
  ],
);

/** When a chat may get its next message. */
export const outboxChats = table(
  "outbox_chats",
  {
    chatId: bigInteger("chat_id").primaryKey(),
    freeAt: moment("free_at").notNull(),
  },
  (chat) => [index("outbox_chats_age").on(chat.freeAt)],
);

/** Whether all sending rests, because Telegram said so or does not answer. One row a provider. */
export const outboxPauses = table("outbox_pauses", {
  provider: text("provider").primaryKey(),
  until: moment("until").notNull(),
  /** Faults in a row; a message that arrives makes it 0. */
  failures: integer("failures").notNull(),
});

/** Updates of the bot that were taken, so that one which comes again is dropped. Numbers only. */
export const botUpdates = table(
  "bot_updates",
  {
    id: bigInteger("id").primaryKey(),
    takenAt: moment("taken_at").notNull(),
  },
  (update) => [index("bot_updates_age").on(update.takenAt)],
);
