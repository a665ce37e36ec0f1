/** The only source of "now" in the product, so that tests can move time. */
export interface Clock {
  /** The present moment. */
  now(): Date;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => new Date() };

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The moment `ms` milliseconds after (or, negative, before) `moment`. */
export function after(moment: Date, ms: number): Date {
  return new Date(moment.getTime() + ms);
}

/** The later one of two moments. */
export function later(one: Date, other: Date): Date {
  return new Date(Math.max(one.getTime(), other.getTime()));
}
