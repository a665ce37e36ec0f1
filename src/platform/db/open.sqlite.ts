import { constants, SQLiteError, Database as SqliteFile } from "bun:sqlite";
import { type SQL, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import {
  type Database,
  insideTransaction,
  type Queries,
  refuseAfterTransaction,
  refuseInsideTransaction,
  transactionMark,
} from "./database.ts";
import { createGroupCommit } from "./group-commit.sqlite.ts";
import { runStatementsOf } from "./hot-statement.ts";

/** How long a writer waits for an operator's command that holds the write lock. */
const BUSY_WAIT_MS_MAX = 15_000;
const BUSY_PAUSE_MS = 5;
/** Compiled statements that a handle keeps; bun:sqlite's own 20 are fewer than the product's hot ones. */
const STATEMENTS_KEPT_MAX = 200;
/** The write-ahead log is folded back when it has grown to this many pages of 4 KiB (about 16 MiB). */
const CHECKPOINT_PAGES = 4_000;

/**
 * Opens a SQLite file (WAL, `synchronous=FULL`: an acknowledged commit survives a power cut).
 *
 * bun:sqlite is synchronous, and drizzle's own transaction would commit at the first `await`. So every write has its turn on
 * one handle, and those who wait at the same time share a commit (`group-commit.sqlite.ts`); a transaction hands out queries
 * that run within its turn. Plain reads go through a second, read-only handle: in WAL mode they see the last commit and never
 * wait for a writer.
 */
export async function openSqlite(path: string): Promise<Database> {
  SqliteFile.MAX_QUERY_CACHE_SIZE = STATEMENTS_KEPT_MAX;
  // Another process that opens the same file at this moment may hold it for the switch to WAL.
  const writer = await patiently(() => openHandle(path, false));
  const reader = path === ":memory:" ? writer : await patiently(() => openHandle(path, true));
  const group = createGroupCommit({
    begin: () => patiently(() => void writer.run("begin immediate")),
    run: (statement) => void writer.run(statement),
    isInTransaction: () => writer.inTransaction,
  });

  const runOutside: Run = async (statement, parameters, method) => {
    refuseInsideTransaction();
    if (reader !== writer && /^\s*select\b/i.test(statement)) {
      return patiently(() => runOn(reader, statement, parameters, method));
    }
    return group.write(async () => runOn(writer, statement, parameters, method));
  };
  const runInside: Run = async (statement, parameters, method) => {
    refuseAfterTransaction(transactionMark.getStore());
    return runOn(writer, statement, parameters, method);
  };
  const outside = queriesOf(runOutside);
  const inside = queriesOf(runInside);

  return {
    queries: outside,
    async transaction(work) {
      refuseInsideTransaction();
      return group.write(() => insideTransaction(() => work(inside)));
    },
    async raw(statement) {
      refuseInsideTransaction();
      return group.alone(() => patiently(() => rawOn(writer, statement)));
    },
    notify: async () => {},
    listen: async () => {},
    async close() {
      await group.alone(async () => {
        if (reader !== writer) reader.close();
        writer.close();
      });
    },
  };
}

function openHandle(path: string, readonly: boolean): SqliteFile {
  const file = readonly ? new SqliteFile(path, { readonly: true }) : new SqliteFile(path, { create: true });
  try {
    // Short, because SQLite's own waiting blocks the whole program; `patiently` waits without blocking.
    file.run("pragma busy_timeout = 20");
    if (!readonly) prepareForWriting(file);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function prepareForWriting(file: SqliteFile): void {
  file.run("pragma journal_mode = wal");
  file.run("pragma synchronous = full");
  file.run("pragma foreign_keys = on");
  file.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  file.run(`pragma journal_size_limit = ${64 * 1024 * 1024}`);
  // Without this the -wal and -shm files of a closed database would stay behind on some systems.
  file.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 0);
}

type ProxyMethod = "run" | "all" | "values" | "get";
type Run = (statement: string, parameters: unknown[], method: ProxyMethod) => Promise<{ rows: unknown[] }>;

function queriesOf(run: Run): Queries {
  const queries = drizzle(run as Parameters<typeof drizzle>[0]) as unknown as Queries;
  runStatementsOf(queries, async (statement, values) => {
    return (await run(statement, values as unknown[], "values")).rows as unknown[][];
  });
  return queries;
}

function runOn(file: SqliteFile, statement: string, parameters: unknown[], method: ProxyMethod) {
  const prepared = file.query(statement);
  const bound = parameters as Parameters<typeof prepared.values>;
  if (method === "run") {
    prepared.run(...bound);
    return { rows: [] };
  }
  const rows = prepared.values(...bound) as unknown[][];
  return { rows: method === "get" ? (rows[0] as unknown[]) : rows };
}

function rawOn(file: SqliteFile, statement: SQL | string): Record<string, unknown>[] {
  const text = typeof statement === "string" ? sql.raw(statement) : statement;
  const built = text.toQuery({
    escapeName: (name) => `"${name}"`,
    escapeParam: () => "?",
    escapeString: (value) => `'${value.replaceAll("'", "''")}'`,
    casing: { getColumnCasing: (column: { name: string }) => column.name } as never,
  });
  const prepared = file.prepare(built.sql);
  try {
    return prepared.all(...(built.params as Parameters<typeof prepared.all>)) as Record<string, unknown>[];
  } finally {
    prepared.finalize();
  }
}

/** Repeats a statement that met another process's write lock, without blocking the event loop. */
async function patiently<T>(statement: () => T): Promise<T> {
  let deadline: number | undefined;
  for (;;) {
    try {
      return statement();
    } catch (error) {
      const busy = error instanceof SQLiteError && (error.code ?? "").startsWith("SQLITE_BUSY");
      deadline ??= performance.now() + BUSY_WAIT_MS_MAX;
      if (!busy || performance.now() > deadline) throw error;
      await Bun.sleep(BUSY_PAUSE_MS + Math.random() * BUSY_PAUSE_MS);
    }
  }
}
