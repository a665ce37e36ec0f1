import { MINUTE_MS } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { withDeadline } from "../with-deadline.ts";
import { complete, type LeasedJob, type QueueNeeds } from "./claim.ts";
import { giveBack, giveBackFailed, type JobOutcome, LeaseLost, park } from "./outcome.ts";

/** A pause up to this long ends with a wake-up of its own; behind a longer one, the poll is punctual enough. */
const WAKE_AFTER_MS_MAX = MINUTE_MS;
/** A run that takes longer is given up; its slot is free again and the fence stops what it still writes. */
const RUN_MS_MAX = 5 * MINUTE_MS;
/** Failed runs of one job before it is parked, unless its kind says otherwise. */
const TRIES_MAX = 8;
/** Finished jobs removed in one statement at most. */
const COMPLETE_BATCH_SIZE = 500;
/**
 * Finished jobs whose rows still stand and which no longer take a slot: while their removal is being synced the next ones
 * run. After a crash these run once more, so they are bounded.
 */
const UNREMOVED_MAX = 500;

export interface JobHandler {
  run(job: LeasedJob): Promise<JobOutcome>;
  triesMax?: number;
  runMsMax?: number;
}

export interface HandsNeeds extends QueueNeeds {
  log: Log;
  random: () => number;
  /** Hears of jobs that are set aside. */
  telemetry?: Pick<Telemetry, "meters" | "faults">;
}

/** The jobs that one worker has in work. */
export interface Hands {
  /** All that the database says this worker holds, by the job's id. */
  readonly jobs: ReadonlyMap<string, LeasedJob>;
  /** Slots that are taken: by what runs, and by what has ended but could not be written down for too long. */
  readonly busy: number;
  /** Whether the database may say that this worker holds jobs which are not among these. */
  mayHaveForgotten: boolean;
  /** Runs the job and writes down how it ended. */
  take(job: LeasedJob): void;
  /** Waits up to `graceMs` for what is in work; how the rest ends is not written any more. */
  finish(graceMs: number): Promise<void>;
}

/** `onFree` hears that there may be room, or a job that is due again. */
export function createHands(needs: HandsNeeds, handlers: ReadonlyMap<string, JobHandler>, onFree: () => void): Hands {
  const inHand = new Map<string, LeasedJob>();
  const timers = new Set<Timer>();
  let running = 0;
  let closed = false;

  // A job that was lost and taken again stands here under its new lease: the end of the old run must not touch it.
  const isInHand = (job: LeasedJob) => inHand.get(job.id) === job;
  const letGo = (job: LeasedJob) => {
    if (isInHand(job)) inHand.delete(job.id);
  };
  const forgot = (message: string, fields: Record<string, unknown>) => {
    hands.mayHaveForgotten = true;
    needs.log.error(message, fields);
  };
  const completed = createCompleter(needs, isInHand, (jobs, error) => {
    // Handlers are repeatable: the jobs are made ready again, and the next run ends as "already done".
    if (error !== undefined) forgot("finished jobs could not be removed", { error, jobs: jobs.length });
    for (const job of jobs) letGo(job);
    onFree();
  });
  const wakeAfter = (ms: number) => {
    if (ms > WAKE_AFTER_MS_MAX) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      onFree();
    }, ms + 1);
    timers.add(timer);
  };
  const end = async (job: LeasedJob) => {
    const handler = handlers.get(job.kind);
    const outcome = await outcomeOf(job, handler);
    if (closed) return;
    if (outcome.kind === "done") return completed.add(job);
    try {
      const againMs = await writeEnd(needs, job, outcome, handler?.triesMax ?? TRIES_MAX);
      if (againMs !== null) wakeAfter(againMs);
    } catch (error) {
      forgot("the end of a job could not be written", { job: job.id, kind: job.kind, error });
    }
    letGo(job);
  };
  const run = async (job: LeasedJob) => {
    running += 1;
    await end(job);
    running -= 1;
    if (!closed) onFree();
  };

  const hands: Hands = {
    jobs: inHand,
    get busy() {
      return running + Math.max(0, completed.unremoved - UNREMOVED_MAX);
    },
    mayHaveForgotten: false,
    take(job) {
      inHand.set(job.id, job);
      void run(job);
    },
    async finish(graceMs) {
      const deadline = performance.now() + graceMs;
      while (inHand.size > 0 && performance.now() < deadline) await Bun.sleep(10);
      closed = true;
      await completed.settled();
      for (const timer of timers) clearTimeout(timer);
    },
  };
  return hands;
}

