import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  flag,
  id,
  index,
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
    /** Free actions of the month of `created_at` that the person had used before they erased themselves and came back. */
    carriedFreeActions: integer("carried_free_actions"),
    /** Tokens that the assistant read and wrote for the person, all together. */
    assistantTokens: bigInteger("assistant_tokens").notNull(),
    bannedAt: moment("banned_at"),
    banReason: text("ban_reason"),
    /** Set once the person has erased themselves; the row then is an anonymous stub that payments refer to. */
    erasedAt: moment("erased_at"),
    /** Under which operators find the person (search-keys.ts); null once erased. */
    nameKey: text("name_key"),
    usernameKey: text("username_key"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (user) => [
    uniqueIndex("users_telegram_id").on(user.telegramId),
    index("users_name_key").on(user.nameKey, user.id).where(sql`name_key is not null`),
    index("users_username_key").on(user.usernameKey, user.id).where(sql`username_key is not null`),
    index("users_banned").on(user.id).where(sql`banned_at is not null`),
    index("users_subscribed").on(user.id).where(sql`subscription_end is not null`),
    index("users_created").on(user.createdAt),
    index("users_erased").on(user.erasedAt).where(sql`erased_at is not null`),
    // Nobody stands in it for longer than until the next cleanup, however many have left.
    index("users_late")
      .on(user.id)
      .where(sql`erased_at is not null and (balance_credits > 0 or subscription_type is not null)`),
    check("users_balance_not_negative", sql`balance_credits >= 0`),
    check("users_reserved_not_negative", sql`reserved_credits >= 0`),
    check("users_freemium_not_negative", sql`freemium_actions_used >= 0`),
  ],
);

/** Which text of the terms a person accepted, and when. Gone when they erase themselves. */
export const consents = table(
  "consents",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    version: text("version").notNull(),
    acceptedAt: moment("accepted_at").notNull(),
  },
  (consent) => [uniqueIndex("consents_version").on(consent.userId, consent.version)],
);

/**
 * Who has erased themselves lately, by a keyed hash of the Telegram id: so that whoever comes back is a new person, and
 * yet has no second free actions in the month, no referral reward, and is still banned where they were.
 */
export const departures = table(
  "departures",
  {
    hash: text("hash").primaryKey(),
    /** The Moscow month that `free_actions_used` counts. */
    freeMonth: text("free_month").notNull(),
    freeActionsUsed: integer("free_actions_used").notNull(),
    bannedAt: moment("banned_at"),
    expiresAt: moment("expires_at").notNull(),
  },
  (departure) => [
    index("departures_age").on(departure.expiresAt),
    check("departures_free_not_negative", sql`free_actions_used >= 0`),
  ],
);
