import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { buildInfo } from "../build/build-info.ts";
import { openOwnBulk } from "../context.ts";
import type { BackupManifest, BookSum, TableTotals } from "../platform/backup/format.ts";
import { takeBackup } from "../platform/backup/take.ts";
import { systemClock } from "../platform/clock.ts";
import { processEnvironment } from "../platform/config/environment.ts";
import type { Settings } from "../platform/config/settings.ts";
import type { BulkSession } from "../platform/db/bulk.ts";
import { connectionsOfOthers, databaseFault, databaseKind, missingDatabaseFile } from "../platform/db/inspect.ts";
import { databaseIsFile, SQLITE_FILE_NAME } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { lockDataFolder } from "../platform/single-server-lock.ts";
import { type Command, operatorSettings, print, readArguments, table, withContext } from "./command.ts";
import { countRows, headerOf, ownSums, progressAtTerminal, shownSpan } from "./snapshot.ts";

const USAGE = "Usage: atelier copy --to <postgres://...|sqlite:folder> [--beside-server]";

export const copyCommand: Command = {
  name: "copy",
  summary: "all rows into an empty database of either kind",
  help: `${USAGE}

  --to              a Postgres database that exists and is empty, or a folder without an ${SQLITE_FILE_NAME}
  --beside-server   while a server runs: what is written from now on is not in the copy

Copies the rows of one moment from the database of the settings, in one transaction, and compares counts, hashes and sums as
both databases read them. The stored pictures stay where they are. A password need not stand in the command line: leave it out
of the address and set PGPASSWORD.

Examples:
  atelier copy --to postgres://atelier@db.example.org/atelier
  DATABASE_URL=postgres://... atelier copy --to sqlite:/var/lib/atelier`,
  async run(args) {
    const { values } = readArguments(args, { usage: USAGE, options: { to: "string", "beside-server": "boolean" } });
    const { settings } = operatorSettings();
    const target = targetFrom(values.to, settings);
    const besideServer = values["beside-server"] === true;
    // Refuses with its own sentence where there is no database.
    if (missingDatabaseFile(settings.DATA_DIR) !== null) await withContext(async () => {});
    const unlock = databaseIsFile && !besideServer ? lockOrRefuse(settings) : () => {};
    let session: BulkSession | undefined;
    try {
      session = await openOwnBulk(settings, "read").catch(explained);
      if (!besideServer && (await connectionsOfOthers(session)) > 0) throw new OperatorError(SERVER_RUNS);
      // Looks at the schema.
      await withContext(async () => {});
      return await copy(session, target);
    } finally {
      await session?.close();
      unlock();
    }
  },
};

const SERVER_RUNS =
  "A server, or another command, works on this database: what it writes from now on would not be in the copy. Stop it first; " +
  "or, for a copy to look at, add --beside-server.";

interface Target {
  /** For people: without a password. */
  shown: string;
  /** The settings of the process that fills it. They go by its environment: everybody may read a command line. */
  settings: Readonly<Record<string, string>>;
  /** The folder of a SQLite target. */
  folder: string | null;
}

function targetFrom(text: string | undefined, settings: Settings): Target {
  if (text === undefined) throw new OperatorError(`--to is missing.\n${USAGE}`);
  const address = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null;
  if (address !== null && (address.hostname !== "" || address.pathname.length > 1)) {
    if (text === settings.DATABASE_URL) throw new OperatorError("--to names the database that the settings name.");
    const shown = `PostgreSQL at ${address.host}${address.pathname}`;
    return { shown, settings: { DATABASE_URL: text, DATA_DIR: resolve(settings.DATA_DIR) }, folder: null };
  }
  const folder = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (folder === undefined) {
    throw new OperatorError('--to must be an address such as postgres://user@host/name, or "sqlite:" and a folder.');
  }
  const path = resolve(folder);
  if (databaseIsFile && path === resolve(settings.DATA_DIR)) {
    throw new OperatorError("--to names the database that the settings name.");
  }
  return { shown: `SQLite in ${path}`, settings: { DATA_DIR: path }, folder: path };
}

function lockOrRefuse(settings: Settings): () => void {
  try {
    return lockDataFolder(settings.DATA_DIR);
  } catch (error) {
    throw error instanceof OperatorError ? new OperatorError(SERVER_RUNS) : error;
  }
}

