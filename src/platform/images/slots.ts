/** A bound on how many pictures are worked on at once; the rest wait in the order in which they came. */
export interface ImageSlots {
  /** Runs `work` as soon as a slot is free. What `work` throws reaches the caller, and the slot is free again. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** How many callers wait for a slot, for metrics and for refusing work when too many do. */
  waiting(): number;
  /** How many pictures are worked on. */
  inUse(): number;
}

/** Pictures worked on at once, unless told otherwise: as many as the cores of the machines that this is meant for. */
export const IMAGE_CONCURRENCY_DEFAULT = 2;

/**
 * Makes the slots. The worst picture within the limits (40 megapixels, interlaced, 16 bits) takes 370 MB while it is
 * decoded, so it is their number, not that of the callers, that decides how much memory the process needs.
 */
export function createImageSlots(concurrency: number = IMAGE_CONCURRENCY_DEFAULT): ImageSlots {
  const waiters: (() => void)[] = [];
  let free = concurrency;

  const take = async (): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve) => waiters.push(resolve));
  };

  // A slot is handed to the next waiter rather than freed, so that nobody who comes later gets in between.
  const giveBack = (): void => {
    const next = waiters.shift();
    if (next) next();
    else free += 1;
  };

  return {
    run: async (work) => {
      await take();
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
    waiting: () => waiters.length,
    inUse: () => concurrency - free,
  };
}
