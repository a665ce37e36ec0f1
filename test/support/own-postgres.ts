import { readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type DatabaseOptions, openDatabase } from "../../src/platform/db/open.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { type PostgresServer, startPostgresServer } from "./postgres-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A server of the test's own, which it may stop, freeze and cut off; programs reach it through a wire. */
export interface OwnPostgres {
  server: PostgresServer;
  wire: TcpProxy;
  /** An empty database, by its address through the wire. */
  database(): Promise<TestDatabase>;
  /** The same database's address without the wire. */
  directly(database: TestDatabase): string;
  /** Opens a database as the program does, with limits for tests that wait for them. */
  open(database: TestDatabase, options?: Partial<DatabaseOptions>): ReturnType<typeof openDatabase>;
  /** Runs statements of a superuser beside everything else. */
  admin<T>(database: TestDatabase | null, work: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** Stops all of the server's processes where they stand, as a machine that swaps itself to death does. */
  freeze(): Promise<() => void>;
  close(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const server = await startPostgresServer({ own: true });
  const wire = await startTcpProxy(Number(new URL(server.url).port));
  const withName = (name: string, port?: number) => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    if (port !== undefined) url.port = String(port);
    return url.toString();
  };
  const admin: OwnPostgres["admin"] = async (database, work) => {
    const sql = postgres(database ? own.directly(database) : server.url, { max: 1, onnotice: () => {} });
    try {
      return await work(sql);
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
  const own: OwnPostgres = {
    server,
    wire,
    admin,
    async database() {
      const name = `own_${crypto.randomUUID().replaceAll("-", "")}`;
      await admin(null, (sql) => sql.unsafe(`create database ${name}`));
      // The throw-away servers answer before a commit is written; here one is crashed, and must keep what it answered.
      await admin(null, (sql) => sql.unsafe(`alter database ${name} set synchronous_commit = on`));
      // Only for its folder: pictures lie there.
      const { dataFolder, remove } = await createTestDatabase({ empty: true });
      return { url: withName(name, wire.port), dataFolder, remove };
    },
    directly: (database) => withName(new URL(database.url).pathname.slice(1)),
    open: (database, options = {}) =>
      openDatabase({ ...database, poolMax: 5, prepare: true, statementTimeoutMs: 4_000, ...options }),
    async freeze() {
      const first = Number(readFileSync(join(server.dataFolder ?? "", "postmaster.pid"), "utf8").split("\n")[0]);
      const all = [first, ...childrenOf(first)];
      for (const pid of all) process.kill(pid, "SIGSTOP");
      return () => {
        for (const pid of all) process.kill(pid, "SIGCONT");
      };
    },
    async close() {
      await wire.close();
      await server.stop();
    },
  };
  return own;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
}
