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
  /**
   * Rows of a plain statement as objects, for migrations, `doctor` and independent proofs. Not for features, and not
   * inside a transaction.
   */
  raw(statement: SQL | string): Promise<Record<string, unknown>[]>;
  /** Wakes other processes: Postgres NOTIFY; nothing on SQLite, where one process serves. */
  notify(channel: string, payload: string): Promise<void>;
  /** Hears `notify` of other processes; `onReconnect` says that some may have been missed. */
  listen(channel: string, onMessage: (payload: string) => void, onReconnect: () => void): Promise<void>;
  close(): Promise<void>;
}

/** One run of a transaction, seen from the code that it called. */
export interface TransactionRun {
  /** True once it was committed or rolled back; its handle must not be used any more. */
  ended: boolean;
}

/** Marks the asynchronous call chain of a transaction, so that a stray use of the outer handle is an error. */
export const transactionMark = new AsyncLocalStorage<TransactionRun>();

/** Throws when called inside a transaction: such a statement would run beside it, or wait for it for ever. */
export function refuseInsideTransaction(): void {
  if (transactionMark.getStore()?.ended === false) {
    throw new Error("the database handle was used inside a transaction; use the transaction's own context");
  }
}

/**
 * Throws when a transaction's handle is used after its end, say by a statement that nobody awaited: it would slip into
 * whatever runs on that connection now.
 */
export function refuseAfterTransaction(run: TransactionRun | undefined): void {
  if (run?.ended !== false) throw new Error("a transaction's handle was used after the transaction had ended");
}

/** Runs `work` as the inside of one transaction. */
export async function insideTransaction<T>(work: (run: TransactionRun) => Promise<T>): Promise<T> {
  const run: TransactionRun = { ended: false };
  try {
    // Awaited within the mark: a query that `work` merely returns starts when somebody waits for it.
    return await transactionMark.run(run, async () => await work(run));
  } finally {
    run.ended = true;
  }
}
