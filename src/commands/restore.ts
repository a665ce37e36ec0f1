import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { type OpenContext, openContext, openOwnBulk, ownMigrations } from "../context.ts";
import { bookSums, verifyLedger } from "../features/billing/index.ts";
import { readArchiveFile } from "../platform/backup/archive-file.ts";
import type { BackupHeader, BackupManifest } from "../platform/backup/format.ts";
import { beginLoad, type Loaded, loadRows, lookAtTarget, stepsTo } from "../platform/backup/load.ts";
import { compareFiles, loadFiles, lookAtStorage } from "../platform/backup/load-files.ts";
import { createSummer, otherSum } from "../platform/backup/totals.ts";
import type { Settings } from "../platform/config/settings.ts";
import { databaseFault, missingDatabaseFile } from "../platform/db/inspect.ts";
import { migrate } from "../platform/db/migrate.ts";
import { databaseIsFile } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { lockDataFolder } from "../platform/single-server-lock.ts";
import { createLog, writeToStandardError } from "../platform/telemetry/log.ts";
import { type Command, operatorSettings, print, readArguments } from "./command.ts";
import { holdBack } from "./restore-hold.ts";
import { shownWork } from "./restore-work.ts";
import { progressAtTerminal, shownContents, shownMib, shownSpan } from "./snapshot.ts";

const USAGE = "Usage: atelier restore <file> [--check] [--without-files] [--no-hold]";

export const restoreCommand: Command = {
  name: "restore",
  summary: "fill an empty database and storage from a backup",
  help: `${USAGE}

  --check           read the whole backup and say what it holds; change nothing
  --without-files   the database only; what lies in the storage stays as it is
  --no-hold         let the server go on at once as if nothing had happened: for a drill, or where nothing was done
                    since the backup

Every byte of the backup is checked before anything is changed. The database must be empty, and so must the storage; it may
be of the other kind than the one that was backed up. All rows come in one transaction and are compared with the backup as the
database reads them back. A restore that was killed is begun anew by the same command; until then no server starts on it.

What a server does by itself and cannot know of (charging cards, registering sales, deleting pictures, jobs under way) is on
hold afterwards: look first, then \`atelier jobs retry --all-parked\`.

Examples:
  atelier restore backup.tar
  DATABASE_URL=postgres://... atelier restore backup.tar`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { check: "boolean", "without-files": "boolean", "no-hold": "boolean" },
      words: ["file"],
    });
    const startedMs = performance.now();
    const path = resolve(words[0]);
    const whole = await readThrough(path);
    stepsTo(whole.header, ownMigrations);
    const ageMs = Date.now() - Date.parse(whole.header.taken_at);
    if (values.check) {
      print(
        `${path} is whole: the state of ${whole.header.taken_at}, made by atelier ${whole.header.program} from ${whole.header.database}.\n`,
      );
      print(shownContents(whole.manifest.tables, whole.manifest.sums));
      return 0;
    }
    const { settings } = operatorSettings();
    const withFiles = values["without-files"] !== true && whole.header.with_files;
    const unlock = databaseIsFile ? lockDataFolder(settings.DATA_DIR) : () => {};
    try {
      return await restore(settings, { path, ...whole, withFiles, hold: values["no-hold"] !== true, startedMs, ageMs });
    } catch (error) {
      const fault = databaseFault(error);
      throw fault === null ? error : new OperatorError(fault);
    } finally {
      unlock();
    }
  },
};

interface Whole {
  header: BackupHeader;
  manifest: BackupManifest;
  /** The stored files in it, by key, with their sizes. */
  sizes: ReadonlyMap<string, number>;
  lost: string[];
}

interface Order extends Whole {
  path: string;
  withFiles: boolean;
  hold: boolean;
  startedMs: number;
  /** How old the state was when the restore began. */
  ageMs: number;
}

