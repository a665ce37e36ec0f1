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
import { creditHolds } from "../billing/tables.ts";
import { files } from "../photos/tables.ts";
import { users } from "../profile/tables.ts";

/** One of the three worked-out edits that the assistant offers. */
export interface Variant {
  id: string;
  title: string;
  /** What the model that makes the picture is told. */
  prompt: string;
  /** What will be different, in a few short phrases. */
  changes: string[];
}

/** One message of a conversation. `image_url` holds a storage key. */
export interface ChatMessage {
  id: string;
  role: "user" | "assistant";
  content: string;
  image_url: string | null;
  timestamp: string;
  variants?: Variant[];
  /** The turn that the message belongs to. */
  turn_id: string;
  /** Set on a person's message whose turn failed; such messages are no context for later ones. */
  error?: string;
}

/** Conversations with the assistant; gone 30 days after the last message. */
export const chatHistory = table(
  "chat_history",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    sessionId: id("session_id").notNull(),
    messages: json<ChatMessage[]>("messages").notNull(),
    /** The photo that the conversation is about. */
    photoId: id("photo_id").references(() => files.id),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (chat) => [
    uniqueIndex("chat_history_session").on(chat.sessionId),
    // In the order of a person's list; a message does not write it anew, as it would one with the moment of the last.
    index("chat_history_person").on(chat.userId, chat.id),
    index("chat_history_age").on(chat.updatedAt),
    // For the row of a picture that goes.
    index("chat_history_photo").on(chat.photoId).where(sql`photo_id is not null`),
  ],
);

export const TURN_STATES = ["queued", "running", "succeeded", "failed"] as const;

/** One question to the assistant and its answer: what was held for it, what it used. */
export const chatTurns = table(
  "chat_turns",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    sessionId: id("session_id").notNull(),
    /** The client's own id of the message, so that a repeated frame is the same turn. */
    clientId: text("client_id"),
    state: oneOf("state", TURN_STATES).notNull(),
    holdId: id("hold_id")
      .notNull()
      .references(() => creditHolds.id),
    creditsSpent: integer("credits_spent").notNull(),
    model: text("model"),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    /** What the provider charged, in millionths of a dollar; null where it said nothing believable. */
    costMicrodollars: bigInteger("cost_microdollars"),
    errorCode: text("error_code"),
    deadlineAt: moment("deadline_at").notNull(),
    createdAt: moment("created_at").notNull(),
    finishedAt: moment("finished_at"),
  },
  (turn) => [
    index("chat_turns_session").on(turn.sessionId, turn.id),
    index("chat_turns_user").on(turn.userId, turn.id),
    index("chat_turns_created").on(turn.createdAt),
    index("chat_turns_finished").on(turn.finishedAt).where(sql`finished_at is not null`),
    index("chat_turns_live").on(turn.deadlineAt).where(sql`state in ('queued', 'running')`),
    uniqueIndex("chat_turns_client").on(turn.userId, turn.clientId),
    check("chat_turns_tokens", sql`input_tokens >= 0 and output_tokens >= 0`),
    check("chat_turns_cost", sql`cost_microdollars is null or cost_microdollars >= 0`),
  ],
);

/** The variants of all conversations by their id, so that an order can name one. */
export const chatVariants = table(
  "chat_variants",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    sessionId: id("session_id").notNull(),
    prompt: text("prompt").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (variant) => [index("chat_variants_session").on(variant.sessionId), index("chat_variants_user").on(variant.userId)],
);
