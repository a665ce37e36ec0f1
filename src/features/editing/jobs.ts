import type { Context } from "../../context.ts";
import { DONE, type JobOutcome } from "../../platform/queue/outcome.ts";
import { failOverdueTurns } from "./finish-turn.ts";

export { replyToTurn } from "./reply.ts";

/** Recurring: fails turns past their deadline. */
export async function failOverdueChatTurns(ctx: Context): Promise<JobOutcome> {
  const overdue = await failOverdueTurns(ctx);
  if (overdue > 0) ctx.log.warn("chat turns failed at their deadline", { turns: overdue });
  return DONE;
}
