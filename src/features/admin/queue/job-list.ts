import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { isId } from "../../../platform/ids.ts";
import type { JobRow } from "../../../platform/queue/claim.ts";
import {
  findJob,
  listWorkers,
  parkByHand,
  queueDepth,
  retryJob,
  retryParkedJobs,
  viewJob,
  type WorkerView,
} from "../../../platform/queue/inspect.ts";
import { type Act, recordChange } from "../../audit/index.ts";
import { change, type Order } from "../change.ts";

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
    workers: workers.map(workerRow),
  };
}

/** Who works, as operators see it. */
function workerRow(one: WorkerView) {
  return {
    id: one.id,
    hostname: one.hostname,
    process_id: one.processId,
    alive: one.isAlive,
    jobs_in_hand: one.jobsInHand,
    started_at: one.startedAt.toISOString(),
    heartbeat_at: one.heartbeatAt.toISOString(),
  };
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
    payload: shownPayload(job.payload),
  };
}

/** Everything about one job. Throws the refusal `not_found`: one that is done is not kept. */
export async function jobCard(ctx: Pick<Context, "db" | "clock">, jobId: string) {
  const view = await viewJob(ctx, jobId);
  if (view === null) throw new Refusal("not_found");
  const { job, worker, isKnown } = view;
  return {
    job: jobRow(job),
    priority: job.priority,
    turn: job.turn,
    unique_key: job.uniqueKey,
    worker: worker && workerRow(worker),
    known_to_a_worker: isKnown,
  };
}

/** What somebody typed, or Telegram knows people by. */
const PRIVATE_MEMBERS: ReadonlySet<string> = new Set(["telegram_id", "start_param"]);
const WORD_OF_OURS = /^[a-z][a-z0-9_.]{0,63}$/;
const HIDDEN = "…";

/** A payload as operators see it: ids, numbers and words of ours; of everything else only that it is there. */
function shownPayload(payload: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = (name: string, value: unknown): unknown => {
    if (PRIVATE_MEMBERS.has(name)) return HIDDEN;
    if (typeof value === "string") return isId(value) || WORD_OF_OURS.test(value) ? value : HIDDEN;
    if (Array.isArray(value)) return value.map((one) => shown(name, one));
    return typeof value === "object" && value !== null ? shownPayload({ ...value }) : value;
  };
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, shown(name, value)]));
}

/** Makes a parked or waiting job due now. Throws `already_finished` for one that a worker has in hand. */
export async function retryByOperator(ctx: Context, order: Order): Promise<JobRow> {
  return changeJob(ctx, order, "job.retry", async (tx) => {
    if (!(await retryJob(tx, order.id))) throw new Refusal("already_finished");
  });
}

/** Sets a job aside until somebody runs it again. */
export async function parkByOperator(ctx: Context, order: Order): Promise<JobRow> {
  return changeJob(ctx, order, "job.park", async (tx, before) => {
    if (before.state === "parked") throw new Refusal("already_finished");
    await parkByHand(tx, order.id, `parked by an operator: ${order.reason}`);
  });
}

function changeJob(
  ctx: Context,
  order: Order,
  action: "job.retry" | "job.park",
  make: (tx: Context, before: JobRow) => Promise<void>,
): Promise<JobRow> {
  return change(ctx, order, {
    action,
    subject: "job",
    make,
    async read(tx) {
      const job = await findJob(tx, order.id);
      if (job === null) throw new Refusal("not_found");
      return job;
    },
    facts: ({ kind, state, failures }) => ({ kind, state, failures }),
  });
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
