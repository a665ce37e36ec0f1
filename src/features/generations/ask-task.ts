import type { Context } from "../../context.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { takePlace } from "../../platform/limits/window.ts";
import type { KieTask } from "../../providers/kie/task.ts";
import { noteProviderFailure, noteProviderSuccess } from "./provider-state.ts";
import { PROVIDER_PAUSE_MS, type Step } from "./step.ts";

/** kie.ai answers at most 10 questions in a second for a key; one less leaves room for the balance. */
const QUERY_WINDOW = { name: "kie.query", count: 9, windowMs: SECOND_MS };
/** So that jobs that wait for a place do not all come back at the same moment. */
const SCATTER_MS = 500;

/**
 * Asks the provider how a task stands, within the rate that all workers share. When there is no place, or the answer did
 * not come, it says after how many ms to ask again: the question costs nothing and changes nothing.
 */
export async function askTask(
  ctx: Context,
  step: Step,
  taskId: string,
): Promise<{ task: KieTask } | { waitMs: number }> {
  const placeMs = await takePlace(ctx, QUERY_WINDOW);
  if (placeMs > 0) return { waitMs: placeMs + ctx.random() * SCATTER_MS };
  try {
    const task = await ctx.kie.getTask(taskId, { requestId: step.job.requestId ?? step.generation.id });
    await noteProviderSuccess(ctx);
    return { task };
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    ctx.log.warn("the provider's task could not be read", { generation: step.generation.id, error: error.message });
    await noteProviderFailure(ctx, error);
    // The window of questions is one second, whatever the provider says to those who create too much.
    if (error.kind === "rate_limited") return { waitMs: QUERY_WINDOW.windowMs + ctx.random() * SCATTER_MS };
    return { waitMs: PROVIDER_PAUSE_MS * (0.5 + ctx.random()) };
  }
}
