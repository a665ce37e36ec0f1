import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { EmbeddedSharp } from "./native-code.ts";
import { nativeFilesAreWhole } from "./native-files.ts";

/** Lies beside the unpacked files. */
const MARK = "loaded.json";

/** That this code was loaded on this system, and what the system was then. */
interface Mark {
  /** The system's own libraries that the process ran with. */
  libraries: readonly string[];
  /** Of the code and of everything that decides whether it can be loaded. */
  fingerprint: string;
}

/**
 * Whether these files were loaded here before, by this process or an earlier one, and nothing has changed since that loading
 * them depends on: they are whole and may be executed, and kernel, processor and the system's libraries are the same.
 * Then a process may leave loading them to the first picture. Any doubt is a no, and loading tells what is wrong.
 */
export function wasLoadedHere(embedded: EmbeddedSharp, folder: string): boolean {
  try {
    const { libraries, fingerprint } = JSON.parse(readFileSync(join(folder, MARK), "utf8")) as Mark;
    if (libraries.length === 0 || fingerprint !== fingerprintOf(embedded, libraries)) return false;
    // Says no on a file system that is mounted noexec, to root as well.
    for (const file of [embedded.addon, embedded.library]) accessSync(join(folder, file.placedAt), constants.X_OK);
    return nativeFilesAreWhole(embedded, folder);
  } catch {
    return false;
  }
}

/** Leaves the mark of a process that has just loaded the files. Without one, the next process loads them at its start. */
export function markLoaded(embedded: EmbeddedSharp, folder: string): void {
  const path = join(folder, MARK);
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}`;
  try {
    const libraries = systemLibraries(folder);
    const mark: Mark = { libraries, fingerprint: fingerprintOf(embedded, libraries) };
    writeFileSync(temporary, JSON.stringify(mark), { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch {
    // A disk that is full or read-only by now, or a system that does not tell of its libraries: pictures can be worked on.
    rmSync(temporary, { force: true });
  }
}

/** The shared libraries that the process runs with, but for those in `folder`. Throws where the system does not tell. */
function systemLibraries(folder: string): string[] {
  const mapped = readFileSync("/proc/self/maps", "utf8").matchAll(/^\S+ \S+ \S+ \S+ \S+ +(\/.*\.so[.\d]*)$/gm);
  const paths = [...mapped].map(([, path = ""]) => path).filter((path) => !path.startsWith(`${folder}/`));
  return [...new Set(paths)].toSorted();
}

/** The parts are the same after a restart of the machine and in a new container of the same image. Throws where a library is gone. */
function fingerprintOf({ addon, library }: EmbeddedSharp, libraries: readonly string[]): string {
  const parts = [
    [addon.sha256, library.sha256],
    [process.platform, process.arch, release()],
    processorFeatures(),
    [process.env.LD_LIBRARY_PATH ?? "", process.env.LD_PRELOAD ?? ""],
    libraries.map((path) => {
      const { size, mtimeMs } = statSync(path);
      return [path, size, mtimeMs];
    }),
  ];
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Room for what the system tells of the first core. All of them would be long on a large machine. */
const PROCESSOR_BYTES = 4_096;

/** What the first core can do, in the system's words: a disk may come to a machine with an older processor. */
function processorFeatures(): string[] {
  const descriptor = openSync("/proc/cpuinfo", constants.O_RDONLY);
  try {
    const buffer = Buffer.alloc(PROCESSOR_BYTES);
    const text = buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, PROCESSOR_BYTES, null));
    return text.split("\n").filter((line) => /^(model name|flags|Features|CPU part)\s*:/.test(line));
  } finally {
    closeSync(descriptor);
  }
}
