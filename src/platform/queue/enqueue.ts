import { and, eq, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { builtOnce, type Given, givenRow, type WholeRow, wholeRow } from "../db/built-once.ts";
import type { Queries } from "../db/database.ts";
import { laterWrite, type Write } from "../db/write-together.ts";
import { newId } from "../ids.ts";
import { currentScope } from "../telemetry/scope.ts";
import type { WakeUps } from "../wake.ts";
import { jobs } from "./tables.ts";

/** Smaller goes first. */
export const JOB_PRIORITY = { paid: 10, free: 20, background: 30 } as const;

export interface EnqueueNeeds {
  db: Queries;
  clock: Clock;
  wakeUps: WakeUps;
  afterCommit(effect: () => void): void;
  requestId?: string | undefined;
}

export interface EnqueueOptions {
  /** Default: `background`. */
  priority?: number;
  /** How many jobs of the same person are in work already; default 0. */
  turn?: number;
  /** Not before this moment; default: now. */
  runAt?: Date;
  /** While a job with this text exists, no second one is made. */
  uniqueKey?: string;
}

/**
 * Puts a job into the queue, in the caller's transaction: if that is rolled back, there was no job. Returns the job's
 * id, or null when `uniqueKey` already stands in the queue.
 */
export async function enqueue(
  needs: EnqueueNeeds,
  kind: string,
  payload: Record<string, unknown>,
  options: EnqueueOptions = {},
): Promise<string | null> {
  const inserted = await insertJob(needs.db, jobOf(needs, kind, payload, options));
  const id = inserted[0]?.id ?? null;
  if (id !== null) needs.afterCommit(() => needs.wakeUps.wake("jobs"));
  return id;
}

/**
 * The write that does the same together with others (`writeTogether`), for a job whose `uniqueKey` cannot stand in the queue
 * yet: if it does, the write fails.
 */
export function enqueueLater(
  needs: EnqueueNeeds,
  kind: string,
  payload: Record<string, unknown>,
  options: EnqueueOptions = {},
): Write {
  needs.afterCommit(() => needs.wakeUps.wake("jobs"));
  return insertNewJob(jobOf(needs, kind, payload, options));
}

function jobOf(needs: EnqueueNeeds, kind: string, payload: Record<string, unknown>, options: EnqueueOptions) {
  const now = needs.clock.now();
  return wholeRow(jobs, {
    id: newId(),
    kind,
    payload,
    state: "ready",
    priority: options.priority ?? JOB_PRIORITY.background,
    turn: options.turn ?? 0,
    runAt: options.runAt ?? now,
    claims: 0,
    failures: 0,
    uniqueKey: options.uniqueKey ?? null,
    requestId: needs.requestId ?? null,
    traceParent: currentScope()?.traceParent ?? null,
    createdAt: now,
    updatedAt: now,
  });
}

const insertNewJob = laterWrite((db, _: Given<WholeRow<typeof jobs>>) => db.insert(jobs).values(givenRow(jobs)));

const insertJob = builtOnce((db, _: Given<WholeRow<typeof jobs>>) =>
  db.insert(jobs).values(givenRow(jobs)).onConflictDoNothing().returning({ id: jobs.id }),
);

/**
 * Makes a waiting job due now, because what it waits for has probably happened. A leased or parked one is left alone;
 * with `inHand` a leased one comes back at once when its worker says "later" (`giveBack`). That locks the row of a job
 * that may be in work: whoever asks for it must lock nothing else before it, as a job's own transactions begin with it.
 */
export async function wakeJob(
  needs: EnqueueNeeds,
  uniqueKey: string,
  options: { inHand?: boolean } = {},
): Promise<void> {
  const now = needs.clock.now();
  const states = options.inHand ? sql`${jobs.state} in ('ready', 'leased')` : sql`${jobs.state} = 'ready'`;
  const woken = await needs.db
    .update(jobs)
    .set({ runAt: now, updatedAt: now })
    .where(and(eq(jobs.uniqueKey, uniqueKey), states))
    .returning({ state: jobs.state });
  if (woken.some(({ state }) => state === "ready")) needs.afterCommit(() => needs.wakeUps.wake("jobs"));
}

/**
 * Takes its unique key from a job in hand, so that from now on the next one with that key is a job of its own. For a job
 * that serves all who ask under its key: it gives the key up before it looks for the last time.
 */
export async function dropUniqueKey(needs: Pick<EnqueueNeeds, "db" | "clock">, jobId: string): Promise<void> {
  await needs.db.update(jobs).set({ uniqueKey: null, updatedAt: needs.clock.now() }).where(eq(jobs.id, jobId));
}
