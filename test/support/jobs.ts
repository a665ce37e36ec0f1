import { asc, eq } from "drizzle-orm";
import type { JobRow } from "../../src/platform/queue/claim.ts";
import { type EnqueueOptions, enqueue } from "../../src/platform/queue/enqueue.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import type { MachineryContext } from "./machinery.ts";

/** Puts a job into the queue and returns its id. */
export async function put(ctx: MachineryContext, kind = "work", options: EnqueueOptions = {}): Promise<string> {
  const id = await enqueue(ctx, kind, { kind }, options);
  if (id === null) throw new Error("the queue has a job with this key already");
  return id;
}

/** The job as it stands in the database, or undefined when it is gone. */
export async function jobRow(ctx: MachineryContext, id: string): Promise<JobRow | undefined> {
  const [row] = await ctx.db.select().from(jobs).where(eq(jobs.id, id));
  return row;
}

export async function allJobs(ctx: MachineryContext): Promise<JobRow[]> {
  return ctx.db.select().from(jobs).orderBy(asc(jobs.id));
}
