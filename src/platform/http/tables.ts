import { id, index, integer, json, moment, oneOf, primaryKey, table, text } from "../db/columns.ts";

/** Requests that must not be carried out twice, with their first answer. Kept for 24 hours. */
export const idempotencyKeys = table(
  "idempotency_keys",
  {
    userId: id("user_id").notNull(),
    key: text("key").notNull(),
    requestHash: text("request_hash").notNull(),
    state: oneOf("state", ["running", "done"]).notNull(),
    /** Distinguishes two runs under one key after a crash. */
    run: id("run").notNull(),
    status: integer("status"),
    answer: json<unknown>("answer"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (row) => [primaryKey({ columns: [row.userId, row.key] }), index("idempotency_keys_age").on(row.createdAt)],
);
