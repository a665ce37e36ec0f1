import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { TestApp } from "./app.ts";
import { lane } from "./database.ts";

/** A row in which something of a person was found. */
export interface Trace {
  table: string;
  /** The row as text, with the column names of the database. */
  row: string;
  /** What was found in it. */
  markers: string[];
}

/** Every table of the database, asked of the database itself. */
async function tablesOf(app: TestApp): Promise<string[]> {
  const rows = await app.open.database.raw(
    lane === "sqlite"
      ? "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
      : "select table_name as name from information_schema.tables where table_schema = 'public' order by table_name",
  );
  return rows.map((row) => String(row.name));
}

/** Every row of every table in which one of the markers stands, whatever its column. */
export async function tracesInTables(app: TestApp, markers: readonly string[]): Promise<Trace[]> {
  const traces: Trace[] = [];
  for (const table of await tablesOf(app)) {
    for (const row of await app.open.database.raw(`select * from "${table}"`)) {
      const text = JSON.stringify(row);
      const found = markers.filter((marker) => text.includes(marker));
      if (found.length > 0) traces.push({ table, row: text, markers: found });
    }
  }
  return traces;
}

/** All files below the data folder's storage, hidden ones too: path and hash. */
export function storedFiles(app: TestApp): Map<string, string> {
  const folder = join(app.database.dataFolder, "files");
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), hashOf(readFileSync(path))];
    }),
  );
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
