import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../telemetry/log.ts";
import type { Database } from "./database.ts";
import { dialect } from "./dialect.ts";

export interface DatabaseOptions {
  /** Empty: SQLite in `dataFolder`. */
  url: string;
  dataFolder: string;
  poolMax: number;
  prepare: boolean;
  statementTimeoutMs: number;
  /** The server itself, where `url` is a pooler; listening goes there. */
  directUrl?: string;
  /** Whether `url` is a pooler that may give each transaction another session. */
  pooler?: "off" | "transaction";
  /** PEM file of the authority that signed the server's certificate. */
  caFile?: string;
  log?: Log;
}

/** The name of the SQLite file in the data folder. */
export const SQLITE_FILE_NAME = "atelier.sqlite";

/** Whether the database is a file in the data folder, which one server process holds, rather than a server of its own. */
export const databaseIsFile: boolean = dialect === "sqlite";

/** Opens the database that the settings name. The driver that is not used is not loaded. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (dialect === "postgres") {
    const { openPostgres } = await import("./open.postgres.ts");
    return openPostgres(options);
  }
  const { openSqlite } = await import("./open.sqlite.ts");
  mkdirSync(options.dataFolder, { recursive: true, mode: 0o700 });
  return openSqlite(join(options.dataFolder, SQLITE_FILE_NAME));
}
