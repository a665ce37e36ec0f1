import { bigInteger, index, integer, json, moment, table, text } from "../db/columns.ts";

/** The moments (ms since 1970) at which a limited thing was last done, shared by all processes. */
export const rateWindows = table("rate_windows", {
  name: text("name").primaryKey(),
  recentMs: json<number[]>("recent_ms").notNull(),
});

/** Strict limits of people, shared by all processes: when each bucket will be full again. Keyed by a secret hash. */
export const rateBuckets = table(
  "rate_buckets",
  {
    hash: text("hash").primaryKey(),
    /** Milliseconds since 1970. */
    fullAtMs: bigInteger("full_at_ms").notNull(),
  },
  (bucket) => [index("rate_buckets_age").on(bucket.fullAtMs)],
);

/** What is known of a provider: the circuit breaker and the money left there. One row a provider. */
export const providerStates = table("provider_states", {
  provider: text("provider").primaryKey(),
  /** Faults in a row; a success makes it 0. */
  failures: integer("failures").notNull(),
  /** While in the future, new work is refused. */
  openUntil: moment("open_until"),
  balanceMillicredits: bigInteger("balance_millicredits"),
  balanceAt: moment("balance_at"),
  /** The reason of which the owner was told, so that they hear it once. */
  toldReason: text("told_reason"),
  updatedAt: moment("updated_at").notNull(),
});
