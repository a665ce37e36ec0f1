import type { Context } from "../../context.ts";
import { MINUTE_MS } from "../../platform/clock.ts";
import { withPatience } from "../../platform/db/patience.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { cleanUp } from "./retention.ts";

/** What an hour has left behind may be many rows. */
const STATEMENT_MS_MAX = 2 * MINUTE_MS;

/** Recurring: deletes what is past its time. */
export async function runCleanup(ctx: Context): Promise<JobOutcome> {
  const done = await withPatience(STATEMENT_MS_MAX, () => cleanUp(ctx, { dryRun: false }));
  ctx.log.info("cleanup done", { ...done });
  return DONE;
}
