import type { Database } from "../db/database.ts";
import type { Meters } from "./meters.ts";

/** What drizzle and the drivers call their errors. Everything else that ends a transaction was thrown by its own work. */
const DATABASE_ERRORS = new Set(["DrizzleQueryError", "PostgresError", "SQLiteError"]);

/** The same database, with its transactions counted and timed. Itself, while nobody counts. */
export function watchDatabase(database: Database, meters: Meters | null): Database {
  if (meters === null) return database;
  return {
    ...database,
    async transaction(work) {
      const startedAt = performance.now();
      const seen = (outcome: string): void => meters.transaction(outcome, (performance.now() - startedAt) / 1000);
      try {
        const result = await database.transaction(work);
        seen("committed");
        return result;
      } catch (error) {
        seen(isOfDatabase(error) ? "failed" : "rolled_back");
        throw error;
      }
    },
  };
}

function isOfDatabase(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A connection that was lost has no class of its own, but a code of the driver.
  const isConnection = "code" in error && /^(CONNECT|CONNECTION|ECONN)/.test(String(error.code));
  return isConnection || DATABASE_ERRORS.has(error.name) || DATABASE_ERRORS.has(error.constructor.name);
}
