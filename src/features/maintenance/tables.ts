import { flag, moment, table, text } from "../../platform/db/columns.ts";

/** What the owner has switched off for everybody, over all processes. At most one row a switch; none means: all is on. */
export const maintenanceSwitches = table("maintenance_switches", {
  name: text("name").primaryKey(),
  isOn: flag("is_on").notNull(),
  /** For the owner alone. */
  reason: text("reason").notNull(),
  /** What people are shown, where the owner wrote something of their own. */
  noticeRu: text("notice_ru"),
  noticeEn: text("notice_en"),
  /** `command`, or the id of an operator. */
  changedBy: text("changed_by").notNull(),
  changedAt: moment("changed_at").notNull(),
});
