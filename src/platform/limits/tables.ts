import { json, table, text } from "../db/columns.ts";

/** The moments (ms since 1970) at which a limited thing was last done, shared by all processes. */
export const rateWindows = table("rate_windows", {
  name: text("name").primaryKey(),
  recentMs: json<number[]>("recent_ms").notNull(),
});
