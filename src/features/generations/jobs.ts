import type { Context } from "../../context.ts";
import type { LeasedJob } from "../../platform/queue/claim.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { failOverdue } from "./finish.ts";
import { checkProviderBalance } from "./provider-state.ts";

export { openCleanCopies } from "./open-clean-copies.ts";
export { runGeneration } from "./run.ts";

/** A generation has ended: what others do about it (a message, a reward) hangs on this job. */
export async function generationEnded(ctx: Context, job: LeasedJob): Promise<JobOutcome> {
  ctx.log.info("generation ended", { generation: job.payload.generation_id });
  return DONE;
}

/** Recurring: fails what is past its deadline. */
export async function failOverdueGenerations(ctx: Context): Promise<JobOutcome> {
  const overdue = await failOverdue(ctx);
  if (overdue > 0) ctx.log.warn("generations failed at their deadline", { generations: overdue });
  return DONE;
}

/** Recurring: reads what is left in the provider's account. */
export async function guardProviderBalance(ctx: Context): Promise<JobOutcome> {
  await checkProviderBalance(ctx);
  return DONE;
}
