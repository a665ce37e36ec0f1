import { join } from "node:path";
import { OperatorError } from "../platform/errors.ts";
import type { EmbeddedSharp } from "../platform/images/native-code.ts";
import { NATIVE_FOLDER_ADVICE, nativeFolder, placeNativeFiles } from "../platform/images/native-files.ts";
import { markLoaded } from "../platform/images/native-mark.ts";

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
  const folder = nativeFolder(embedded);
  placeNativeFiles(embedded, folder);
  const addon = loadAddon(join(folder, embedded.addon.placedAt), folder);
  markLoaded(embedded, folder);
  return addon;
}

function loadAddon(path: string, folder: string): unknown {
  const module = { exports: {} as SharpAddon };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new OperatorError(`The native image code in ${folder} could not be loaded. ${explain(words)}`);
  }
  // Elsewhere the addon says no as well: there is no such thing on an ARM processor.
  if (process.arch === "x64" && module.exports._isUsingX64V2?.() === false) {
    throw new OperatorError("This processor is too old for the native image code: it lacks x86-64-v2 (SSE4.2).");
  }
  return module.exports;
}

const NEEDED_SYSTEM =
  "It needs glibc 2.28 or newer with libstdc++; the file for musl needs musl 1.2.5 and the libstdc++ of GCC 13, as in Alpine 3.20.";

/** The system loader's words, with what to do about those that are known. */
function explain(words: string): string {
  if (/failed to map segment|operation not permitted/i.test(words)) {
    return `It lies on a file system that is mounted noexec. ${NATIVE_FOLDER_ADVICE}`;
  }
  if (/GLIBC|CXXABI|not found/.test(words)) return `The system is too old for it (${words}). ${NEEDED_SYSTEM}`;
  if (/cannot open shared object file/.test(words)) return `The system lacks a library that it needs (${words}).`;
  return `The system said: ${words}`;
}
