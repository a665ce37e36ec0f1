import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { holdWindow } from "./places.ts";

/** At most `count` times in any `windowMs`, over all processes that share the database. */
export interface RateWindow {
  name: string;
  count: number;
  windowMs: number;
}

export interface WindowNeeds {
  clock: Clock;
  transaction<T>(work: (inner: { db: Queries; clock: Clock }) => Promise<T>): Promise<T>;
}

/**
 * Takes one place in the window; returns 0, or the milliseconds to wait before asking again. The moments themselves are
 * kept rather than a refilled counter, because a counter lets twice the number pass around a refill, and the provider
 * counts in any window.
 */
export async function takePlace(needs: WindowNeeds, window: RateWindow): Promise<number> {
  return needs.transaction(async (inner) => {
    const held = await holdWindow(inner, window);
    if (held.free > 0) await held.take(1);
    return held.waitMs;
  });
}
