import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Database } from "./database.ts";
import { dialect } from "./dialect.ts";
import { SQLITE_FILE_NAME } from "./open.ts";

/** What `doctor` and `version` tell of the database. */
export interface DatabaseFacts {
  /** `SQLite 3.51.1` or `PostgreSQL 17.2`. */
  version: string;
  bytes: number;
  /** Faults with what to do, empty when all is as it should be. */
  warnings: string[];
  /** Further facts worth a word, such as `WAL 0.1 MiB`. */
  notes: string[];
}

/** Older ones lack what the queries need. */
const POSTGRES_VERSION_MIN = 15;
/** Checkpoints keep it at about 16 MiB; far beyond that, a reader that never ends holds them up. */
const WAL_BYTES_WARNING = 256 * 1024 * 1024;
const CONNECTIONS_SHARE_WARNING = 0.9;

/** The name of the kind of database in use. */
export function databaseKind(): "SQLite" | "PostgreSQL" {
  return dialect === "postgres" ? "PostgreSQL" : "SQLite";
}

/** Where the SQLite file should be and is not; null where there is one, and on Postgres. */
export function missingDatabaseFile(dataFolder: string): string | null {
  const path = resolve(dataFolder, SQLITE_FILE_NAME);
  return dialect === "sqlite" && !existsSync(path) ? path : null;
}

/** Asks the database about itself. */
export async function databaseFacts(database: Database, dataFolder: string): Promise<DatabaseFacts> {
  return dialect === "postgres" ? postgresFacts(database) : sqliteFacts(database, dataFolder);
}

/**
 * How far this machine's clock is ahead of the database's, in ms, half the round trip taken into account. Null on
 * SQLite, which has no clock of its own.
 */
export async function clockSkewMs(database: Database): Promise<number | null> {
  if (dialect === "sqlite") return null;
  // The first statement pays for the connection.
  await database.raw("select 1 as one");
  const before = Date.now();
  const [row] = await database.raw("select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms");
  const middle = (before + Date.now()) / 2;
  return Math.round(middle - Number(row?.ms));
}

async function sqliteFacts(database: Database, dataFolder: string): Promise<DatabaseFacts> {
  const [version] = await database.raw("select sqlite_version() as version");
  const [journal] = await database.raw("pragma journal_mode");
  const [synchronous] = await database.raw("pragma synchronous");
  const path = join(dataFolder, SQLITE_FILE_NAME);
  const walBytes = sizeOf(`${path}-wal`);
  const warnings: string[] = [];
  if (journal?.journal_mode !== "wal") {
    warnings.push(
      `The journal mode is ${journal?.journal_mode}, not wal: DATA_DIR must be on a local disk, not on a network share.`,
    );
  }
  if (walBytes > WAL_BYTES_WARNING) {
    warnings.push(
      `The write-ahead log has grown to ${mib(walBytes)}: a program holds the file open for reading, or the disk is too slow. A restart of the server folds it back.`,
    );
  }
  const isFull = Number(synchronous?.synchronous) >= 2;
  return {
    version: `SQLite ${version?.version}`,
    bytes: sizeOf(path),
    warnings,
    notes: [`WAL ${mib(walBytes)}`, isFull ? "every commit synced" : "commits not synced"],
  };
}

async function postgresFacts(database: Database): Promise<DatabaseFacts> {
  const [row] = await database.raw(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
       pg_database_size(current_database())::float8 as bytes, current_setting('max_connections')::int as connections_max,
       (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
       current_setting('synchronous_commit') as synchronous`,
  );
  const warnings: string[] = [];
  if (Number(row?.major) < POSTGRES_VERSION_MIN) {
    warnings.push(`It is version ${row?.version}; ${POSTGRES_VERSION_MIN} or newer is needed.`);
  }
  if (row?.synchronous === "off") {
    warnings.push("synchronous_commit is off: a crash of the server can lose payments that were acknowledged.");
  }
  if (Number(row?.connections) >= Number(row?.connections_max) * CONNECTIONS_SHARE_WARNING) {
    warnings.push(
      `${row?.connections} of its ${row?.connections_max} connections are in use: lower DATABASE_POOL_MAX or raise max_connections.`,
    );
  }
  return {
    version: `PostgreSQL ${String(row?.version).split(" ")[0]}`,
    bytes: Number(row?.bytes),
    warnings,
    notes: [`${row?.connections} of ${row?.connections_max} connections in use`],
  };
}

/** What to tell people of an error that means the database cannot be used; null for every other error. */
export function databaseFault(error: unknown): string | null {
  const { code, message } = lowestWithCode(error);
  if (code === undefined) return null;
  const advice = ADVICE.find(([codes]) => codes.test(code))?.[1];
  return advice === undefined ? null : `The ${databaseKind()} database cannot be used (${message}). ${advice}`;
}

/** What lies below the wrappings of drizzle and of ours: the driver's own words. */
function lowestWithCode(error: unknown): { code?: string; message?: string } {
  if (!(error instanceof Error)) return {};
  const below = lowestWithCode(error.cause);
  const { code } = error as { code?: unknown };
  return below.code === undefined && typeof code === "string" ? { code, message: error.message } : below;
}

/** Error codes of the system, of postgres.js, of Postgres (SQLSTATE) and of SQLite. */
const ADVICE: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|CONNECT_TIMEOUT|CONNECTION_\w+|57P03)$/,
    "Is it running, and are host and port in DATABASE_URL right?",
  ],
  [/^(ENOTFOUND|EAI_AGAIN|DNSException|ENOENT)$/, "Is the host name in DATABASE_URL right?"],
  [/^(28P01|28000)$/, "Are user and password in DATABASE_URL right?"],
  [/^3D000$/, "Create it first, or correct its name in DATABASE_URL."],
  [/^25006$/, "DATABASE_URL must name the primary server, or all of them: postgres://user@first,second/name"],
  [
    /^08P01$/,
    "Is it a pooler in transaction mode? Then set DATABASE_POOLER=transaction, and DATABASE_DIRECT_URL to the server itself.",
  ],
  [
    /CERT|ERR_TLS|UNABLE_TO/,
    "Name the authority that signed the server's certificate in DATABASE_CA_FILE, and the host as the certificate does.",
  ],
  [/^42501$/, "Give the user of DATABASE_URL the rights to it."],
  [/^53300$/, "Too many programs use it: lower DATABASE_POOL_MAX or raise max_connections."],
  [/^SQLITE_NOTADB$/, "The file is something else, or damaged: restore a backup."],
  [/^SQLITE_CORRUPT/, "The file is damaged: stop the server, keep a copy of it and restore a backup."],
  [/^SQLITE_(CANTOPEN|PERM|READONLY|AUTH)/, "May this user read and write DATA_DIR and the files in it?"],
  [/^SQLITE_(FULL|IOERR)/, "Is there space left, and is the disk in order?"],
  [/^SQLITE_BUSY/, "Another program has held its write lock for too long: find and stop it."],
];

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function mib(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