function explained(error: unknown): never {
  const fault = databaseFault(error);
  throw fault === null ? error : new OperatorError(fault);
}

async function copy(session: BulkSession, target: Target): Promise<number> {
  const startedMs = performance.now();
  const bar = progressAtTerminal();
  const total = bar.isShown ? await countRows(session) : 0;
  const other = startOther(target);
  let manifest: BackupManifest;
  try {
    manifest = await takeBackup({
      header: headerOf(systemClock.now(), false),
      session,
      sums: () => ownSums(session),
      sink: other.sink,
      files: null,
      progress: ({ rows, table: name }) => bar.show(rows, total, name ?? ""),
    });
    await other.end();
  } catch (error) {
    bar.end();
    other.kill();
    if (!(error instanceof OtherEnded)) throw error;
    process.stderr.write(
      `atelier: Nothing was copied; ${target.shown} was not filled, and here nothing has changed.\n`,
    );
    return 1;
  }
  bar.end();
  const found = JSON.parse(await other.printed) as { tables: Record<string, TableTotals>; sums: BookSum[] };
  show(manifest, found, target);
  print(`\nCopied and compared in ${shownSpan(performance.now() - startedMs)}.\n`);
  print(nextSteps(target));
  return 0;
}

/** The process that fills the target has ended before its time; it has said why itself. */
class OtherEnded extends Error {}

/** The same program with the target's settings, reading from a pipe. */
function startOther(target: Target) {
  const isCompiled = buildInfo.builtAt !== undefined;
  const own = isCompiled ? [] : ["--no-env-file", Bun.main];
  const other = spawn(process.execPath, [...own, "copy", "receive"], {
    // No `.env` lies there: all that it held comes with the environment.
    cwd: "/",
    env: { ...inherited(), ...target.settings },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(other, "exit").then(([code]) => Number(code ?? 1));
  const printed = textOf(other.stdout);
  // A pipe that nobody reads any more is told by the end of the process.
  other.stdin.on("error", () => {});
  const drained = () => new Promise<void>((done) => other.stdin.once("drain", done));
  return {
    printed,
    async sink(bytes: Uint8Array) {
      if (other.exitCode !== null) throw new OtherEnded();
      if (other.stdin.write(bytes)) return;
      const hasEnded = await Promise.race([drained().then(() => false), ended.then(() => true)]);
      if (hasEnded) throw new OtherEnded();
    },
    async end() {
      other.stdin.end();
      if ((await ended) !== 0) throw new OtherEnded();
    },
    kill: () => void other.kill("SIGTERM"),
  };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The settings of this process, whether they came from the environment, `.env` or files, but for the database's. */
function inherited(): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, { value }] of processEnvironment) {
    const isFileOf =
      name.endsWith("_FILE") && processEnvironment.get(name.slice(0, -"_FILE".length))?.source === "file";
    if (!isFileOf && !/^DATABASE_(URL|DIALECT)/.test(name)) settings[name] = value;
  }
  return settings;
}

function show(
  manifest: BackupManifest,
  found: { tables: Record<string, TableTotals>; sums: BookSum[] },
  target: Target,
) {
  print(`${databaseKind()}, the state of ${manifest.header.taken_at}, is now in ${target.shown}.\n`);
  const short = (totals: TableTotals | undefined) => [String(totals?.rows ?? "-"), totals?.sha256.slice(0, 16) ?? "-"];
  const filled = Object.entries(manifest.tables).filter(([, { rows }]) => rows > 0);
  const rows = filled.map(([name, totals]) => [name, ...short(totals), ...short(found.tables[name])]);
  print(table(["table", "rows here", "sha256 here", "rows there", "sha256 there"], rows));
  print("");
  const there = new Map(found.sums.map(({ what, sum }) => [what, sum]));
  const sums = manifest.sums.map(({ what, sum }) => [what, sum, there.get(what) ?? "-"]);
  print(table(["sum", "here", "there"], sums));
}

function nextSteps({ folder }: Target): string {
  if (folder === null) {
    return "Now set DATABASE_URL and start the server. The stored pictures stay where they are: keep DATA_DIR, or STORAGE_URL.";
  }
  return (
    `Now take DATABASE_URL away, set DATA_DIR=${folder} and start the server. The stored pictures were not copied: with STORAGE_URL they ` +
    `stay where they are, without it move the old DATA_DIR's folder "files" to ${join(folder, "files")}.`
  );
}
