import type { Clock } from "../../src/platform/clock.ts";

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  set(moment: Date | string): void;
  advance(ms: number): void;
}

/** Noon in Moscow on an ordinary day, unless a test needs another moment. */
export function createTestClock(start: Date | string = "2026-11-18T09:00:00.000Z"): TestClock {
  let now = new Date(start).getTime();
  return {
    now: () => new Date(now),
    set(moment) {
      now = new Date(moment).getTime();
    },
    advance(ms) {
      now += ms;
    },
  };
}

/** The machine's own clock, for tests in which real workers run. It cannot be moved. */
export const realClock: TestClock = {
  now: () => new Date(),
  set: () => {
    throw new Error("the real clock cannot be moved");
  },
  advance: () => {
    throw new Error("the real clock cannot be moved");
  },
};
