import { openOwnBulk, openOwnDatabase, ownMigrations } from "../context.ts";
import { bookSums } from "../features/billing/index.ts";
import { refusalOf } from "../platform/backup/archive-file.ts";
import { beginLoad, type Loaded, loadRows, lookAtTarget, stepsTo } from "../platform/backup/load.ts";
import { type BackupPiece, readBackup } from "../platform/backup/read.ts";
import { hashingSource, streamSource } from "../platform/backup/tar.ts";
import { systemClock } from "../platform/clock.ts";
import { databaseFault } from "../platform/db/inspect.ts";
import { databaseIsFile } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { lockDataFolder } from "../platform/single-server-lock.ts";
import { type Command, operatorSettings, printJson, readArguments } from "./command.ts";

const USAGE = "Usage: atelier copy receive";

/** The other end of `atelier copy`: a process chooses its kind of database once, so the target needs one of its own. */
export const copyReceiveCommand: Command = {
  name: "copy receive",
  summary: "the other end of copy",
  hidden: true,
  help: `${USAGE}

Started by \`atelier copy\`, with the target's settings. Reads rows from standard input into an empty database and prints
what that then holds.`,
  async run(args) {
    readArguments(args, { usage: USAGE });
    const { settings } = operatorSettings();
    const unlock = databaseIsFile ? lockDataFolder(settings.DATA_DIR) : () => {};
    try {
      const { tables, sums } = await receive(settings);
      printJson({ tables, sums });
      return 0;
    } catch (error) {
      const fault = databaseFault(error);
      throw fault === null ? refusalOf(error, "What came through the pipe") : new OperatorError(fault);
    } finally {
      unlock();
    }
  },
};

async function receive(settings: Parameters<typeof openOwnDatabase>[0]): Promise<Loaded> {
  const source = hashingSource(streamSource(Bun.stdin.stream() as unknown as AsyncIterable<Uint8Array>));
  const pieces = readBackup(source, { rows: true, files: false, digest: source.digest });
  const first = (await pieces.next()).value as BackupPiece | undefined;
  if (first?.kind !== "header") throw new Error("a backup begins with its header");
  const { header } = first;
  stepsTo(header, ownMigrations);
  const database = await openOwnDatabase(settings);
  try {
    await lookAtTarget(database, header, ownMigrations);
    await beginLoad({ database, clock: systemClock }, header, ownMigrations);
  } finally {
    await database.close();
  }
  const session = await openOwnBulk(settings, "write");
  try {
    return await loadRows(pieces, { session, header, sums: bookSums });
  } finally {
    await session.close();
  }
}
