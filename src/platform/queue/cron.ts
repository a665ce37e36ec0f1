import { Cron } from "croner";
import { and, eq, gt, like, lt, or, sql } from "drizzle-orm";
import { after, type Clock, HOUR_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";
import { createActing } from "./acting.ts";
import { type EnqueueNeeds, enqueue } from "./enqueue.ts";
import { FAILED_TOO_OFTEN } from "./outcome.ts";
import { jobs, schedules } from "./tables.ts";

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
/**
 * A used slot that lies further ahead than this was written by a clock that was wrong, and must not stop the schedule
 * until that moment comes. It is more than the hour by which clocks are set wrong most often, so that such a jump and its
 * correction run nothing twice.
 */
const SLOT_AHEAD_MS_MAX = 2 * HOUR_MS;

/** Where the product's days and months begin. */
export const SCHEDULE_TIME_ZONE = "Europe/Moscow";

/**
 * Starts putting recurring jobs into the queue. Any number of schedulers may run: one of them acts (acting.ts). Besides,
 * the slot is advanced and the job enqueued in one transaction, so each slot yields one job whoever comes first. Slots
 * missed while nothing ran yield one job, not many.
 */
export function startScheduler(needs: SchedulerNeeds, entries: readonly Schedule[]): { stop(): Promise<void> } {
  const crons = entries.map((entry) => ({ entry, cron: new Cron(entry.cron, { timezone: SCHEDULE_TIME_ZONE }) }));
  const nextAt = new Map<string, number>();
  let running: Promise<void> = Promise.resolve();
  let lastTick = Number.NEGATIVE_INFINITY;
  const acting = createActing(needs);
  let acts = false;
  const mayAct = async (): Promise<boolean> => {
    try {
      const holds = await acting.hold();
      if (holds !== acts) needs.log.info(holds ? "this scheduler acts now" : "another scheduler acts now");
      acts = holds;
    } catch (error) {
      acts = false;
      needs.log.warn("no scheduler can act while the database is away", { error });
    }
    return acts;
  };
  const tick = async () => {
    if (!(await mayAct())) return;
    const nowMs = needs.clock.now().getTime();
    // What was worked out before the clock was set back may lie anywhere ahead.
    if (nowMs < lastTick) nextAt.clear();
    lastTick = nowMs;
    for (const { entry, cron } of crons) {
      if (nowMs < (nextAt.get(entry.name) ?? 0)) continue;
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
      await acting
        .release()
        .catch((error: unknown) => needs.log.warn("the schedule could not be handed over", { error }));
    },
  };
}

/** Enqueues the entry's job if its last slot was not used yet; returns when the next slot begins, in ms since 1970. */
export async function runDue(needs: SchedulerNeeds, entry: Schedule, cron: Cron): Promise<number> {
  const now = needs.clock.now();
  const next = cron.nextRun(now);
  // One millisecond on, because a slot that begins this very moment counts as begun.
  const slot = cron.previousRuns(1, after(now, 1))[0] ?? null;
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
            .where(
              and(
                eq(schedules.name, entry.name),
                or(lt(schedules.lastSlot, slot), gt(schedules.lastSlot, after(now, SLOT_AHEAD_MS_MAX))),
              ),
            )
            .returning({ name: schedules.name });
    if (advanced.length === 0) return;
    const uniqueKey = `schedule:${entry.name}`;
    const made = await enqueue(inner, entry.kind, {}, { uniqueKey });
    if (made === null) await reviveParked(inner, uniqueKey);
  });
  return nextMs;
}

/**
 * A recurring job that was parked because it failed too often, say during an outage, tries again at its next slot: it
 * would otherwise stand in its own way until an operator looks. One that kills its workers, or gave up, stays parked.
 */
async function reviveParked(needs: EnqueueNeeds, uniqueKey: string): Promise<void> {
  const now = needs.clock.now();
  const revived = await needs.db
    .update(jobs)
    .set({ state: "ready", failures: 0, parkedReason: null, runAt: now, updatedAt: now })
    .where(
      and(eq(jobs.uniqueKey, uniqueKey), eq(jobs.state, "parked"), like(jobs.parkedReason, `${FAILED_TOO_OFTEN}%`)),
    )
    .returning({ id: jobs.id });
  if (revived.length > 0) needs.afterCommit(() => needs.wakeUps.wake("jobs"));
}
