import type { Database } from "./database.ts";
import { dialect } from "./dialect.ts";

/** What can be wrong with a database that answers, beyond what `databaseFacts` tells. */
export interface DatabaseJudgement {
  /** Nothing works, or will. */
  failures: string[];
  warnings: string[];
  notes: string[];
}

/** What a Postgres server says of itself. */
export interface PostgresState {
  version: string;
  major: number;
  isReplica: boolean;
  isReadOnly: boolean;
  encoding: string;
  timeZone: string;
  fsync: boolean;
  fullPageWrites: boolean;
  /** Connections that ordinary users may have altogether. */
  connectionsMax: number;
  /** How long the oldest transaction of anybody in this database has been open, in seconds. */
  oldestTransactionSeconds: number;
}

/** Older ones lack what the queries need. */
const POSTGRES_VERSION_MIN = 15;
/** While a transaction is open, no row that was deleted since may be cleared away, and the queue's table grows. */
const TRANSACTION_SECONDS_WARNING = 600;
/** Checkpoints copy at every thousand pages; what stays far above that, a reader holds up. */
const WAITING_PAGES_WARNING = 16_000;

/** Asks the database. `processes` are those that hold a pool of `poolMax` connections each. */
export async function judgeDatabase(
  database: Database,
  use: { poolMax: number; processes: number },
): Promise<DatabaseJudgement> {
  if (dialect === "postgres") return judgePostgres(await postgresState(database), use);
  // Passive: copies what nobody reads any more, as the server itself does, and waits for nobody.
  const [row] = await database.raw("pragma wal_checkpoint(passive)");
  return judgeCheckpoint(Number(row?.log ?? 0), Number(row?.checkpointed ?? 0));
}

/** `-1` for both where there is no write-ahead log. */
export function judgeCheckpoint(pages: number, copied: number): DatabaseJudgement {
  const waiting = Math.max(0, pages - copied);
  const isLate = waiting > WAITING_PAGES_WARNING;
  const text = `${waiting} pages of the write-ahead log cannot be copied back: a program has been reading since then. Find it (fuser), or restart the server.`;
  return { failures: [], warnings: isLate ? [text] : [], notes: [`${waiting} pages wait for a checkpoint`] };
}

export function judgePostgres(
  state: PostgresState,
  { poolMax, processes }: { poolMax: number; processes: number },
): DatabaseJudgement {
  const failures: string[] = [];
  const warnings: string[] = [];
  if (state.major < POSTGRES_VERSION_MIN) {
    failures.push(`It is version ${state.version}; ${POSTGRES_VERSION_MIN} or newer is needed.`);
  }
  if (state.isReplica) failures.push("It is a read-only replica: DATABASE_URL must name the primary server.");
  else if (state.isReadOnly) {
    failures.push("It takes no writes (default_transaction_read_only is on): is its disk full, or is it being moved?");
  }
  if (state.encoding !== "UTF8") {
    failures.push(`Its encoding is ${state.encoding}: make the database anew with encoding UTF8, names would be lost.`);
  }
  if (!state.fsync || !state.fullPageWrites) {
    warnings.push("fsync or full_page_writes is off: a power cut can destroy the whole database.");
  }
  if (poolMax * processes > state.connectionsMax) {
    warnings.push(
      `${processes} processes with DATABASE_POOL_MAX=${poolMax} may want ${poolMax * processes} connections, and there are ${state.connectionsMax}: lower the one or raise max_connections.`,
    );
  }
  if (state.oldestTransactionSeconds > TRANSACTION_SECONDS_WARNING) {
    warnings.push(
      `A transaction has been open for ${Math.round(state.oldestTransactionSeconds / 60)} minutes: until it ends, nothing deleted is cleared away. Look into pg_stat_activity.`,
    );
  }
  return { failures, warnings, notes: [`time zone ${state.timeZone}`, `pool of ${poolMax}`] };
}

async function postgresState(database: Database): Promise<PostgresState> {
  const [row] = await database.raw(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
       pg_is_in_recovery() as is_replica, current_setting('default_transaction_read_only') = 'on' as is_read_only,
       current_setting('server_encoding') as encoding, current_setting('TimeZone') as time_zone,
       current_setting('fsync') = 'on' as fsync, current_setting('full_page_writes') = 'on' as full_page_writes,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections_max,
       coalesce((select extract(epoch from max(clock_timestamp() - xact_start)) from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend'), 0)::float8 as oldest_transaction_seconds`,
  );
  return {
    version: String(row?.version),
    major: Number(row?.major),
    isReplica: row?.is_replica === true,
    isReadOnly: row?.is_read_only === true,
    encoding: String(row?.encoding),
    timeZone: String(row?.time_zone),
    fsync: row?.fsync === true,
    fullPageWrites: row?.full_page_writes === true,
    connectionsMax: Number(row?.connections_max),
    oldestTransactionSeconds: Number(row?.oldest_transaction_seconds),
  };
}
