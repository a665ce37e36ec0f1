import { AsyncLocalStorage } from "node:async_hooks";
import type { SQL } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";

/**
 * The query builder, the same for both dialects (typed as Postgres's). Builder only: no relational queries, no
 * driver-specific methods.
 */
export type Queries = Pick<
  PostgresJsDatabase,
  "select" | "selectDistinct" | "insert" | "update" | "delete" | "$with" | "with" | "$count"
>;

/** An open database of either dialect. */
export interface Database {
  /** Queries outside a transaction. Using it inside one is a bug and throws. */
  readonly queries: Queries;
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. No network, file or image
   * work inside. A deadlock on Postgres runs `work` again, so it must have no effect outside the database.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** Rows of a plain statement as objects, for migrations, `doctor` and independent proofs. Not for features. */
  raw(statement: SQL | string): Promise<Record<string, unknown>[]>;
  /** Wakes other processes: Postgres NOTIFY; nothing on SQLite, where one process serves. */
  notify(channel: string, payload: string): Promise<void>;
  /** Hears `notify` of other processes; `onReconnect` says that some may have been missed. */
  listen(channel: string, onMessage: (payload: string) => void, onReconnect: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Marks the asynchronous call chain of a transaction, so that a stray use of the outer handle is an error. */
export const transactionMark = new AsyncLocalStorage<true>();

/** Throws when called inside a transaction: such a statement would run beside it, or wait for it for ever. */
export function refuseInsideTransaction(): void {
  if (transactionMark.getStore()) {
    throw new Error("the database handle was used inside a transaction; use the transaction's own context");
  }
}
