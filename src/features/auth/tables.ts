import { sql } from "drizzle-orm";
import { flag, id, index, integer, moment, oneOf, primaryKey, table, text } from "../../platform/db/columns.ts";
import { users } from "../profile/tables.ts";

/** One sign-in of one device: the family of all refresh tokens that descend from it. */
export const sessions = table(
  "sessions",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    createdAt: moment("created_at").notNull(),
    expiresAt: moment("expires_at").notNull(),
    revokedAt: moment("revoked_at"),
    revokeReason: text("revoke_reason"),
  },
  (session) => [
    index("sessions_user").on(session.userId),
    index("sessions_expiry").on(session.expiresAt),
    // With the one above, the cleanup's two ways to be old.
    index("sessions_revoked").on(session.revokedAt).where(sql`revoked_at is not null`),
  ],
);

/** Every refresh token ever given out for a live session, by hash; a used one that comes again betrays a theft. */
export const refreshTokens = table(
  "refresh_tokens",
  {
    hash: text("hash").primaryKey(),
    sessionId: id("session_id")
      .notNull()
      .references(() => sessions.id),
    used: flag("used").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (token) => [index("refresh_tokens_session").on(token.sessionId)],
);

/** From where a piece of Telegram sign-in data was used, so that a copied one can be limited. Hashes only. */
export const initDataUses = table(
  "init_data_uses",
  {
    hash: text("hash").notNull(),
    address: text("address").notNull(),
    uses: integer("uses").notNull(),
    firstAt: moment("first_at").notNull(),
  },
  (use) => [primaryKey({ columns: [use.hash, use.address] }), index("init_data_uses_age").on(use.firstAt)],
);

/** What people may do in the owner's panel, each including what stands before it. */
export const OPERATOR_ROLES = ["viewer", "support", "owner"] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** Who may open the owner's panel beside those whom the settings name. */
export const operators = table("operators", {
  userId: id("user_id")
    .primaryKey()
    .references(() => users.id),
  role: oneOf("role", OPERATOR_ROLES).notNull(),
  createdAt: moment("created_at").notNull(),
});

/** Links that sign an operator in at a desk, once. Hashes only. */
export const operatorLinks = table(
  "operator_links",
  {
    hash: text("hash").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    expiresAt: moment("expires_at").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (link) => [index("operator_links_user").on(link.userId), index("operator_links_expiry").on(link.expiresAt)],
);
