import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** The name that libvips gives to the threads in which pictures are decoded, scaled and encoded. */
export const PICTURE_THREAD = "libvips worker";
/** How much nicer than the event loop's they are: as nice(1) by default. */
const NICER_BY = 10;
const NICENESS_MAX = 19;
/** Only Linux tells of threads one by one, and gives each its own priority. */
const THREADS = "/proc/self/task";

/** Looks for threads that work on pictures and have not been told yet to let others go first. */
export type TellNewThreads = () => void;

/**
 * Pictures keep every core busy for a tenth of a second each, and the event loop needs one for a fraction of a millisecond:
 * threads of the same priority would make it wait for its turn among them. So theirs is lower. They get the same time as
 * before where nobody else wants it. They begin as libvips needs them and go on to the next picture; whoever has
 * finished one calls this. Does nothing where there are no such threads to be found.
 */
export function createThreadTeller(): TellNewThreads {
  let known = new Set<string>();
  return () => {
    const threads = namesIn(THREADS);
    for (const thread of threads) {
      if (known.has(thread) || nameOf(thread) !== PICTURE_THREAD) continue;
      try {
        setPriority(Number(thread), Math.min(NICENESS_MAX, getPriority() + NICER_BY));
      } catch {
        // It has ended meanwhile, or the system does not let us: pictures are made all the same.
      }
    }
    known = new Set(threads);
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function nameOf(thread: string): string {
  try {
    return readFileSync(`${THREADS}/${thread}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}
