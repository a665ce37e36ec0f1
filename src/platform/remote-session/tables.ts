import { moment, table, text } from "../db/columns.ts";

/** Logins at somebody else's service that outlive the process: one for each account, shared by all processes. */
export const remoteSessions = table("remote_sessions", {
  account: text("account").primaryKey(),
  /** What this installation calls itself there; made once. */
  deviceId: text("device_id").notNull(),
  /** The tokens, sealed with the account's own password. */
  sealed: text("sealed"),
  updatedAt: moment("updated_at").notNull(),
});
