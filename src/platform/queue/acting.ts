import { and, eq, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { newId } from "../ids.ts";
import { isGone, processIdentity } from "./rescue.ts";
import { schedulerLease } from "./tables.ts";

/**
 * Which of several schedulers acts: the one that holds the one row of a table.
 *
 *   hold:     the holder counts a beat up every few seconds; one that was suspended finds another's name there and stops
 *   silence:  a beat that has not changed for `SILENT_MS_MAX` of the watcher's own monotonic time belongs to nobody any
 *             more; whoever changes the row first has it. Clocks are not compared, so none that is wrong takes it away
 *   death:    a holder on this very machine whose process is gone is not waited for
 *   release:  whoever stops removes the row, and another takes its place at its next look
 *
 * Should two act for a moment all the same, each slot still yields one job (cron.ts).
 */
export interface Acting {
  /** Whether this process is to act now. */
  hold(): Promise<boolean>;
  release(): Promise<void>;
}

interface ActingNeeds {
  db: Queries;
  clock: Clock;
}

/** How long a holder relies on its last beat. */
export const BEAT_MS = 3_000;
export const SILENT_MS_MAX = 10_000;
/** The one row. */
const NAME = "scheduler";

export function createActing(needs: ActingNeeds, monotonicMs: () => number = () => performance.now()): Acting {
  const holderId = newId();
  let beatMs: number | null = null;
  let seen = { holderId: "", beats: -1, sinceMs: 0 };

  const beat = async (): Promise<boolean> => {
    const begunMs = monotonicMs();
    const kept = await needs.db
      .update(schedulerLease)
      .set({ beats: sql`${schedulerLease.beats} + 1`, beatAt: needs.clock.now() })
      .where(eq(schedulerLease.holderId, holderId))
      .returning({ name: schedulerLease.name });
    beatMs = kept.length > 0 ? begunMs : null;
    return beatMs !== null;
  };
  const take = async (): Promise<boolean> => {
    const begunMs = monotonicMs();
    const now = needs.clock.now();
    const mine = { holderId, ...processIdentity(), beats: 0, actsSince: now, beatAt: now };
    const [holder] = await needs.db.select().from(schedulerLease).where(eq(schedulerLease.name, NAME));
    if (!holder) {
      const made = await needs.db
        .insert(schedulerLease)
        .values({ name: NAME, ...mine })
        .onConflictDoNothing()
        .returning({ name: schedulerLease.name });
      beatMs = made.length > 0 ? begunMs : null;
      return beatMs !== null;
    }
    if (holder.holderId !== seen.holderId || holder.beats !== seen.beats) {
      seen = { holderId: holder.holderId, beats: holder.beats, sinceMs: begunMs };
    }
    if (begunMs - seen.sinceMs < SILENT_MS_MAX && !isGone(holder)) return false;
    const taken = await needs.db
      .update(schedulerLease)
      .set(mine)
      .where(and(eq(schedulerLease.holderId, holder.holderId), eq(schedulerLease.beats, holder.beats)))
      .returning({ name: schedulerLease.name });
    beatMs = taken.length > 0 ? begunMs : null;
    return beatMs !== null;
  };

  return {
    async hold() {
      if (beatMs !== null && monotonicMs() - beatMs < BEAT_MS) return true;
      return (beatMs !== null && (await beat())) || (await take());
    },
    async release() {
      beatMs = null;
      await needs.db.delete(schedulerLease).where(eq(schedulerLease.holderId, holderId));
    },
  };
}

/** The scheduler that acts; null where none does. */
export async function actingScheduler(needs: Pick<ActingNeeds, "db">) {
  const [holder] = await needs.db.select().from(schedulerLease).where(eq(schedulerLease.name, NAME));
  return holder ?? null;
}
