/**
 * How long the notices of one topic wait for more to tell, in ms.
 *
 * A notice with its hearing costs as much of the processor's time as three small transactions. After a pause there is
 * nothing to gather with, and it goes out at once. Where many wake-ups follow one another, each notice that had many to tell
 * makes the next one wait twice as long, up to the most, so that telling costs little beside writing, on a busy machine
 * too, where less is written in the same time; the first that had few to tell ends that.
 */
export interface NoticePace {
  /** For how long what is woken now waits for more. */
  waitMs(): number;
  /** A notice goes out that tells of so many wake-ups. */
  sent(wakeUps: number): void;
}

export interface NoticePaceOptions {
  leastMs: number;
  mostMs: number;
  /** Whether what comes after a pause waits for nothing. */
  loneAtOnce: boolean;
}

/** So many in one notice are a reason to wait longer with the next. */
export const MANY_WAKE_UPS = 4;

export function createNoticePace(
  { leastMs, mostMs, loneAtOnce }: NoticePaceOptions,
  monotonicMs: () => number = () => performance.now(),
): NoticePace {
  let gatherMs = leastMs;
  let sentMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs() {
      const isLone = monotonicMs() - sentMs >= gatherMs;
      if (isLone) gatherMs = leastMs;
      return isLone && loneAtOnce ? 0 : gatherMs;
    },
    sent(wakeUps) {
      sentMs = monotonicMs();
      gatherMs = wakeUps >= MANY_WAKE_UPS ? Math.min(mostMs, 2 * gatherMs) : leastMs;
    },
  };
}
