import { and, desc, eq, lt, sql } from "drizzle-orm";
import { after } from "../clock.ts";
import { isId } from "../ids.ts";
import { wakePanel } from "../live/panel-hints.ts";
import type { JobRow, QueueNeeds } from "./claim.ts";
import type { EnqueueNeeds } from "./enqueue.ts";
import { LEASE_MS } from "./rescue.ts";
import { JOB_STATES, type JobState, jobs, workers } from "./tables.ts";

/**
 * The queue as operators see it: what stands in it, and the two things that they may do to a job, run it again and set
 * it aside. Everything works beside running workers.
 */
export interface QueueDepth {
  ready: number;
  /** Those of `ready` whose time has come. */
  due: number;
  leased: number;
  parked: number;
  /** How long the longest waiting of `due` has been due, in ms; null when none is. */
  oldestDueMs: number | null;
  kinds: KindCount[];
}

export interface KindCount {
  kind: string;
  state: JobState;
  jobs: number;
  /** For parked jobs, why. */
  reason: string | null;
}

export interface JobFilter {
  state?: JobState | undefined;
  kind?: string | undefined;
  limit: number;
  /**
   * `due`, unless said otherwise: parked ones first, then those in work, then the waiting in the order of their time.
   * `newest`: by age, for lists that are read page by page; `before` is the id of the last one already seen.
   */
  order?: "due" | "newest";
  before?: string | null;
}

const count = sql`count(*)`.mapWith(Number);

/** How much work there is and how long it has waited. */
export async function queueDepth(needs: QueueNeeds): Promise<QueueDepth> {
  const now = needs.clock.now();
  const kinds = await needs.db
    .select({ kind: jobs.kind, state: jobs.state, jobs: count, reason: jobs.parkedReason })
    .from(jobs)
    .groupBy(jobs.kind, jobs.state, jobs.parkedReason)
    .orderBy(jobs.state, jobs.kind, jobs.parkedReason);
  const [due] = await needs.db
    .select({ jobs: count, oldest: sql`min(${jobs.runAt})`.mapWith(jobs.runAt) })
    .from(jobs)
    .where(sql`${jobs.state} = 'ready' and ${jobs.runAt} <= ${sql.param(now, jobs.runAt)}`);
  const inState = (state: JobState) =>
    kinds.filter((row) => row.state === state).reduce((total, row) => total + row.jobs, 0);
  return {
    ready: inState("ready"),
    due: due?.jobs ?? 0,
    leased: inState("leased"),
    parked: inState("parked"),
    oldestDueMs: due && due.jobs > 0 ? Math.max(0, now.getTime() - due.oldest.getTime()) : null,
    kinds,
  };
}

/** Jobs that match, in the order that is asked for. */
export async function listJobs(needs: Pick<QueueNeeds, "db">, filter: JobFilter): Promise<JobRow[]> {
  const { state, kind, limit, order = "due", before = null } = filter;
  const due = [
    sql`case ${jobs.state} when 'parked' then 0 when 'leased' then 1 else 2 end`,
    jobs.priority,
    jobs.turn,
    jobs.runAt,
    jobs.id,
  ];
  return needs.db
    .select()
    .from(jobs)
    .where(
      and(
        // A literal: the parked ones have an index of their own.
        state === undefined ? undefined : sql`${jobs.state} = ${sql.raw(`'${state}'`)}`,
        kind === undefined ? undefined : eq(jobs.kind, kind),
        before === null ? undefined : lt(jobs.id, before),
      ),
    )
    .orderBy(...(order === "newest" ? [desc(jobs.id)] : due))
    .limit(limit);
}

/** The job with this id; null when there is none, for instance because it is done. */
export async function findJob(needs: Pick<QueueNeeds, "db">, jobId: string): Promise<JobRow | null> {
  const rows = isId(jobId) ? await needs.db.select().from(jobs).where(eq(jobs.id, jobId)) : [];
  return rows[0] ?? null;
}

/**
 * Makes a parked or waiting job due now, with all its tries before it again. False when there is no such job or a worker
 * has it in hand at this moment.
 */
export async function retryJob(needs: EnqueueNeeds, jobId: string): Promise<boolean> {
  if (!isId(jobId)) return false;
  const freed = await makeReady(needs, sql`${jobs.id} = ${jobId} and ${jobs.state} in ('ready', 'parked')`);
  return freed > 0;
}

