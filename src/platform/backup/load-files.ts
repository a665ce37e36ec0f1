import { createHash } from "node:crypto";
import { OperatorError } from "../errors.ts";
import { type Storage, StorageKeyTaken } from "../storage/storage.ts";
import type { BackupPiece } from "./read.ts";

/**
 * Whether the storage may take the backup's files: it is empty, or what lies in it are files of this very backup from a
 * restore that was begun and not finished. Throws an `OperatorError` otherwise.
 */
export async function lookAtStorage(
  storage: Storage,
  wasBegun: boolean,
  sizes: ReadonlyMap<string, number>,
): Promise<void> {
  for await (const { key, bytes } of storage.list()) {
    if (wasBegun && sizes.get(key) === bytes) continue;
    throw new OperatorError(
      "The storage is not empty. Empty it first, or keep its files as they are and restore the database alone: " +
        "atelier restore <file> --without-files",
    );
  }
}

/** Stores the files; one that an earlier attempt has stored is compared instead. Returns how many there are. */
export async function loadFiles(
  pieces: AsyncIterable<BackupPiece>,
  storage: Storage,
  progress: (files: number) => void,
): Promise<number> {
  let files = 0;
  for await (const piece of pieces) {
    if (piece.kind !== "file") continue;
    const { key, mime, content } = piece;
    try {
      await storage.put(key, content, { mime });
    } catch (error) {
      if (!(error instanceof StorageKeyTaken)) throw error;
      const there = await (await storage.read(key))?.content();
      if (there === undefined || hashOf(there) !== hashOf(content)) {
        throw new OperatorError(`The storage holds another file under ${key}. Empty it and restore once more.`);
      }
    }
    files += 1;
    progress(files);
  }
  return files;
}

/** Throws an `OperatorError` unless the storage lists exactly the backup's files, with their sizes. */
export async function compareFiles(storage: Storage, sizes: ReadonlyMap<string, number>): Promise<void> {
  let found = 0;
  for await (const { key, bytes } of storage.list()) if (sizes.get(key) === bytes) found += 1;
  if (found !== sizes.size) throw new OperatorError(`The storage lists ${found} of the backup's ${sizes.size} files.`);
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
