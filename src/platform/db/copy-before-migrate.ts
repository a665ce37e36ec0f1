import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Database } from "./database.ts";
import { dialect } from "./dialect.ts";
import { SQLITE_FILE_NAME } from "./open.ts";

/**
 * Copies the SQLite file beside itself before its schema changes; returns the copy's path, or null where there is nothing
 * to copy (Postgres has its own means, and a new database has nothing to lose).
 */
export async function copyBeforeMigrate(database: Database, clock: Clock, dataFolder: string): Promise<string | null> {
  if (dialect !== "sqlite" || !existsSync(join(dataFolder, SQLITE_FILE_NAME))) return null;
  const tables = await database.raw("select name from sqlite_master where type = 'table'");
  if (tables.length === 0) return null;
  const stamp = clock.now().toISOString().replaceAll(/[-:.]/g, "");
  const path = join(dataFolder, `atelier-before-migration-${stamp}.sqlite`);
  await database.raw(`vacuum into '${path.replaceAll("'", "''")}'`);
  return path;
}
