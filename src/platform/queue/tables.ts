import { sql } from "drizzle-orm";
import { bigInteger, check, id, index, integer, json, moment, oneOf, table, text, uniqueIndex } from "../db/columns.ts";

/** `ready` waits for its time, `leased` is in a worker's hands, `parked` waits for an operator. Done means deleted. */
export const JOB_STATES = ["ready", "leased", "parked"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const jobs = table(
  "jobs",
  {
    id: id("id").primaryKey(),
    kind: text("kind").notNull(),
    payload: json<Record<string, unknown>>("payload").notNull(),
    state: oneOf("state", JOB_STATES).notNull(),
    /** Smaller goes first: what people paid for before what was free. */
    priority: integer("priority").notNull(),
    /** How many jobs its person already had in work; a second one stands behind everybody's first. */
    turn: integer("turn").notNull(),
    runAt: moment("run_at").notNull(),
    /** Counts claims. Together with `lease` it is the fencing token: a write with an older one is refused. */
    claims: integer("claims").notNull(),
    /** Counts failed runs; "later" is not a failure. */
    failures: integer("failures").notNull(),
    lease: id("lease"),
    workerId: id("worker_id"),
    /** At most one job with the same text exists. */
    uniqueKey: text("unique_key"),
    requestId: text("request_id"),
    parkedReason: text("parked_reason"),
    lastError: text("last_error"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (job) => [
    // The claim reads only this index; finished jobs are gone and parked ones stand outside it.
    index("jobs_ready").on(job.priority, job.turn, job.runAt, job.id).where(sql`state = 'ready'`),
    index("jobs_leased").on(job.workerId).where(sql`state = 'leased'`),
    index("jobs_parked").on(job.id).where(sql`state = 'parked'`),
    uniqueIndex("jobs_unique_key").on(job.uniqueKey),
    check("jobs_counts", sql`claims >= 0 and failures >= 0`),
  ],
);

/** Leases belong to a worker, not to a row: one heartbeat keeps all that it holds. */
export const workers = table("workers", {
  id: id("id").primaryKey(),
  hostname: text("hostname").notNull(),
  processId: integer("process_id").notNull(),
  /** When that process started, so that a reused process id is not mistaken for it. */
  processStart: text("process_start").notNull(),
  /** The job kinds it can do, so that a kind nobody knows is seen. */
  kinds: json<string[]>("kinds").notNull(),
  startedAt: moment("started_at").notNull(),
  heartbeatAt: moment("heartbeat_at").notNull(),
});

/** The last slot of each recurring job that was enqueued, so that any number of schedulers enqueue it once. */
export const schedules = table("schedules", {
  name: text("name").primaryKey(),
  lastSlot: moment("last_slot").notNull(),
  runs: bigInteger("runs").notNull(),
});

/** Which scheduler acts: at most one row, whose holder counts its beats up while it lives. */
export const schedulerLease = table("scheduler_lease", {
  name: text("name").primaryKey(),
  holderId: id("holder_id").notNull(),
  hostname: text("hostname").notNull(),
  processId: integer("process_id").notNull(),
  processStart: text("process_start").notNull(),
  beats: bigInteger("beats").notNull(),
  actsSince: moment("acts_since").notNull(),
  beatAt: moment("beat_at").notNull(),
});
