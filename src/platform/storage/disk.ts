import { randomUUID } from "node:crypto";
import { link, lstat, mkdir, open, opendir, readdir, statfs, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { invariant } from "../errors.ts";
import { syncFolder } from "../sync-folder.ts";
import {
  checkRoundTrip,
  isStorageKey,
  type Storage,
  type StorageEntry,
  StorageFailure,
  StorageKeyTaken,
  type StoredFile,
} from "./storage.ts";

export interface DiskStorage extends Storage {
  /**
   * Removes what writes cut off by a crash have left behind, if older than `olderThanMs`; the age keeps it from the
   * writes that are under way. Resolves with the number of files removed.
   */
  sweepTemporary(olderThanMs: number): Promise<number>;
}

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Beside the files, hence on the same file system. No key starts with a dot. */
const TEMPORARY_FOLDER = ".tmp";
const TEMPORARY_SUFFIX = ".tmp";
/** With less, nothing is begun that would have to be stored. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;

/**
 * Files in a private folder of this machine. A file appears under its key complete and on the disk, or not at all:
 * written under a temporary name, synced, linked to its key (linking fails where renaming would overwrite), and the
 * folder's entry synced too. Needs a file system with hard links. The folder is made at the first write.
 */
export function createDiskStorage(options: { folder: string; clock?: Clock }): DiskStorage {
  const root = resolve(options.folder);
  const clock = options.clock ?? systemClock;
  const temporaryFolder = join(root, TEMPORARY_FOLDER);
  const makeFolder = oneAtATime(makeFolderSynced);
  const pathOf = (key: string): string => {
    invariant(isStorageKey(key), `malformed storage key: ${JSON.stringify(key)}`);
    return join(root, key);
  };

  const storage: DiskStorage = {
    async put(key, content) {
      const path = pathOf(key);
      const temporary = join(temporaryFolder, `${randomUUID()}${TEMPORARY_SUFFIX}`);
      try {
        await makeFolder(temporaryFolder);
        try {
          await writeSynced(temporary, content);
          await makeFolder(dirname(path));
          await linkOnce(temporary, path, key);
        } finally {
          await unlinkIfThere(temporary);
        }
        await syncFolder(dirname(path));
      } catch (error) {
        throw writeFailure(error);
      }
    },

    async read(key) {
      const path = pathOf(key);
      const facts = await factsOf(path);
      if (facts === null) return null;
      const file = Bun.file(path);
      return { bytes: facts.bytes, stream: () => file.stream(), content: () => file.bytes() };
    },

    async delete(key) {
      const path = pathOf(key);
      if (await unlinkIfThere(path)) await syncFolder(dirname(path));
    },

    list: (prefix = "") => listFrom(root, prefix),

    check: () => checkRoundTrip(storage),

    async ping() {
      const space = await statfs(root).catch(() => null);
      if (space !== null && space.bavail * space.bsize < FREE_BYTES_MIN) {
        throw new StorageFailure("the disk of the pictures is full");
      }
    },

    link: async () => null,

    async sweepTemporary(olderThanMs) {
      const newest = clock.now().getTime() - olderThanMs;
      let removed = 0;
      for (const name of await namesIn(temporaryFolder)) {
        const path = join(temporaryFolder, name);
        const facts = name.endsWith(TEMPORARY_SUFFIX) ? await factsOf(path) : null;
        if (facts !== null && facts.modifiedAt.getTime() <= newest && (await unlinkIfThere(path))) removed += 1;
      }
      return removed;
    },
  };
  return storage;
}

async function writeSynced(path: string, content: Uint8Array | StoredFile): Promise<void> {
  const file = await open(path, "wx", FILE_MODE);
  try {
    if (content instanceof Uint8Array) await file.writeFile(content);
    else for await (const piece of content.stream()) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkOnce(from: string, to: string, key: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    throw hasCode(error, "EEXIST") ? new StorageKeyTaken(key, { cause: error }) : error;
  }
}

/** What the system says when it cannot write: full, read-only, worn out, not ours. */
const REFUSES_TO_WRITE = ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "EPERM", "EMFILE", "ENFILE"];

function writeFailure(error: unknown): unknown {
  const code = REFUSES_TO_WRITE.find((one) => hasCode(error, one));
  return code === undefined ? error : new StorageFailure(`the disk does not take a file: ${code}`, { cause: error });
}

/** Makes the folder and those above it, and syncs the entry of each new one, or a crash could forget them. */
async function makeFolderSynced(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  if (firstMade === undefined) return;
  for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made));
}

/**
 * Calls queue up. Were folders made at the same time, a write could find its folder made by another one, and finish
 * before that one has synced it.
 */
function oneAtATime(work: (folder: string) => Promise<void>): (folder: string) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (folder) => {
    const next = last.then(() => work(folder));
    last = next.catch(() => {});
    return next;
  };
}

/** Size and time of a regular file; null for anything else, a symbolic link included. */
async function factsOf(path: string): Promise<{ bytes: number; modifiedAt: Date } | null> {
  try {
    const facts = await lstat(path);
    return facts.isFile() ? { bytes: facts.size, modifiedAt: facts.mtime } : null;
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
}

/** Whether there was something to remove. */
async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (isNotThere(error)) return false;
    throw error;
  }
}

/** Walks only the folders that can hold keys with this prefix. */
async function* listFrom(root: string, prefix: string, parent = ""): AsyncGenerator<StorageEntry> {
  for await (const entry of entriesOf(join(root, parent))) {
    const key = parent + entry.name;
    // Not a key: temporary files, and what others may have put into the folder.
    if (!isStorageKey(key)) continue;
    if (entry.isDirectory()) {
      const below = `${key}/`;
      if (below.startsWith(prefix) || prefix.startsWith(below)) yield* listFrom(root, prefix, below);
    } else if (key.startsWith(prefix)) {
      const facts = await factsOf(join(root, key));
      if (facts !== null) yield { key, ...facts };
    }
  }
}

async function* entriesOf(folder: string) {
  try {
    yield* await opendir(folder);
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

function isNotThere(error: unknown): boolean {
  return hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