/** Does that to every parked job, or to those of one kind; returns how many. */
export async function retryParkedJobs(needs: EnqueueNeeds, kind?: string): Promise<number> {
  const parked = sql`${jobs.state} = 'parked'`;
  return makeReady(needs, kind === undefined ? parked : sql`${parked} and ${jobs.kind} = ${kind}`);
}

async function makeReady(needs: EnqueueNeeds, which: ReturnType<typeof sql>): Promise<number> {
  const now = needs.clock.now();
  const freed = await needs.db
    .update(jobs)
    .set({ state: "ready", failures: 0, parkedReason: null, runAt: now, updatedAt: now })
    .where(which)
    .returning({ id: jobs.id });
  if (freed.length > 0) needs.afterCommit(() => needs.wakeUps.wake("jobs"));
  return freed.length;
}

/**
 * Sets a job aside until an operator runs it again; returns the state that it was in, null when there is no such job. A
 * worker that has it in hand loses its lease: the step that it is in may still end, and what it writes after that meets
 * the fence.
 */
export async function parkByHand(
  needs: { transaction<T>(work: (inner: EnqueueNeeds) => Promise<T>): Promise<T> },
  jobId: string,
  reason: string,
): Promise<JobState | null> {
  if (!isId(jobId)) return null;
  return needs.transaction(async (inner) => {
    const now = inner.clock.now();
    // Writing the row locks it, so that the state that is answered is the one that was left.
    const [before] = await inner.db.update(jobs).set({ updatedAt: now }).where(eq(jobs.id, jobId)).returning();
    if (!before) return null;
    if (before.state === "parked") return "parked";
    await inner.db
      .update(jobs)
      .set({ state: "parked", lease: null, workerId: null, parkedReason: reason, updatedAt: now })
      .where(eq(jobs.id, jobId));
    wakePanel(inner, "jobs");
    return before.state;
  });
}

export interface WorkerView {
  id: string;
  hostname: string;
  processId: number;
  kinds: string[];
  /** Null for one that was started by a version which did not tell. */
  version: string | null;
  startedAt: Date;
  heartbeatAt: Date;
  /** Whether its heartbeat is young enough to keep its leases. */
  isAlive: boolean;
  jobsInHand: number;
}

/** The workers that have signed in and not out, the latest first. */
export async function listWorkers(needs: QueueNeeds): Promise<WorkerView[]> {
  const silentSince = after(needs.clock.now(), -LEASE_MS);
  const rows = await needs.db.select().from(workers).orderBy(workers.startedAt, workers.id);
  const held = await needs.db
    .select({ workerId: jobs.workerId, jobs: count })
    .from(jobs)
    .where(sql`${jobs.state} = 'leased'`)
    .groupBy(jobs.workerId);
  const inHand = new Map(held.map((row) => [row.workerId, row.jobs]));
  return rows
    .map((row) => ({
      id: row.id,
      hostname: row.hostname,
      processId: row.processId,
      kinds: row.kinds,
      version: row.version,
      startedAt: row.startedAt,
      heartbeatAt: row.heartbeatAt,
      isAlive: row.heartbeatAt > silentSince,
      jobsInHand: inHand.get(row.id) ?? 0,
    }))
    .reverse();
}

/** A job beside those who could do it. */
export interface JobView {
  job: JobRow;
  /** Who has it in hand; null when nobody has, or when that worker is gone. */
  worker: WorkerView | null;
  /** Whether any worker is alive, and whether one of these knows the job's kind. */
  isAnyAlive: boolean;
  isKnown: boolean;
}

/** Everything about one job; null when there is none. */
export async function viewJob(needs: QueueNeeds, jobId: string): Promise<JobView | null> {
  const job = await findJob(needs, jobId);
  if (job === null) return null;
  const all = await listWorkers(needs);
  const alive = all.filter((worker) => worker.isAlive);
  return {
    job,
    worker: all.find((worker) => worker.id === job.workerId) ?? null,
    isAnyAlive: alive.length > 0,
    isKnown: alive.some((worker) => worker.kinds.includes(job.kind)),
  };
}

export { JOB_STATES, type JobState };