/** Reads every byte; throws for whatever is not a whole backup. */
async function readThrough(path: string): Promise<Whole> {
  const sizes = new Map<string, number>();
  const lost: string[] = [];
  const summer = createSummer(bookSums);
  let header: BackupHeader | null = null;
  let manifest: BackupManifest | null = null;
  for await (const piece of readArchiveFile(path, { rows: true, files: true, verify: true })) {
    if (piece.kind === "header") header = piece.header;
    if (piece.kind === "rows") summer.add(piece.table, piece.rows);
    if (piece.kind === "file") sizes.set(piece.key, piece.content.length);
    if (piece.kind === "missing" && piece.missing === "lost") lost.push(piece.key);
    if (piece.kind === "manifest") manifest = piece.manifest;
  }
  if (header === null || manifest === null)
    throw new Error("a backup was read to its end without its beginning or end");
  const wrong = otherSum(manifest.sums, summer.sums());
  if (wrong !== null) throw new OperatorError(`${path} is no whole backup. ${wrong} Nothing was changed.`);
  return { header, manifest, sizes, lost };
}

async function restore(settings: Settings, order: Order): Promise<number> {
  const wasThere = missingDatabaseFile(settings.DATA_DIR) === null;
  const log = createLog({ level: "warn", format: "pretty", write: writeToStandardError });
  const open = await openContext(settings, { log });
  let mayChange = false;
  try {
    const { wasBegun } = await lookAtTarget(open.database, order.header, ownMigrations);
    if (order.withFiles) await lookAtStorage(open.ctx.storage, wasBegun, order.sizes);
    mayChange = true;
    const loaded = await fill(settings, open, order);
    await migrate({ database: open.database, clock: open.ctx.clock, migrations: ownMigrations });
    return await report(open, order, loaded);
  } finally {
    await open.close();
    // Opening it has made the file; a refusal leaves the folder as it was.
    const made = missingDatabaseFile(settings.DATA_DIR) === null && !wasThere && !mayChange;
    if (made)
      for (const end of ["", "-wal", "-shm"])
        rmSync(resolve(settings.DATA_DIR, `atelier.sqlite${end}`), { force: true });
  }
}

async function fill(settings: Settings, open: OpenContext, order: Order): Promise<Loaded> {
  const { path, header, manifest } = order;
  const bar = progressAtTerminal();
  await beginLoad({ database: open.database, clock: open.ctx.clock }, header, ownMigrations);
  // Files first: once the rows are there, everything is.
  if (order.withFiles) {
    await loadFiles(readArchiveFile(path, { rows: false, files: true, verify: false }), open.ctx.storage, (files) =>
      bar.show(files, manifest.files.stored, `${files} pictures`),
    );
    await compareFiles(open.ctx.storage, order.sizes);
  }
  const total = Object.values(manifest.tables).reduce((sum, { rows }) => sum + rows, 0);
  const session = await openOwnBulk(settings, "write");
  try {
    return await loadRows(readArchiveFile(path, { rows: true, files: false, verify: false }), {
      session,
      header,
      sums: bookSums,
      progress: (rows) => bar.show(rows, total, `${rows} rows`),
      beforeCommit: (inside) => (order.hold ? holdBack(inside, header, open.ctx.clock.now()) : Promise.resolve()),
    });
  } finally {
    bar.end();
    await session.close();
  }
}

async function report(open: OpenContext, order: Order, loaded: Loaded): Promise<number> {
  const { header, manifest } = order;
  const ledger = await verifyLedger(open.ctx);
  print(`${order.path}: the state of ${header.taken_at} is back, as the database itself now reads it.\n`);
  print(shownContents(loaded.tables, loaded.sums));
  print("");
  if (order.withFiles) print(`${manifest.files.stored} pictures, ${shownMib(manifest.files.bytes)}.`);
  else print("No pictures were restored; the storage is as it was.");
  if (order.lost.length > 0) print(`${order.lost.length} pictures were missing already when the backup was made.`);
  print(
    ledger.differences.length === 0
      ? `The credits of all ${ledger.people} people add up.`
      : `${ledger.differences.length} numbers of credits did not add up in the backup already: atelier ledger verify`,
  );
  print(`RPO ${shownSpan(order.ageMs)}: what was done after ${header.taken_at} is not in it.`);
  print(`RTO ${shownSpan(performance.now() - order.startedMs)}: from the start of this command to here.`);
  print("");
  print(await shownWork(open.ctx, order.hold));
  return ledger.differences.length === 0 ? 0 : 1;
}
