import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import type { JobRow } from "../../../platform/queue/claim.ts";
import {
  findJob,
  type JobState,
  listWorkers,
  parkByHand,
  queueDepth,
  retryJob,
  retryParkedJobs,
} from "../../../platform/queue/inspect.ts";
import { jobs } from "../../../platform/queue/tables.ts";
import { type Act, recordChange } from "../../audit/index.ts";

/** How much work there is, and who does it. */
export async function queueView(ctx: Pick<Context, "db" | "clock">) {
  const depth = await queueDepth(ctx);
  const workers = await listWorkers(ctx);
  return {
    ready: depth.ready,
    due: depth.due,
    leased: depth.leased,
    parked: depth.parked,
    oldest_due_ms: depth.oldestDueMs,
    kinds: depth.kinds,
    workers: workers.map((one) => ({
      id: one.id,
      hostname: one.hostname,
      process_id: one.processId,
      alive: one.isAlive,
      jobs_in_hand: one.jobsInHand,
      started_at: one.startedAt.toISOString(),
      heartbeat_at: one.heartbeatAt.toISOString(),
    })),
  };
}

/** Jobs, the newest first; `before` is the id of the last one already seen. */
export async function jobsBehind(
  ctx: Pick<Context, "db">,
  filter: { state?: JobState | undefined; kind?: string | undefined },
  page: { before: string | null; limit: number },
): Promise<JobRow[]> {
  return ctx.db
    .select()
    .from(jobs)
    .where(
      and(
        // A literal: the parked ones have an index of their own.
        filter.state === undefined ? undefined : sql`${jobs.state} = ${sql.raw(`'${filter.state}'`)}`,
        filter.kind === undefined ? undefined : eq(jobs.kind, filter.kind),
        page.before === null ? undefined : lt(jobs.id, page.before),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(page.limit);
}

export function jobRow(job: JobRow) {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    parked_reason: job.parkedReason,
    last_error: job.lastError,
    failures: job.failures,
    claims: job.claims,
    run_at: job.runAt.toISOString(),
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt.toISOString(),
    request_id: job.requestId,
    payload: job.payload,
  };
}

type Order = Act & { jobId: string };

/** Makes a parked or waiting job due now. Throws `already_finished` for one that a worker has in hand. */
export async function retryByOperator(ctx: Context, order: Order): Promise<JobRow> {
  return changeJob(ctx, order, "job.retry", async (tx) => {
    if (!(await retryJob(tx, order.jobId))) throw new Refusal("already_finished");
  });
}

/** Sets a job aside until somebody runs it again. */
export async function parkByOperator(ctx: Context, order: Order): Promise<JobRow> {
  return changeJob(ctx, order, "job.park", async (tx, before) => {
    if (before.state === "parked") throw new Refusal("already_finished");
    await parkByHand(tx, order.jobId, `parked by an operator: ${order.reason}`);
  });
}

async function changeJob(
  ctx: Context,
  order: Order,
  action: "job.retry" | "job.park",
  change: (tx: Context, before: JobRow) => Promise<void>,
): Promise<JobRow> {
  return ctx.transaction(async (tx) => {
    const before = await jobOf(tx, order.jobId);
    await change(tx, before);
    const after = await jobOf(tx, order.jobId);
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action,
      subject: "job",
      subjectId: before.id,
      before: { kind: before.kind, state: before.state, failures: before.failures },
      after: { state: after.state, failures: after.failures },
    });
    return after;
  });
}

async function jobOf(ctx: Pick<Context, "db">, jobId: string): Promise<JobRow> {
  const job = isId(jobId) ? await findJob(ctx, jobId) : null;
  if (job === null) throw new Refusal("not_found");
  return job;
}

/** Runs every parked job again, or those of one kind; returns how many. */
export async function retryParkedByOperator(ctx: Context, order: Act & { kind?: string | undefined }): Promise<number> {
  return ctx.transaction(async (tx) => {
    const count = await retryParkedJobs(tx, order.kind);
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action: "jobs.retry_parked",
      subject: "queue",
      after: { jobs: count, kind: order.kind ?? null },
    });
    return count;
  });
}
