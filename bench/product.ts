import postgres from "postgres";
import { type OpenContext, openContext, ownMigrations } from "../src/context.ts";
import { systemClock } from "../src/platform/clock.ts";
import { loadSettings } from "../src/platform/config/load.ts";
import { migrate } from "../src/platform/db/migrate.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";

/** A Postgres that syncs what it acknowledges, for one measurement. */
export interface BenchServer {
  /** A new, empty database. */
  database(): Promise<string>;
  stop(): Promise<void>;
}

export async function startBenchServer(): Promise<BenchServer> {
  const server = await startPostgresServer({ own: true, durable: true });
  let made = 0;
  return {
    async database() {
      const sql = postgres(server.url, { max: 1, onnotice: () => {} });
      made += 1;
      const name = `bench_${made}`;
      await sql.unsafe(`create database ${name}`);
      await sql.end();
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.toString();
    },
    stop: server.stop,
  };
}

/** The product itself in this process, wired as it serves, on a migrated database: Postgres at `url`, or a file. */
export async function openProduct(url: string, more: Record<string, string> = {}): Promise<OpenContext> {
  const given = { DATABASE_URL: url, DATA_DIR: makeTemporaryFolder("atelier-bench-"), LOG_LEVEL: "error", ...more };
  const environment = new Map(
    Object.entries(given)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, { value, source: "environment" as const }]),
  );
  const { settings } = loadSettings(environment, { serving: false });
  const open = await openContext(settings);
  await migrate({ database: open.database, clock: systemClock, migrations: ownMigrations });
  return open;
}
