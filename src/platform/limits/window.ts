import { eq } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { rateWindows } from "./tables.ts";

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
    await inner.db.insert(rateWindows).values({ name: window.name, recentMs: [] }).onConflictDoNothing();
    // Writing the row locks it, so that two workers cannot take the same place.
    const [row] = await inner.db
      .update(rateWindows)
      .set({ name: window.name })
      .where(eq(rateWindows.name, window.name))
      .returning();
    const nowMs = inner.clock.now().getTime();
    // Clocks of several machines differ, so a moment just ahead of ours counts; one further ahead was a wrong clock's.
    const recent = (row?.recentMs ?? [])
      .filter((at) => at > nowMs - window.windowMs && at < nowMs + window.windowMs)
      .sort((a, b) => a - b);
    const oldest = recent.length >= window.count ? recent[recent.length - window.count] : undefined;
    if (oldest !== undefined) return oldest + window.windowMs - nowMs + 1;
    await inner.db
      .update(rateWindows)
      .set({ recentMs: [...recent, nowMs] })
      .where(eq(rateWindows.name, window.name));
    return 0;
  });
}
