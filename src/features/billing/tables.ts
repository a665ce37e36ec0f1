import { sql } from "drizzle-orm";
import {
  check,
  flag,
  id,
  index,
  integer,
  moment,
  oneOf,
  primaryKey,
  table,
  text,
  uniqueIndex,
} from "../../platform/db/columns.ts";
import { users } from "../profile/tables.ts";

/** Where credits come from, in the order in which they pay (free actions, which are no credits, come before all). */
export const GRANT_KINDS = ["plan", "pack", "referral", "gift"] as const;
export type GrantKind = (typeof GRANT_KINDS)[number];

/** Credits that a person got, and what is left of them. */
export const creditGrants = table(
  "credit_grants",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    kind: oneOf("kind", GRANT_KINDS).notNull(),
    /** What caused the grant, such as `payment:<id>`; the same cause never grants twice. */
    source: text("source").notNull(),
    credits: integer("credits").notNull(),
    creditsLeft: integer("credits_left").notNull(),
    expiresAt: moment("expires_at"),
    createdAt: moment("created_at").notNull(),
  },
  (grant) => [
    uniqueIndex("credit_grants_source").on(grant.source),
    index("credit_grants_user").on(grant.userId, grant.id),
    index("credit_grants_spendable").on(grant.userId, grant.expiresAt).where(sql`credits_left > 0`),
    index("credit_grants_expiry").on(grant.expiresAt).where(sql`credits_left > 0 and expires_at is not null`),
    check("credit_grants_bounds", sql`credits > 0 and credits_left >= 0 and credits_left <= credits`),
  ],
);

export const HOLD_STATES = ["held", "settled", "released"] as const;

/** What an operation set aside: credits, or one free action. It ends once, as settled or as released. */
export const creditHolds = table(
  "credit_holds",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    /** What it pays for, such as `generation:<id>`; an operation holds once. */
    operation: text("operation").notNull(),
    action: text("action").notNull(),
    state: oneOf("state", HOLD_STATES).notNull(),
    credits: integer("credits").notNull(),
    /** The Moscow month whose free action pays, or null when credits do. */
    freeMonth: text("free_month"),
    /** False when a released free action was not given back because of the daily limit. */
    freeReturned: flag("free_returned").notNull(),
    createdAt: moment("created_at").notNull(),
    endedAt: moment("ended_at"),
  },
  (hold) => [
    uniqueIndex("credit_holds_operation").on(hold.operation),
    index("credit_holds_user").on(hold.userId, hold.id),
    index("credit_holds_open").on(hold.userId, hold.id).where(sql`state = 'held'`),
    index("credit_holds_free").on(hold.userId, hold.freeMonth).where(sql`free_month is not null`),
    check(
      "credit_holds_payment",
      sql`(free_month is null and credits > 0) or (free_month is not null and credits = 0)`,
    ),
    check("credit_holds_end", sql`(state = 'held') = (ended_at is null)`),
  ],
);

/** From which grants the credits of a hold were taken. */
export const creditHoldParts = table(
  "credit_hold_parts",
  {
    holdId: id("hold_id")
      .notNull()
      .references(() => creditHolds.id),
    grantId: id("grant_id")
      .notNull()
      .references(() => creditGrants.id),
    credits: integer("credits").notNull(),
  },
  (part) => [
    primaryKey({ columns: [part.holdId, part.grantId] }),
    index("credit_hold_parts_grant").on(part.grantId),
    check("credit_hold_parts_positive", sql`credits > 0`),
  ],
);

export const ENTRY_KINDS = ["grant", "hold", "settle", "release", "expire", "revoke"] as const;
/** Where credits come from and go to, seen from the person: the other side of the double entry. */
export const COUNTER_ACCOUNTS = ["none", "granted", "spent", "expired", "revoked"] as const;

/**
 * The append-only journal. Each row moves credits between the person's balance, what is held for them, and a counter
 * account; the three always add up to zero, so nothing can appear or vanish.
 */
export const creditEntries = table(
  "credit_entries",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    kind: oneOf("kind", ENTRY_KINDS).notNull(),
    /** What caused it, such as `hold:<id>:release`; the same cause is never booked twice. */
    cause: text("cause").notNull(),
    action: text("action").notNull(),
    balanceDelta: integer("balance_delta").notNull(),
    reservedDelta: integer("reserved_delta").notNull(),
    counterAccount: oneOf("counter_account", COUNTER_ACCOUNTS).notNull(),
    counterDelta: integer("counter_delta").notNull(),
    /** The free action that a row of zero credits stands for: -1 taken, +1 given back. */
    freeActionDelta: integer("free_action_delta").notNull(),
    holdId: id("hold_id").references(() => creditHolds.id),
    grantId: id("grant_id").references(() => creditGrants.id),
    createdAt: moment("created_at").notNull(),
  },
  (entry) => [
    uniqueIndex("credit_entries_cause").on(entry.cause),
    index("credit_entries_user").on(entry.userId, entry.id),
    // What was taken back of a grant; all other entries of grants are asked for by person.
    index("credit_entries_revoked").on(entry.grantId).where(sql`kind = 'revoke'`),
    check("credit_entries_balanced", sql`balance_delta + reserved_delta + counter_delta = 0`),
  ],
);
