import { sql } from "drizzle-orm";
import type { QueueNeeds } from "./claim.ts";
import { JOB_STATES, type JobState, jobs } from "./tables.ts";

/** Jobs of one kind in one state. */
export interface KindNumbers {
  kind: string;
  state: JobState;
  jobs: number;
  /** For how long the longest waiting one has been due, in ms; 0 where none is. */
  oldestDueMs: number;
}

/** Rows that are read of each state at most: in a backlog beyond it the numbers are those of a part. */
export const COUNTED_JOBS_MAX = 10_000;

/** How many jobs stand in the queue and how long they have waited. Finished ones are gone, so this reads what is open. */
export async function queueNumbers(needs: QueueNeeds): Promise<KindNumbers[]> {
  const found: KindNumbers[] = [];
  for (const state of JOB_STATES) found.push(...(await numbersOf(needs, state)));
  return found;
}

async function numbersOf({ db, clock }: QueueNeeds, state: JobState): Promise<KindNumbers[]> {
  const open = db
    .select({ kind: jobs.kind, runAt: jobs.runAt })
    .from(jobs)
    // A literal, so that both planners see that the partial index of this state will do.
    .where(sql`${jobs.state} = ${sql.raw(`'${state}'`)}`)
    .limit(COUNTED_JOBS_MAX)
    .as("open");
  const rows = await db
    .select({
      kind: open.kind,
      jobs: sql`count(*)`.mapWith(Number),
      oldest: sql`min(${open.runAt})`.mapWith(jobs.runAt),
    })
    .from(open)
    .groupBy(open.kind)
    .orderBy(open.kind);
  const nowMs = clock.now().getTime();
  return rows.map((row) => ({
    kind: row.kind,
    state,
    jobs: row.jobs,
    oldestDueMs: state === "ready" ? Math.max(0, nowMs - row.oldest.getTime()) : 0,
  }));
}
