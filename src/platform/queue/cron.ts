import { Cron } from "croner";
import { and, eq, lt, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";
import { type EnqueueNeeds, enqueue } from "./enqueue.ts";
import { schedules } from "./tables.ts";

/** A recurring job: a cron line (Moscow time, seconds allowed) and the kind of job that it puts into the queue. */
export interface Schedule {
  name: string;
  cron: string;
  kind: string;
}

export interface SchedulerNeeds {
  db: Queries;
  clock: Clock;
  log: Log;
  wakeUps: WakeUps;
  transaction<T>(work: (inner: EnqueueNeeds) => Promise<T>): Promise<T>;
}

const TICK_MS = 1_000;

/** Where the product's days and months begin. */
export const SCHEDULE_TIME_ZONE = "Europe/Moscow";

/**
 * Starts putting recurring jobs into the queue. Any number of schedulers may run: the slot is advanced and the job
 * enqueued in one transaction, so each slot yields one job whoever comes first. Slots missed while nothing ran yield
 * one job, not many.
 */
export function startScheduler(needs: SchedulerNeeds, entries: readonly Schedule[]): { stop(): Promise<void> } {
  const crons = entries.map((entry) => ({ entry, cron: new Cron(entry.cron, { timezone: SCHEDULE_TIME_ZONE }) }));
  const nextAt = new Map<string, number>();
  let running: Promise<void> = Promise.resolve();
  const tick = async () => {
    for (const { entry, cron } of crons) {
      if (needs.clock.now().getTime() < (nextAt.get(entry.name) ?? 0)) continue;
      try {
        nextAt.set(entry.name, await runDue(needs, entry, cron));
      } catch (error) {
        needs.log.error("a schedule could not be run", { schedule: entry.name, error });
      }
    }
  };
  const timer = setInterval(() => {
    running = running.then(tick);
  }, TICK_MS);
  running = tick();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

/** Enqueues the entry's job if its last slot was not used yet; returns when the next slot begins, in ms since 1970. */
export async function runDue(needs: SchedulerNeeds, entry: Schedule, cron: Cron): Promise<number> {
  const now = needs.clock.now();
  const next = cron.nextRun(now);
  const slot = cron.previousRuns(1, now)[0] ?? null;
  const nextMs = next?.getTime() ?? Number.POSITIVE_INFINITY;
  if (!slot) return nextMs;
  await needs.transaction(async (inner) => {
    const first = await inner.db
      .insert(schedules)
      .values({ name: entry.name, lastSlot: slot, runs: 1 })
      .onConflictDoNothing()
      .returning({ name: schedules.name });
    const advanced =
      first.length > 0
        ? first
        : await inner.db
            .update(schedules)
            .set({ lastSlot: slot, runs: sql`${schedules.runs} + 1` })
            .where(and(eq(schedules.name, entry.name), lt(schedules.lastSlot, slot)))
            .returning({ name: schedules.name });
    if (advanced.length > 0) await enqueue(inner, entry.kind, {}, { uniqueKey: `schedule:${entry.name}` });
  });
  return nextMs;
}
