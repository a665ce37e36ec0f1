import { eq } from "drizzle-orm";
import { type Context, openOwnBulk } from "../context.ts";
import { tellOwner } from "../features/notifications/index.ts";
import { files } from "../features/photos/index.ts";
import { writeArchiveFile } from "../platform/backup/archive-file.ts";
import type { BackupManifest } from "../platform/backup/format.ts";
import { takeBackup } from "../platform/backup/take.ts";
import { writeAheadBytes } from "../platform/db/inspect.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, printJson, readArguments, withContext } from "./command.ts";
import { countRows, headerOf, ownSums, progressAtTerminal, shownContents, shownMib } from "./snapshot.ts";

const USAGE = "Usage: atelier backup <file> [--without-files] [--json]";

/** While rows are read from SQLite, its write-ahead log cannot shrink. Worth a word from here on ... */
const WRITE_AHEAD_BYTES_WORTH_TELLING = 256 * 1024 * 1024;
/** ... and from here on it endangers the server more than a missing backup does. */
const WRITE_AHEAD_BYTES_MAX = 4 * 1024 * 1024 * 1024;
/** Names of missing files that are shown. */
const NAMES_SHOWN = 20;

export const backupCommand: Command = {
  name: "backup",
  summary: "everything in one file, while the server runs",
  help: `${USAGE}

  --without-files   the database only, without the stored pictures
  --json            the manifest's facts for a program

Writes the rows of one moment and the stored pictures into a tar file that \`atelier restore\` takes into either kind of
database. Works beside a loaded server. The file appears under its name once it is complete and on the disk (mode 0600);
nothing is overwritten, and a backup that fails leaves nothing behind, ends with 1 and tells the owner.

The file holds everything about everybody: encrypt it before it leaves the machine.

Examples:
  atelier backup /var/backups/atelier-$(date +%F).tar
  atelier backup db.tar --without-files`,
  async run(args) {
    const { values, words } = readArguments(args, {
      usage: USAGE,
      options: { "without-files": "boolean", json: "boolean" },
      words: ["file"],
    });
    try {
      await withContext(async (ctx) => {
        try {
          const done = await backUp(ctx, words[0], values["without-files"] !== true);
          if (values.json) printJson(factsOf(words[0], done));
          else show(words[0], done);
        } catch (error) {
          await alert(ctx, error);
          throw error;
        }
      });
      return 0;
    } catch (error) {
      // A backup that was not made is a failure, whoever can mend it.
      if (!(error instanceof OperatorError)) throw error;
      process.stderr.write(`atelier: ${error.message}\n`);
      return 1;
    }
  },
};

interface Done {
  manifest: BackupManifest;
  bytes: number;
  /** The first of the files that should have been there. */
  lost: string[];
  writeAheadBytes: number;
}

async function backUp(ctx: Context, path: string, withFiles: boolean): Promise<Done> {
  const bar = progressAtTerminal();
  const lost: string[] = [];
  let writeAhead = 0;
  const { result, bytes } = await writeArchiveFile(path, async (file) => {
    const session = await openOwnBulk(ctx.settings, "read");
    try {
      const header = headerOf(ctx.clock.now(), withFiles);
      const total = bar.isShown ? await countRows(session) : 0;
      return await takeBackup({
        header,
        session,
        sums: () => ownSums(session),
        sink: file.sink,
        files: withFiles ? { ...picturesOf(ctx), reread: file.reread } : null,
        progress(done) {
          if (done.table === null) bar.show(1, 1, `${done.files} pictures`);
          else {
            writeAhead = Math.max(writeAhead, writeAheadBytes(ctx.settings.DATA_DIR));
            refuseEndlessLog(writeAhead);
            bar.show(done.rows, total, done.table);
          }
        },
        missing({ key, missing }) {
          if (missing === "lost" && lost.length < NAMES_SHOWN) lost.push(key);
        },
      });
    } finally {
      await session.close();
    }
  });
  bar.end();
  return { manifest: result, bytes, lost, writeAheadBytes: writeAhead };
}

/** The stored pictures that rows name, and whether one that is not there was deleted since. */
function picturesOf(ctx: Context) {
  return {
    storage: ctx.storage,
    table: "files",
    of(row: Readonly<Record<string, unknown>>) {
      return row.deleted_at === null ? { key: String(row.storage_key), mime: String(row.mime) } : null;
    },
    async isDeletedByNow(key: string) {
      const [row] = await ctx.db.select().from(files).where(eq(files.storageKey, key));
      return row === undefined || row.deletedAt !== null || row.expiresAt <= ctx.clock.now();
    },
  };
}

function refuseEndlessLog(bytes: number): void {
  if (bytes <= WRITE_AHEAD_BYTES_MAX) return;
  throw new OperatorError(
    `SQLite's write-ahead log has grown to ${shownMib(bytes)} while the rows were read, so the backup was given up. ` +
      "Take it at a quieter time.",
  );
}

function show(path: string, { manifest, bytes, lost, writeAheadBytes: writeAhead }: Done): void {
  const { header, files: pictures } = manifest;
  print(`${path}: ${shownMib(bytes)}, the state of ${header.taken_at}\n`);
  print(shownContents(manifest.tables, manifest.sums));
  print("");
  if (!header.with_files) print("Without the stored pictures.");
  else print(`${pictures.stored} pictures, ${shownMib(pictures.bytes)}.`);
  if (pictures.deleted > 0)
    print(`${pictures.deleted} pictures were deleted, or past their time, before they were read.`);
  if (writeAhead > WRITE_AHEAD_BYTES_WORTH_TELLING) {
    print(`SQLite's write-ahead log grew to ${shownMib(writeAhead)} meanwhile; the server folds it back by itself.`);
  }
  if (pictures.lost === 0) return;
  process.stderr.write(
    `Warning: ${pictures.lost} pictures that should be there are not in the storage:\n${lost.map((key) => `  ${key}\n`).join("")}` +
      (pictures.lost > lost.length ? "  ...\n" : ""),
  );
}

function factsOf(path: string, { manifest, bytes, writeAheadBytes: writeAhead }: Done) {
  const { header, ...rest } = manifest;
  const { tables: _columns, ...facts } = header;
  return { file: path, bytes, ...facts, ...rest, write_ahead_bytes: writeAhead };
}

/** Through the database, by the running server; where that is what failed, the exit code has to do. */
async function alert(ctx: Context, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const details = { error: message.slice(0, 500) };
  await ctx
    .transaction((tx) => tellOwner(tx, { level: "critical", reason: "backup_failed", details }))
    .catch((unheard: unknown) => ctx.log.error("nobody could be told that the backup failed", { error: unheard }));
}
