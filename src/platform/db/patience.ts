import { AsyncLocalStorage } from "node:async_hooks";

const patience = new AsyncLocalStorage<number>();

/**
 * Gives each statement of `work` up to `statementMs` instead of the few seconds of an ordinary one, for what reads or
 * changes a great many rows while nobody waits for an answer. A shorter time than the ordinary one has no effect.
 */
export function withPatience<T>(statementMs: number, work: () => Promise<T>): Promise<T> {
  return patience.run(statementMs, work);
}

/** What a statement begun here may take, in ms, where ordinary ones may take `ordinaryMs`. */
export function patienceNow(ordinaryMs: number): number {
  return Math.max(ordinaryMs, patience.getStore() ?? 0);
}
