import { eq, sql } from "drizzle-orm";
import { type Clock, MINUTE_MS } from "../clock.ts";
import type { Queries } from "../db/database.ts";
import { newId } from "../ids.ts";
import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";
import { claim, complete, type LeasedJob } from "./claim.ts";
import { giveBack, giveBackFailed, type JobOutcome, LeaseLost, park } from "./outcome.ts";
import { createRescue, HEARTBEAT_MS, processIdentity, type RescueNeeds, rescueDeadNeighbours } from "./rescue.ts";
import { jobs, workers } from "./tables.ts";

/** Jobs taken in one statement at most. */
const CLAIM_BATCH_SIZE = 100;
/** Behind the wake-ups: an idle worker looks for itself this often. */
const POLL_MS = 1_000;
/** A run that takes longer is given up; its slot is free again and the fence stops what it still writes. */
const RUN_MS_MAX = 5 * MINUTE_MS;
/** Failed runs of one job before it is parked, unless its kind says otherwise. */
const TRIES_MAX = 8;

export interface JobHandler {
  run(job: LeasedJob): Promise<JobOutcome>;
  triesMax?: number;
  runMsMax?: number;
}

export interface WorkerNeeds extends RescueNeeds {
  db: Queries;
  clock: Clock;
  log: Log;
  wakeUps: WakeUps;
  random: () => number;
}

export interface WorkerOptions {
  /** Jobs in hand at once. */
  concurrency: number;
  handlers: ReadonlyMap<string, JobHandler>;
}

export interface Worker {
  readonly id: string;
  /** Takes no more jobs, waits up to `graceMs` for those in hand and gives the rest back. */
  stop(graceMs: number): Promise<void>;
}

