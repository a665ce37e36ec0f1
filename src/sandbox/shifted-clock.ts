import { after, type Clock } from "../platform/clock.ts";

/** A clock that goes with another one and can be put forward. */
export interface ShiftedClock extends Clock {
  /** Puts it `ms` milliseconds forward, on top of what it was put forward before. */
  advance(ms: number): void;
}

/** Starts level with `base`. */
export function shiftedClock(base: Clock): ShiftedClock {
  let offsetMs = 0;
  return {
    now: () => after(base.now(), offsetMs),
    advance(ms) {
      offsetMs += ms;
    },
  };
}
