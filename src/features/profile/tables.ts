import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  flag,
  id,
  integer,
  moment,
  oneOf,
  table,
  text,
  uniqueIndex,
} from "../../platform/db/columns.ts";

export const LANGUAGES = ["ru", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Whether the bot may write to a person; `needs_start` until they press Start, `blocked` after they blocked it. */
export const WRITE_STATES = ["unknown", "enabled", "needs_start", "blocked"] as const;
export type WriteState = (typeof WRITE_STATES)[number];

export const SUBSCRIPTION_TYPES = ["basic", "pro", "premium"] as const;

export const users = table(
  "users",
  {
    id: id("id").primaryKey(),
    telegramId: bigInteger("telegram_id").notNull(),
    firstName: text("first_name").notNull(),
    lastName: text("last_name"),
    username: text("username"),
    language: oneOf("language", LANGUAGES).notNull(),
    writeState: oneOf("write_state", WRITE_STATES).notNull(),
    notifyResults: flag("notify_results").notNull(),
    notifyNews: flag("notify_news").notNull(),
    /** Credits that can be spent now; what is held for work in progress is not in here. Written by the ledger only. */
    balanceCredits: integer("balance_credits").notNull(),
    /** Credits held for work in progress. Written by the ledger only. */
    reservedCredits: integer("reserved_credits").notNull(),
    subscriptionType: oneOf("subscription_type", SUBSCRIPTION_TYPES),
    subscriptionEnd: moment("subscription_end"),
    /** The Moscow month (`2026-11`) that `freemium_actions_used` counts. */
    freemiumMonth: text("freemium_month").notNull(),
    freemiumActionsUsed: integer("freemium_actions_used").notNull(),
    /** Tokens that the assistant read and wrote for the person, all together. */
    assistantTokens: bigInteger("assistant_tokens").notNull(),
    bannedAt: moment("banned_at"),
    banReason: text("ban_reason"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (user) => [
    uniqueIndex("users_telegram_id").on(user.telegramId),
    check("users_balance_not_negative", sql`balance_credits >= 0`),
    check("users_reserved_not_negative", sql`reserved_credits >= 0`),
    check("users_freemium_not_negative", sql`freemium_actions_used >= 0`),
  ],
);
