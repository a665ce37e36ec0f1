import { id, index, json, moment, oneOf, table, text } from "../../platform/db/columns.ts";

/** What the owner must hear of; shown by `doctor` and, later, sent by the bot. */
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
