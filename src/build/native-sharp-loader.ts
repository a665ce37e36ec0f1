import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { OperatorError } from "../platform/errors.ts";
import { nativeCacheFolder } from "../platform/images/cache-folder.ts";

/** A native file inside the compiled file, and what it must be once it is outside. */
export interface EmbeddedNativeFile {
  /** Bun's path of the embedded bytes. */
  embeddedAt: string;
  /** Where it goes, seen from the version's folder. */
  placedAt: string;
  bytes: number;
  sha256: string;
}

/** Sharp's native code as the compiled file carries it. */
export interface EmbeddedSharp {
  version: string;
  addon: EmbeddedNativeFile;
  /** libvips, which the addon asks the system's loader for; it finds it by its own relative path (RPATH). */
  library: EmbeddedNativeFile;
}

interface SharpAddon {
  _isUsingX64V2?(): boolean;
}

/**
 * Takes the place of sharp's own search for its addon in the compiled file: the system can only load code from real
 * files, so both are written once into the private cache folder and loaded from there.
 *
 * What is already there is hashed before it is trusted, each time: a file cut short by a full disk or a power cut would
 * otherwise crash the process. That costs about 10 ms for the 18 MB (SHA-256 with the processor's help). Files get
 * their name only when complete (temporary name, then rename), so any number of processes may start at once.
 *
 * Throws `OperatorError` where the folder cannot be used or the machine cannot run the code.
 */
export function loadNativeSharp(embedded: EmbeddedSharp): unknown {
  const folder = join(nativeCacheFolder(), folderName(embedded));
  for (const file of [embedded.library, embedded.addon]) placeOnce(file, folder);
  return loadAddon(join(folder, embedded.addon.placedAt), folder);
}

/** Another version or another build of the same version gets another folder, so that old and new run side by side. */
function folderName({ version, addon, library }: EmbeddedSharp): string {
  const content = new Bun.CryptoHasher("sha256").update(addon.sha256 + library.sha256).digest("hex");
  return `sharp-${version}-${content.slice(0, 16)}`;
}

function placeOnce(file: EmbeddedNativeFile, folder: string): void {
  const path = join(folder, file.placedAt);
  if (holdsExactly(path, file)) return;
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, readFileSync(file.embeddedAt), { mode: 0o500, flag: "wx" });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new OperatorError(`The native image code could not be unpacked into ${folder} (${reason(cause)}). ${ADVICE}`);
  }
  if (!holdsExactly(path, file)) {
    throw new OperatorError(`The native image code in ${folder} does not read back as it was written. ${ADVICE}`);
  }
}

const READ_CHUNK_BYTES = 1024 * 1024;

/** Whether a regular file with just these bytes is there. Links are not followed. */
function holdsExactly(path: string, expected: EmbeddedNativeFile): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size !== expected.bytes) return false;
    // In chunks: the whole file at once would stay in the idle process as 18 MB more memory.
    const hasher = new Bun.CryptoHasher("sha256");
    const chunk = new Uint8Array(READ_CHUNK_BYTES);
    for (let read = 1; read > 0; ) {
      read = readSync(descriptor, chunk, 0, chunk.length, null);
      hasher.update(chunk.subarray(0, read));
    }
    return hasher.digest("hex") === expected.sha256;
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}

function loadAddon(path: string, folder: string): unknown {
  const module = { exports: {} as SharpAddon };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    throw new OperatorError(`The native image code in ${folder} could not be loaded. ${explain(reason(cause))}`);
  }
  // Elsewhere the addon says no as well: there is no such thing on an ARM processor.
  if (process.arch === "x64" && module.exports._isUsingX64V2?.() === false) {
    throw new OperatorError("This processor is too old for the native image code: it lacks x86-64-v2 (SSE4.2).");
  }
  return module.exports;
}

const ADVICE = "Set ATELIER_CACHE_DIR to a folder that belongs to this user, can be written and is not mounted noexec.";

const NEEDED_SYSTEM =
  "It needs glibc 2.28 or newer with libstdc++; the file for musl needs musl 1.2.5 and the libstdc++ of GCC 13, as in Alpine 3.20.";

/** The system loader's words, with what to do about those that are known. */
function explain(words: string): string {
  if (/failed to map segment|operation not permitted/i.test(words)) {
    return `It lies on a file system that is mounted noexec. ${ADVICE}`;
  }
  if (/GLIBC|CXXABI|not found/.test(words)) return `The system is too old for it (${words}). ${NEEDED_SYSTEM}`;
  if (/cannot open shared object file/.test(words)) return `The system lacks a library that it needs (${words}).`;
  return `The system said: ${words}`;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
