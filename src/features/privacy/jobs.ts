import type { Context } from "../../context.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { cleanUp } from "./retention.ts";

/** Recurring: deletes what is past its time. */
export async function runCleanup(ctx: Context): Promise<JobOutcome> {
  ctx.log.info("cleanup done", { ...(await cleanUp(ctx, { dryRun: false })) });
  return DONE;
}
