import { id, integer, moment, oneOf, primaryKey, table, text } from "../../../platform/db/columns.ts";
import { taxEntries } from "../payments/payment-tables.ts";

/** Why the connector has put an entry aside for a person. */
export const ASIDE_REASONS = [
  "refused",
  "found_several",
  "found_annulled",
  "receipt_unreadable",
  "receipt_not_found",
  "annulment_refused",
] as const;
export type AsideReason = (typeof ASIDE_REASONS)[number];

/** What the connector has done about an entry of the tax journal; no row for one that it has not touched. */
export const taxFilings = table("tax_filings", {
  entryId: id("entry_id")
    .primaryKey()
    .references(() => taxEntries.id),
  /** How often the sale was sent. */
  attempts: integer("attempts").notNull(),
  /** How often it was looked for in vain since it was sent last. */
  looks: integer("looks").notNull(),
  /** Written before the sale is sent; where the entry is still `unknown` after a crash, it may have been. */
  sentAt: moment("sent_at"),
  /** Written before the annulment is asked for. */
  annulAskedAt: moment("annul_asked_at"),
  /** Nothing is done about the entry before. */
  nextAt: moment("next_at").notNull(),
  /** Set where only a person can go on; `atelier tax mark` or `tax resume` does. */
  aside: oneOf("aside", ASIDE_REASONS),
  lastError: text("last_error"),
  updatedAt: moment("updated_at").notNull(),
});

/** The one place at which the connector works, and how it stands with the service. */
export const taxDesks = table("tax_desks", {
  service: text("service").primaryKey(),
  /** Who works there now; others stay away until `held_until`. */
  holder: id("holder"),
  heldUntil: moment("held_until"),
  /** Nothing is asked before; set after a full rate limit and after outages. */
  pausedUntil: moment("paused_until"),
  /** Calls in a row that failed. */
  failures: integer("failures").notNull(),
  /** Sales in a row that were refused. */
  refusals: integer("refusals").notNull(),
  /** Why nothing is asked any more until a person has acted. */
  stopped: text("stopped"),
  /** The login that it was stopped for: with another one, work goes on. */
  stoppedFor: text("stopped_for"),
  updatedAt: moment("updated_at").notNull(),
});

/** The marks of the owner's meters that were passed, so that each is told once. One row for each meter and period. */
export const taxMeters = table(
  "tax_meters",
  {
    meter: text("meter").notNull(),
    /** A year such as `2026`, or a month such as `2026-11`. */
    period: text("period").notNull(),
    warnedPercent: integer("warned_percent").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (meter) => [primaryKey({ columns: [meter.meter, meter.period] })],
);
