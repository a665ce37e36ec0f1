import type { FileFacts } from "./exact-file.ts";

/** A native file inside the compiled file, and what it must be once it is outside. */
export interface EmbeddedNativeFile extends FileFacts {
  /** Bun's path of the embedded bytes. */
  embeddedAt: string;
  /** Where it goes, seen from the version's folder. */
  placedAt: string;
}

/** Sharp's native code as the compiled file carries it. */
export interface EmbeddedSharp {
  version: string;
  addon: EmbeddedNativeFile;
  /** libvips, which the addon asks the system's loader for; it finds it by its own relative path (RPATH). */
  library: EmbeddedNativeFile;
}

/**
 * What the compiled file carries; null where the program runs from its source and sharp finds its native code by itself.
 * The compiler puts another module in the place of this one (src/build/sharp-plugin.ts).
 */
export const embeddedSharp: EmbeddedSharp | null = null;
