import type { Database, Queries } from "./db/database.ts";

/** The part of a context that a transaction replaces. */
export interface Transactional<Self> {
  /** Queries: inside a transaction, that transaction's. */
  readonly db: Queries;
  /**
   * Runs `work` with a context bound to one transaction, so that a debit, its row and its job commit together. Nested
   * calls join the outer one. No network, file or image work inside; `work` may run again after a deadlock.
   */
  transaction<T>(work: (inner: Self) => Promise<T>): Promise<T>;
  /** Runs `effect` once the transaction is committed, or at once outside of one. Never after a rollback. */
  afterCommit(effect: () => void): void;
}

/** Gives `base` its database; `Self` is `base` with the three members above. */
export function withDatabase<Base extends object>(
  base: Base,
  database: Database,
): Base & Transactional<Base & Transactional<never>> {
  const outer = {
    ...base,
    db: database.queries,
    afterCommit: (effect: () => void) => effect(),
    async transaction<T>(work: (inner: unknown) => Promise<T>): Promise<T> {
      const effects: Array<() => void> = [];
      const result = await database.transaction((queries) => {
        effects.length = 0;
        const inner = {
          ...this,
          db: queries,
          afterCommit: (effect: () => void) => void effects.push(effect),
          transaction: (nested: (same: unknown) => Promise<unknown>) => nested(inner),
        };
        return work(inner);
      });
      for (const effect of effects) effect();
      return result;
    },
  };
  return outer as unknown as Base & Transactional<Base & Transactional<never>>;
}