/** Starts the loop that takes jobs, runs them and writes down how they ended. */
export async function startWorker(needs: WorkerNeeds, options: WorkerOptions): Promise<Worker> {
  const workerId = newId();
  const kinds = [...options.handlers.keys()].sort();
  await register(needs, workerId, kinds);
  const rescued = await rescueDeadNeighbours(needs);
  if (rescued > 0) needs.log.info("went on with the jobs of a process that died", { jobs: rescued });

  const inHand = new Map<string, LeasedJob>();
  const finished: LeasedJob[] = [];
  const due = new Set<Timer>();
  let stopping = false;
  let wakeLoop: () => void = () => {};
  let flushing: Promise<void> | null = null;

  const flush = async () => {
    // Everything that finished while the last statement ran goes into the next one.
    while (finished.length > 0) {
      const batch = finished.splice(0, CLAIM_BATCH_SIZE);
      try {
        await complete(
          needs,
          batch.map((job) => job.id),
          [...new Set(batch.map((job) => job.lease))],
        );
      } catch (error) {
        // Handlers are repeatable: the lease runs out or the row is found again, and the run ends as "already done".
        needs.log.error("finished jobs could not be removed", { error, jobs: batch.length });
      }
      for (const job of batch) inHand.delete(job.id);
      wakeLoop();
    }
    flushing = null;
  };

  const settle = async (job: LeasedJob, outcome: JobOutcome, handler: JobHandler) => {
    if (outcome.kind === "done") {
      finished.push(job);
      flushing ??= Promise.resolve().then(flush);
      return;
    }
    if (outcome.kind === "later") {
      await giveBack(needs, job, outcome.afterMs);
      wakeAfter(outcome.afterMs);
    } else if (outcome.kind === "give_up") {
      needs.log.error("job parked", { job: job.id, kind: job.kind, reason: outcome.reason });
      await park(needs, job, outcome.reason);
    } else {
      const pauseMs = await giveBackFailed(needs, job, outcome.error, {
        triesMax: handler.triesMax ?? TRIES_MAX,
        random: needs.random,
      });
      const fields = { job: job.id, kind: job.kind, failures: job.failures + 1, error: outcome.error };
      if (pauseMs === null) needs.log.error("job parked after its last try", fields);
      else {
        needs.log.warn("job failed, will be tried again", { ...fields, pauseMs });
        wakeAfter(pauseMs);
      }
    }
    inHand.delete(job.id);
    wakeLoop();
  };

  const wakeAfter = (ms: number) => {
    const timer = setTimeout(() => {
      due.delete(timer);
      wakeLoop();
    }, ms + 1);
    due.add(timer);
  };

  const runOne = async (job: LeasedJob) => {
    const handler = options.handlers.get(job.kind);
    if (!handler) return;
    let outcome: JobOutcome;
    try {
      outcome = await withDeadline(handler.run(job), handler.runMsMax ?? RUN_MS_MAX);
    } catch (error) {
      outcome = { kind: "failed", error };
    }
    if (outcome.kind === "failed" && outcome.error instanceof LeaseLost) {
      needs.log.warn("job was taken over by another worker", { job: job.id, kind: job.kind });
      inHand.delete(job.id);
      return;
    }
    try {
      await settle(job, outcome, handler);
    } catch (error) {
      needs.log.error("the end of a job could not be written", { job: job.id, kind: job.kind, error });
      inHand.delete(job.id);
    }
  };

  const loop = async () => {
    while (!stopping) {
      const free = Math.min(options.concurrency - inHand.size, CLAIM_BATCH_SIZE);
      let taken: LeasedJob[] = [];
      let woken = false;
      const sleep = new Promise<void>((resolve) => {
        wakeLoop = () => {
          woken = true;
          resolve();
        };
      });
      if (free > 0) {
        try {
          taken = await claim(needs, workerId, kinds, free);
        } catch (error) {
          needs.log.error("jobs could not be claimed", { error });
        }
      }
      for (const job of taken) {
        inHand.set(job.id, job);
        void runOne(job);
      }
      if (taken.length > 0 && taken.length === free) continue;
      if (woken || stopping) continue;
      const poll = setTimeout(wakeLoop, POLL_MS);
      await sleep;
      clearTimeout(poll);
    }
  };

  const unsubscribe = needs.wakeUps.subscribe("jobs", () => wakeLoop());
  const rescue = createRescue();
  const heartbeat = setInterval(() => {
    void beat(needs, workerId, kinds)
      .then(() => rescue(needs))
      .catch((error: unknown) => needs.log.error("heartbeat failed", { error }));
  }, HEARTBEAT_MS);
  const running = loop();

  return {
    id: workerId,
    async stop(graceMs) {
      stopping = true;
      unsubscribe();
      wakeLoop();
      await running;
      const deadline = performance.now() + graceMs;
      while (inHand.size > 0 && performance.now() < deadline) await Bun.sleep(10);
      await flushing;
      clearInterval(heartbeat);
      for (const timer of due) clearTimeout(timer);
      await handBack(needs, workerId);
    },
  };
}

/** What is still in hand at the end goes back untouched: a stop is not a failure. */
async function handBack(needs: WorkerNeeds, workerId: string): Promise<void> {
  await needs.transaction(async (inner) => {
    await inner.db
      .update(jobs)
      .set({ state: "ready", lease: null, workerId: null, updatedAt: inner.clock.now() })
      .where(sql`${eq(jobs.workerId, workerId)} and ${jobs.state} = 'leased'`);
    await inner.db.delete(workers).where(eq(workers.id, workerId));
  });
}

async function register(needs: WorkerNeeds, workerId: string, kinds: string[]): Promise<void> {
  const now = needs.clock.now();
  await needs.db
    .insert(workers)
    .values({ id: workerId, ...processIdentity(), kinds, startedAt: now, heartbeatAt: now })
    .onConflictDoNothing();
}

/** A worker that was taken for dead (its row is gone) signs in again under the same id. */
async function beat(needs: WorkerNeeds, workerId: string, kinds: string[]): Promise<void> {
  const written = await needs.db
    .update(workers)
    .set({ heartbeatAt: needs.clock.now() })
    .where(eq(workers.id, workerId))
    .returning({ id: workers.id });
  if (written.length === 0) await register(needs, workerId, kinds);
}

function withDeadline<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the job ran longer than ${limitMs} ms`)), limitMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
