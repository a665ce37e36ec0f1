import { join } from "node:path";
import type { BulkSession } from "./bulk.ts";
import { dialect } from "./dialect.ts";
import { type DatabaseOptions, SQLITE_FILE_NAME } from "./open.ts";

/** Opens a session for whole tables on the database in use, which has to be there: to read a snapshot, or to fill it. */
export async function openBulk(options: DatabaseOptions, mode: "read" | "write"): Promise<BulkSession> {
  if (dialect === "postgres") {
    const { openPostgresBulk } = await import("./bulk.postgres.ts");
    return openPostgresBulk(options, mode);
  }
  const { openSqliteBulk } = await import("./bulk.sqlite.ts");
  return openSqliteBulk(join(options.dataFolder, SQLITE_FILE_NAME), mode);
}
