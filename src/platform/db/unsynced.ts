import { type SQL, sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";

/**
 * Where a statement reckons this, the transaction that it is part of commits without waiting until Postgres has synced it. For
 * what a crash of the server may undo, because whatever builds upon it is synced: the log is written in the order of the
 * commits, so that a later one which is kept keeps this as well. SQLite has no such transactions.
 */
export const unsynced: SQL<string | null> =
  dialect === "postgres" ? sql`set_config('synchronous_commit', 'off', true)` : sql`null`;
