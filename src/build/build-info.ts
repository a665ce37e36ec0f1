import { version as sourceVersion } from "../../package.json";

// Put in place by the compiler (src/build/executable.ts); absent when the program runs from its source.
declare const ATELIER_VERSION: string | undefined;
declare const ATELIER_COMMIT: string | undefined;
declare const ATELIER_BUILT_AT: string | undefined;
declare const ATELIER_TARGET: string | undefined;
declare const ATELIER_LIBVIPS: string | undefined;

/** What is running, for `atelier version`, the log's first line and the API's description. */
export interface BuildInfo {
  version: string;
  /** The first twelve digits of the git commit, with `+changes` where the tree was not clean; `unknown` without git. */
  commit: string;
  /** ISO 8601, UTC; undefined when the program runs from its source. */
  builtAt: string | undefined;
  /** The machine that it was compiled for, such as `linux-x64-musl`; undefined when the program runs from its source. */
  target: string | undefined;
  /** The version of the libvips inside; undefined when the program runs from its source. */
  libvips: string | undefined;
}

export const buildInfo: BuildInfo = {
  version: typeof ATELIER_VERSION === "string" ? ATELIER_VERSION : sourceVersion,
  commit: typeof ATELIER_COMMIT === "string" ? ATELIER_COMMIT : "source",
  builtAt: typeof ATELIER_BUILT_AT === "string" ? ATELIER_BUILT_AT : undefined,
  target: typeof ATELIER_TARGET === "string" ? ATELIER_TARGET : undefined,
  libvips: typeof ATELIER_LIBVIPS === "string" ? ATELIER_LIBVIPS : undefined,
};
