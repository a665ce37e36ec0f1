import { embeddedSharp } from "./native-code.ts";
import { limitNativeHeaps } from "./native-environment.ts";
import { nativeFolder } from "./native-files.ts";
import { wasLoadedHere } from "./native-mark.ts";

/** Sharp's module function with everything that hangs on it. */
export type SharpModule = typeof import("sharp").default;

/**
 * The decoders that may run, by libvips' class names: the three formats that people send, from memory only. All others
 * (SVG, GIF, TIFF, HEIF, PDF and every loader that takes a path) stay blocked for the whole process.
 */
const LOADERS_ALLOWED = ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"];

/** Threads within one operation. The slots give parallelism; more threads each would only add memory. */
const THREADS_PER_OPERATION = 1;

let loading: Promise<SharpModule> | undefined;

/**
 * Loads the native image code at the first call and answers the same module afterwards. Not loaded at the start of the
 * program, since that takes about 40 ms. Throws `OperatorError` where the compiled file cannot unpack it.
 */
export async function loadSharp(): Promise<SharpModule> {
  loading ??= load();
  return loading;
}

let isProven = false;

/**
 * Makes sure that `loadSharp` will work, without loading anything where an earlier process has shown it: 20 MB and 40 ms that a
 * server saves until its first picture. Throws the `OperatorError` of `loadSharp` where it does not.
 */
export async function proveSharp(): Promise<void> {
  if (loading === undefined && embeddedSharp !== null) {
    isProven ||= wasLoadedHere(embeddedSharp, nativeFolder(embeddedSharp));
    if (isProven) return;
  }
  await loadSharp();
}

async function load(): Promise<SharpModule> {
  // A server has said so at its start; whoever else works on pictures has few threads before this.
  limitNativeHeaps();
  const { default: sharp } = await import("sharp");
  return restrict(sharp);
}

function restrict(sharp: SharpModule): SharpModule {
  // Each picture is seen once, so that a cache of operations would hold memory for nothing.
  sharp.cache(false);
  sharp.concurrency(THREADS_PER_OPERATION);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS_ALLOWED });
  return sharp;
}
