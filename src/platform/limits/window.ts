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
    const held = await holdWindow(inner, window);
    if (held.free > 0) await held.take(1);
    return held.waitMs;
  });
}

/** A window that a transaction holds: nobody else takes a place in it before the commit. */
export interface HeldWindow {
  /** Places that are free now. */
  free: number;
  /** Milliseconds until the next place is free; 0 while one is. */
  waitMs: number;
  /** Takes so many of the free places. */
  take(count: number): Promise<void>;
}

/**
 * Holds a window until the end of the caller's transaction, for work that takes many places in one step. It must be a
 * transaction's context: outside of one two processes could take the same places.
 */
export async function holdWindow(tx: { db: Queries; clock: Clock }, window: RateWindow): Promise<HeldWindow> {
  const recent = await lockedMoments(tx, window);
  const free = Math.max(0, window.count - recent.length);
  const nowMs = tx.clock.now().getTime();
  const oldest = free > 0 ? undefined : recent[recent.length - window.count];
  return {
    free,
    waitMs: oldest === undefined ? 0 : oldest + window.windowMs - nowMs + 1,
    async take(count) {
      await writeMoments(tx, window, [...recent, ...Array<number>(count).fill(nowMs)]);
    },
  };
}

/**
 * Moves `count` places taken at `takenAt` to the present moment: what was begun then has ended only now. A window whose
 * places are held until the other side has answered is never exceeded there, however long the way is.
 */
export async function restampPlaces(
  tx: { db: Queries; clock: Clock },
  window: RateWindow,
  takenAt: Date,
  count: number,
): Promise<void> {
  const recent = await lockedMoments(tx, window);
  let left = count;
  const others = recent.filter((at) => at !== takenAt.getTime() || left-- <= 0);
  await writeMoments(tx, window, [...others, ...Array<number>(count).fill(tx.clock.now().getTime())]);
}

/** The moments that count now, oldest first. Writing the row locks it. */
async function lockedMoments(tx: { db: Queries; clock: Clock }, window: RateWindow): Promise<number[]> {
  await tx.db.insert(rateWindows).values({ name: window.name, recentMs: [] }).onConflictDoNothing();
  const [row] = await tx.db
    .update(rateWindows)
    .set({ name: window.name })
    .where(eq(rateWindows.name, window.name))
    .returning();
  const nowMs = tx.clock.now().getTime();
  // Clocks of several machines differ, so a moment just ahead of ours counts; one further ahead was a wrong clock's.
  return (row?.recentMs ?? [])
    .filter((at) => at > nowMs - window.windowMs && at < nowMs + window.windowMs)
    .sort((a, b) => a - b);
}

async function writeMoments(tx: { db: Queries }, window: RateWindow, recentMs: number[]): Promise<void> {
  await tx.db.update(rateWindows).set({ recentMs }).where(eq(rateWindows.name, window.name));
}
