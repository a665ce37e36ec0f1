import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";

/** Alerts reach the owner through the log, which every installation has. */
export async function alertOwner(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  ctx.log.error("the owner has to look at this", { alert: job.payload });
  return DONE;
}
