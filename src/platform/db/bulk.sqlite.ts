import { Database as SqliteFile } from "bun:sqlite";
import { OperatorError } from "../errors.ts";
import { type BulkSession, canonicalJson, quoted, ROWS_AT_A_TIME, type StoredRow, type StoredValue } from "./bulk.ts";
import type { ColumnShape, TableShape } from "./table-shapes.ts";

/** How long the beginning may wait for somebody else's write lock. */
const BUSY_WAIT_MS_MAX = 15_000;

type RawValue = string | bigint | number | Uint8Array | null;

/**
 * A session on a SQLite file through a handle of its own. A reading one is a deferred transaction of a read-only handle: in
 * WAL mode it neither waits for a writer nor makes one wait, but the write-ahead log cannot shrink while it lasts.
 */
export function openSqliteBulk(path: string, mode: "read" | "write"): BulkSession {
  const file = new SqliteFile(path, {
    ...(mode === "read" ? { readonly: true } : { readwrite: true }),
    safeIntegers: true,
  });
  try {
    file.run(`pragma busy_timeout = ${BUSY_WAIT_MS_MAX}`);
    if (mode === "write") {
      file.run("pragma synchronous = full");
      // Checked for all rows at once before the commit.
      file.run("pragma foreign_keys = off");
    }
    file.run(mode === "read" ? "begin deferred" : "begin immediate");
    // The first read is what fixes the state that a deferred transaction sees.
    file.query("select count(*) from sqlite_master").get();
  } catch (error) {
    file.close();
    throw error;
  }
  const inserts = new Map<string, ReturnType<SqliteFile["prepare"]>>();
  let isClosed = false;

  return {
    async *rows(table) {
      const columns = table.columns.map(({ name }) => quoted(name)).join(", ");
      const order = table.key.map(quoted).join(", ");
      const statement = file.prepare(`select ${columns} from ${quoted(table.name)} order by ${order}`);
      try {
        let batch: StoredRow[] = [];
        for (const raw of statement.iterate() as Iterable<Record<string, RawValue>>) {
          batch.push(table.columns.map((column) => storedValue(table, column, raw)));
          if (batch.length < ROWS_AT_A_TIME) continue;
          yield batch;
          batch = [];
          // Reading is synchronous here: others in this process get their turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (batch.length > 0) yield batch;
      } finally {
        statement.finalize();
      }
    },
    async insert(table, rows) {
      let statement = inserts.get(table.name);
      if (statement === undefined) {
        const columns = table.columns.map(({ name }) => quoted(name)).join(", ");
        const places = table.columns.map(() => "?").join(", ");
        statement = file.prepare(`insert into ${quoted(table.name)} (${columns}) values (${places})`);
        inserts.set(table.name, statement);
      }
      for (const row of rows)
        statement.run(...row.map((value) => (typeof value === "boolean" ? Number(value) : value)));
      await new Promise((resolve) => setImmediate(resolve));
    },
    async columns(table) {
      return (file.query("select name from pragma_table_info(?)").values(table) as string[][]).flat();
    },
    async query(statement) {
      const prepared = file.prepare(statement);
      try {
        return prepared.all() as Record<string, unknown>[];
      } finally {
        prepared.finalize();
      }
    },
    async commit() {
      if (mode === "write") {
        const [dangling] = file.query("pragma foreign_key_check").all() as { table: string; parent: string }[];
        if (dangling)
          throw new OperatorError(
            `A row of ${dangling.table} refers to a row of ${dangling.parent} that is not there.`,
          );
      }
      file.run("commit");
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const statement of inserts.values()) statement.finalize();
      if (file.inTransaction) file.run("rollback");
      file.close();
    },
  };
}

/** SQLite keeps whatever it is given: a value of another kind than its column's is found here. */
function storedValue(table: TableShape, column: ColumnShape, raw: Record<string, RawValue>): StoredValue {
  const value = raw[column.name] ?? null;
  if (value === null) return null;
  switch (column.kind) {
    case "text":
      if (typeof value === "string") return value;
      break;
    case "integer":
    case "moment":
      if (typeof value === "bigint") return value;
      break;
    case "flag":
      if (value === 0n || value === 1n) return value === 1n;
      break;
    case "json":
      if (typeof value === "string" && isJson(value)) return canonicalJson(JSON.parse(value));
      break;
  }
  const key = table.key.map((name) => String(raw[name])).join(", ");
  throw new OperatorError(`${table.name}.${column.name} of the row ${key} does not hold a ${column.kind}.`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
