import { Database as SqliteFile } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "./errors.ts";

/**
 * Makes sure that one server process holds a data folder. The lock is an exclusive lock on a little SQLite file: the
 * operating system drops it with the process, however that ends, so there is never a stale one to remove by hand.
 * Throws an `OperatorError` that says what to do. Returns how to let go.
 */
export function lockDataFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = new SqliteFile(join(folder, "server.lock"), { create: true });
  try {
    file.run("pragma locking_mode = exclusive");
    file.run("begin exclusive");
  } catch {
    file.close();
    throw new OperatorError(
      `Another atelier server already holds the data folder ${folder}. Stop it first, give this one its own DATA_DIR, ` +
        "or set DATABASE_URL to a Postgres database, with which several servers may run.",
    );
  }
  return () => file.close();
}
