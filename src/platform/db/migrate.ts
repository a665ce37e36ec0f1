import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { type Clock, HOUR_MS } from "../clock.ts";
import { OperatorError } from "../errors.ts";
import type { Database } from "./database.ts";
import { type Dialect, dialect } from "./dialect.ts";
import { withPatience } from "./patience.ts";

/** One numbered step of the schema, as drizzle-kit wrote it; it is carried inside the program as text. */
export interface Migration {
  name: string;
  statements: string;
}

export interface MigrationState {
  name: string;
  appliedAt: Date | null;
}

export interface MigrateNeeds {
  database: Database;
  clock: Clock;
  migrations: readonly Migration[];
}

/** More than any statement of a step takes, other programs' turns included. */
const STEP_MS_MAX = 6 * HOUR_MS;
/** drizzle-kit puts this between the statements of one file. */
const STATEMENT_BREAK = "--> statement-breakpoint";
/** Any constant of our own: two programs that start at once on Postgres take turns. */
const ADVISORY_LOCK = 7_263_948_120;

/** The steps for the database in use. */
export function migrationsOf(both: Readonly<Record<Dialect, readonly Migration[]>>): readonly Migration[] {
  return both[dialect];
}

/** Every migration that this program knows, with the moment at which the database took it. */
export async function migrationStates(needs: MigrateNeeds): Promise<MigrationState[]> {
  const applied = await appliedMigrations(needs);
  return needs.migrations.map(({ name }) => ({ name, appliedAt: applied.get(name) ?? null }));
}

/**
 * Brings the database to this program's schema, each migration in a transaction of its own; returns the names of those
 * applied now. A database that knows a migration which this program does not was used by a newer one: refused, because
 * an old program would write rows that the new one misreads. `beforeChange` runs once, before the first change.
 */
export async function migrate(needs: MigrateNeeds, beforeChange: () => Promise<void> = async () => {}) {
  const pendingBefore = (await migrationStates(needs)).filter((state) => state.appliedAt === null);
  if (pendingBefore.length === 0) return [];
  await beforeChange();
  await inItsOwnTime(needs.database, (queries) => runInside(queries, CREATE_MARKS));
  return withoutForeignKeys(needs.database, async () => {
    const appliedNow: string[] = [];
    for (const migration of needs.migrations) {
      if (await applyOne(needs, migration)) appliedNow.push(migration.name);
    }
    return appliedNow;
  });
}

/**
 * A program that is killed in the middle of a step leaves its session at work, and with it the locks for which everybody
 * waits; this way the server looks whether anybody is still there. Not every system can, which is no fault.
 */
const NOTICE_DEATH = `do $$ begin
  perform set_config('client_connection_check_interval', '1s', true);
exception when others then null; end $$`;

const CREATE_MARKS =
  "create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at text not null)";

/**
 * SQLite changes many things about a table only by building it anew, and dropping the old one counts as deleting its
 * rows. Foreign keys are therefore checked after each step rather than during it. The switch has no effect inside a
 * transaction.
 */
async function withoutForeignKeys<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (dialect === "postgres") return work();
  await database.raw("pragma foreign_keys = off");
  try {
    return await work();
  } finally {
    await database.raw("pragma foreign_keys = on");
  }
}

async function applyOne(needs: MigrateNeeds, migration: Migration): Promise<boolean> {
  const { database, clock } = needs;
  return inItsOwnTime(database, async (queries) => {
    const inserted = await insertMark(queries, migration, clock.now());
    if (!inserted) return false;
    for (const statement of migration.statements.split(STATEMENT_BREAK)) {
      if (statement.trim() !== "") await runInside(queries, statement);
    }
    if (dialect === "sqlite") await refuseDanglingRows(queries, migration);
    return true;
  });
}

/**
 * A transaction that, on Postgres, one program at a time runs, with all the time that it takes; the lock is the
 * transaction's, so that a pooler may stand between. SQLite's write lock does the same by itself.
 */
function inItsOwnTime<T>(database: Database, work: (queries: unknown) => Promise<T>): Promise<T> {
  return withPatience(STEP_MS_MAX, () =>
    database.transaction(async (queries) => {
      if (dialect === "postgres") {
        // Processes of the version before go on working meanwhile, and are waited for.
        await runInside(queries, "set local lock_timeout = 0");
        await runInside(queries, NOTICE_DEATH);
        await runInside(queries, `select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
      }
      return work(queries);
    }),
  );
}

async function refuseDanglingRows(queries: unknown, migration: Migration): Promise<void> {
  const handle = queries as { all(statement: unknown): Promise<unknown[]> };
  const dangling = await handle.all(sql.raw("pragma foreign_key_check"));
  if (dangling.length > 0) {
    throw new Error(`the migration "${migration.name}" would leave ${dangling.length} rows that refer to nothing`);
  }
}

/** The transaction's handle of either dialect can run a plain statement, under two names. */
async function runInside(queries: unknown, statement: string): Promise<unknown> {
  const handle = queries as { execute?: (s: unknown) => Promise<unknown>; run?: (s: unknown) => Promise<unknown> };
  const plain = sql.raw(statement);
  return handle.execute ? handle.execute(plain) : handle.run?.(plain);
}

async function insertMark(queries: unknown, migration: Migration, now: Date): Promise<boolean> {
  const handle = queries as { execute?: (s: unknown) => Promise<unknown[]>; all?: (s: unknown) => Promise<unknown[]> };
  const statement = sql`insert into schema_migrations (name, checksum, applied_at)
    values (${migration.name}, ${checksum(migration)}, ${now.toISOString()})
    on conflict (name) do nothing returning name`;
  const rows = handle.execute ? await handle.execute(statement) : await handle.all?.(statement);
  return (rows?.length ?? 0) > 0;
}

async function appliedMigrations(needs: MigrateNeeds): Promise<Map<string, Date>> {
  const exists =
    dialect === "postgres"
      ? await needs.database.raw("select 1 as found where to_regclass('schema_migrations') is not null")
      : await needs.database.raw("select 1 as found from sqlite_master where name = 'schema_migrations'");
  if (exists.length === 0) return new Map();
  const rows = await needs.database.raw("select name, checksum, applied_at from schema_migrations order by name");
  const known = new Map(needs.migrations.map((migration) => [migration.name, checksum(migration)]));
  const applied = new Map<string, Date>();
  for (const row of rows) {
    const name = String(row.name);
    if (!known.has(name)) {
      throw new OperatorError(
        `The database was used by a newer version of atelier (it has the migration "${name}", which this one does not know). ` +
          "Start the newer version, or restore a backup that was made with this one.",
      );
    }
    if (known.get(name) !== row.checksum) {
      throw new OperatorError(
        `The migration "${name}" reads differently now than when this database took it, so its schema is not the one that ` +
          "this program expects. Use the version that made the database, or restore a backup that was made with this one.",
      );
    }
    applied.set(name, new Date(String(row.applied_at)));
  }
  return applied;
}

function checksum(migration: Migration): string {
  return createHash("sha256").update(migration.statements).digest("hex");
}
