import { and, eq, sql } from "drizzle-orm";
import { after } from "../clock.ts";
import { errorText } from "../telemetry/describe-error.ts";
import { backoffMs } from "./backoff.ts";
import type { LeasedJob, QueueNeeds } from "./claim.ts";
import { jobs } from "./tables.ts";

/** A stack belongs into the log, and rows must stay small. */
const ERROR_TEXT_LENGTH_MAX = 500;

/** How a run of a job ended. A thrown error means `failed`. */
export type JobOutcome =
  /** Finished; the row is deleted. */
  | { kind: "done" }
  /** Nothing went wrong, there is more to do after `afterMs`; no slot is held meanwhile. */
  | { kind: "later"; afterMs: number }
  /** Did not work; tried again with backoff until the tries are used up, then parked. */
  | { kind: "failed"; error: unknown }
  /** Trying again is pointless: parked at once for an operator. */
  | { kind: "give_up"; reason: string };

export const DONE: JobOutcome = { kind: "done" };
export const later = (afterMs: number): JobOutcome => ({ kind: "later", afterMs });

/** How `parked_reason` begins when the tries are used up. */
export const FAILED_TOO_OFTEN = "failed too often";

/** Thrown by a fence: another worker holds the job by now, and everything written in this transaction is undone. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/**
 * Locks the job's row inside the caller's transaction and throws `LeaseLost` when this worker does not hold it any
 * more. A handler calls it first in each transaction that changes anything.
 */
export async function fence(needs: QueueNeeds, job: Pick<LeasedJob, "id" | "lease">): Promise<void> {
  const held = await needs.db
    .update(jobs)
    .set({ updatedAt: needs.clock.now() })
    .where(and(eq(jobs.id, job.id), eq(jobs.lease, job.lease)))
    .returning({ id: jobs.id });
  if (held.length === 0) throw new LeaseLost(`job ${job.id} is held by another worker`);
}

/**
 * Gives the job back for a later run; "later" forgets earlier failures, because the work moved on. If its time was
 * changed while it was in hand, somebody woke it (`wakeJob`): what it would wait for may have happened, and it keeps that time.
 */
export async function giveBack(needs: QueueNeeds, job: LeasedJob, afterMs: number): Promise<void> {
  const now = needs.clock.now();
  const given = { state: "ready", lease: null, workerId: null, failures: 0, updatedAt: now } as const;
  const held = and(eq(jobs.id, job.id), eq(jobs.lease, job.lease));
  const waiting = await needs.db
    .update(jobs)
    .set({ ...given, runAt: after(now, afterMs) })
    .where(and(held, eq(jobs.runAt, job.runAt)))
    .returning({ id: jobs.id });
  if (waiting.length === 0) await needs.db.update(jobs).set(given).where(held);
}

/** Counts a failed run and returns the pause before the next one, or null when the job was parked. */
export async function giveBackFailed(
  needs: QueueNeeds,
  job: LeasedJob,
  error: unknown,
  options: { triesMax: number; random: () => number },
): Promise<number | null> {
  const failures = job.failures + 1;
  if (failures >= options.triesMax) {
    await park(needs, job, `${FAILED_TOO_OFTEN}: ${failures} times`, error);
    return null;
  }
  const now = needs.clock.now();
  const pauseMs = backoffMs(failures, options.random);
  await needs.db
    .update(jobs)
    .set({
      state: "ready",
      lease: null,
      workerId: null,
      failures,
      runAt: after(now, pauseMs),
      lastError: errorText(error, ERROR_TEXT_LENGTH_MAX),
      updatedAt: now,
    })
    .where(and(eq(jobs.id, job.id), eq(jobs.lease, job.lease)));
  return pauseMs;
}

/** Sets the job aside until an operator runs it again; it is never dropped. */
export async function park(needs: QueueNeeds, job: LeasedJob, reason: string, error?: unknown): Promise<void> {
  await needs.db
    .update(jobs)
    .set({
      state: "parked",
      lease: null,
      workerId: null,
      failures: sql`${jobs.failures} + 1`,
      parkedReason: reason,
      lastError: error === undefined ? null : errorText(error, ERROR_TEXT_LENGTH_MAX),
      updatedAt: needs.clock.now(),
    })
    .where(and(eq(jobs.id, job.id), eq(jobs.lease, job.lease)));
}
