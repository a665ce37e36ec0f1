import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { OperatorError } from "../errors.ts";
import { syncFolder } from "../sync-folder.ts";
import type { ArchiveSink } from "./archive-writer.ts";
import { type BackupPiece, readBackup } from "./read.ts";
import { ArchiveFault, fileSource, hashingSource } from "./tar.ts";

/** A backup holds everything about everybody. */
const FILE_MODE = 0o600;
const WRITE_BYTES = 1024 * 1024;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface NewArchiveFile {
  sink: ArchiveSink;
  reread(at: number, bytes: number): Promise<Uint8Array>;
}

/**
 * Writes a file that is there complete and on the disk, or not at all: `work` writes it under another name in the same
 * folder, and it gets its own at the end. Nothing is left of one that fails, a signal that ends the program included.
 * Never overwrites. Returns what `work` returns, and the size.
 */
export async function writeArchiveFile<T>(
  path: string,
  work: (file: NewArchiveFile) => Promise<T>,
): Promise<{ result: T; bytes: number }> {
  const target = resolve(path);
  if (existsSync(target))
    throw new OperatorError(`${target} is there already. Name another file; nothing is overwritten.`);
  const partial = `${target}.${randomBytes(6).toString("hex")}.partial`;
  const removeNow = () => rmSync(partial, { force: true });
  const end = () => process.exit(1);
  process.once("exit", removeNow);
  // A signal alone would end the program without a word to "exit".
  for (const signal of SIGNALS) process.once(signal, end);
  const leave = () => {
    process.off("exit", removeNow);
    for (const signal of SIGNALS) process.off(signal, end);
  };
  const handle = await open(partial, "wx+", FILE_MODE).catch((error: Error) => {
    leave();
    throw new OperatorError(`${dirname(target)} cannot be written to: ${error.message}`);
  });
  try {
    const writer = bufferedWriter(handle);
    const result = await work(writer);
    await writer.flush();
    await handle.sync();
    const { size } = await handle.stat();
    await handle.close();
    // Somebody else may have been quicker.
    if (existsSync(target))
      throw new OperatorError(`${target} is there already. Name another file; nothing is overwritten.`);
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { result, bytes: size };
  } catch (error) {
    await handle.close().catch(() => {});
    removeNow();
    throw error;
  } finally {
    leave();
  }
}

function bufferedWriter(handle: FileHandle): NewArchiveFile & { flush(): Promise<void> } {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let at = 0;
  const flush = async () => {
    const bytes = Buffer.concat(pieces);
    [pieces, held] = [[], 0];
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at);
      done += bytesWritten;
      at += bytesWritten;
    }
  };
  return {
    flush,
    async sink(bytes) {
      pieces.push(bytes);
      held += bytes.length;
      if (held >= WRITE_BYTES) await flush();
    },
    async reread(from, bytes) {
      await flush();
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, from);
      if (bytesRead !== bytes) throw new Error("the backup's own file cannot be read back");
      return buffer;
    },
  };
}

/**
 * Reads a backup's file to its end. With `verify` every byte is read and accounted for; without it, what is not wanted is
 * leapt over. A damaged, cut off or foreign file is an `OperatorError`.
 */
export async function* readArchiveFile(
  path: string,
  wanted: { rows: boolean; files: boolean; verify: boolean },
): AsyncGenerator<BackupPiece> {
  const handle = await open(resolve(path), "r").catch((error: Error) => {
    throw new OperatorError(`${resolve(path)} cannot be read: ${error.message}`);
  });
  try {
    const { size } = await handle.stat();
    const plain = fileSource(handle, size);
    if (!wanted.verify) yield* readBackup(plain, wanted);
    else {
      const hashing = hashingSource(plain);
      yield* readBackup(hashing, { rows: true, files: true, digest: hashing.digest });
    }
  } catch (error) {
    throw refusalOf(error, resolve(path));
  } finally {
    await handle.close();
  }
}

/** The sentence for a backup that is not whole; every other error as it is. */
export function refusalOf(error: unknown, what: string): unknown {
  if (!(error instanceof ArchiveFault)) return error;
  return new OperatorError(`${what} is no whole backup, ${error.message}. Nothing was changed; take another one.`);
}
