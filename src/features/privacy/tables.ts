import { id, index, json, moment, oneOf, table } from "../../platform/db/columns.ts";

/** What an erasure did, by table; the answer to whoever asked for it. */
export interface ErasureCounts {
  /** Rows that are gone, by table. */
  deleted: Record<string, number>;
  /** Rows that stay without anything personal in them, by table. */
  anonymised: Record<string, number>;
  /** Stored pictures: unreadable at once, deleted by the job that follows. */
  files: number;
  credits_forfeited: number;
  subscription_ended: boolean;
}

/**
 * Receipts of erasures. Nothing in them leads to the person: neither to their Telegram id nor to the row that payments
 * refer to.
 */
export const erasures = table(
  "erasures",
  {
    id: id("id").primaryKey(),
    askedBy: oneOf("asked_by", ["person", "operator"]).notNull(),
    counts: json<ErasureCounts>("counts").notNull(),
    erasedAt: moment("erased_at").notNull(),
    /** When the last stored byte was gone; null while the storage still refuses, or requests that were under way may end. */
    completedAt: moment("completed_at"),
  },
  (erasure) => [index("erasures_age").on(erasure.erasedAt)],
);
