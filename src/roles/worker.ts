import type { Context } from "../context.ts";
import { jobHandlers } from "../jobs.ts";
import { startWorker } from "../platform/queue/work.ts";

/**
 * What a stopping worker may still take for the jobs in its hands; the rest goes back untouched. Closing the database
 * may take 5 s more, and the whole program is given 25 s.
 */
const GRACE_MS = 18_000;

/** Starts the worker pool of this process. What it cannot do it says in the log at once; payments and messages go on. */
export async function startWorkerRole(ctx: Context): Promise<{ stop(): Promise<void> }> {
  const worker = await startWorker(ctx, {
    concurrency: ctx.settings.WORKER_CONCURRENCY,
    handlers: jobHandlers(ctx),
  });
  ctx.log.info("worker started", { worker: worker.id, concurrency: ctx.settings.WORKER_CONCURRENCY });
  await ctx.images.prove().catch((error: unknown) => {
    ctx.log.error("pictures cannot be worked on", { error });
  });
  return { stop: () => worker.stop(GRACE_MS) };
}
