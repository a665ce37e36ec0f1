import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { OperatorError } from "../errors.ts";
import type { Database } from "./database.ts";
import { dialect } from "./dialect.ts";

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

/** drizzle-kit puts this between the statements of one file. */
const STATEMENT_BREAK = "--> statement-breakpoint";
/** Any constant of our own: two programs that start at once on Postgres take turns. */
const ADVISORY_LOCK = 7_263_948_120;

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
  await needs.database.raw(
    "create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at text not null)",
  );
  const appliedNow: string[] = [];
  for (const migration of needs.migrations) {
    if (await applyOne(needs, migration)) appliedNow.push(migration.name);
  }
  return appliedNow;
}

async function applyOne(needs: MigrateNeeds, migration: Migration): Promise<boolean> {
  const { database, clock } = needs;
  return database.transaction(async (queries) => {
    const run = (statement: string) => runInside(queries, statement);
    if (dialect === "postgres") await run(`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
    const inserted = await insertMark(queries, migration, clock.now());
    if (!inserted) return false;
    for (const statement of migration.statements.split(STATEMENT_BREAK)) {
      if (statement.trim() !== "") await run(statement);
    }
    return true;
  });
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
    applied.set(name, new Date(String(row.applied_at)));
  }
  return applied;
}

function checksum(migration: Migration): string {
  return createHash("sha256").update(migration.statements).digest("hex");
}