/** Removes finished jobs: everything that finished while one statement ran goes into the next. */
function createCompleter(
  needs: HandsNeeds,
  isInHand: (job: LeasedJob) => boolean,
  onEnd: (jobs: readonly LeasedJob[], error?: unknown) => void,
) {
  const finished: LeasedJob[] = [];
  let inStatement = 0;
  let flushing: Promise<void> | null = null;
  const flush = async () => {
    while (finished.length > 0) {
      // Asked last: a job of the batch that this worker has taken again since is left to its new run.
      const batch = finished.splice(0, COMPLETE_BATCH_SIZE).filter(isInHand);
      const ids = batch.map((job) => job.id);
      inStatement = batch.length;
      let failure: unknown;
      try {
        await complete(needs, ids, [...new Set(batch.map((job) => job.lease))]);
      } catch (error) {
        failure = error;
      }
      inStatement = 0;
      onEnd(batch, failure);
    }
    flushing = null;
  };
  return {
    /** Finished jobs whose rows still stand. */
    get unremoved(): number {
      return finished.length + inStatement;
    },
    add(job: LeasedJob): void {
      finished.push(job);
      flushing ??= Promise.resolve().then(flush);
    },
    async settled(): Promise<void> {
      await flushing;
    },
  };
}

/** Runs the handler with its deadline; whatever it throws is a failed run. */
async function outcomeOf(job: LeasedJob, handler: JobHandler | undefined): Promise<JobOutcome> {
  try {
    if (!handler) throw new Error(`no handler for jobs of the kind ${job.kind}`);
    return await withDeadline(handler.run(job), handler.runMsMax ?? RUN_MS_MAX, "the job");
  } catch (error) {
    return { kind: "failed", error };
  }
}

/** Writes down an end other than "done"; returns the ms until the job is due again, or null when it is not. */
async function writeEnd(
  needs: HandsNeeds,
  job: LeasedJob,
  outcome: Exclude<JobOutcome, { kind: "done" }>,
  triesMax: number,
): Promise<number | null> {
  const fields = {
    job: job.id,
    kind: job.kind,
    ...(job.requestId === null ? {} : { request_id: job.requestId }),
  };
  if (outcome.kind === "later") {
    await giveBack(needs, job, outcome.afterMs);
    return outcome.afterMs;
  }
  if (outcome.kind === "give_up") {
    needs.log.error("job parked", { ...fields, reason: outcome.reason });
    await park(needs, job, outcome.reason);
    tellOfParked(needs, job);
    return null;
  }
  if (outcome.error instanceof LeaseLost) {
    needs.log.warn("job was taken over by another worker", fields);
    return null;
  }
  const pauseMs = await giveBackFailed(needs, job, outcome.error, { triesMax, random: needs.random });
  const failure = { ...fields, failures: job.failures + 1, error: outcome.error };
  if (pauseMs === null) {
    needs.log.error("job parked after its last try", failure);
    tellOfParked(needs, job, outcome.error);
  } else needs.log.warn("job failed, will be tried again", { ...failure, pauseMs });
  return pauseMs;
}

function tellOfParked({ telemetry }: HandsNeeds, job: LeasedJob, error?: unknown): void {
  telemetry?.meters?.jobParked(job.kind);
  telemetry?.faults?.report({ what: "a job was parked", error, requestId: job.requestId, jobKind: job.kind });
}
