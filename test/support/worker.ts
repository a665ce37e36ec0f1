import { systemClock } from "../../src/platform/clock.ts";
import { type JobHandler, startWorker, type Worker } from "../../src/platform/queue/work.ts";
import { allJobs } from "./jobs.ts";
import type { Machinery, MachineryContext } from "./machinery.ts";

export interface WorkerStart {
  concurrency?: number;
  ctx?: MachineryContext;
}

/** Workers in this process, on the test's database; they are stopped with the test. */
export function workersOn(machinery: () => Machinery) {
  /** Real time, because pauses and polls pass in it; failed jobs come back without a pause. */
  const context = (): MachineryContext => ({ ...machinery().ctx, clock: systemClock, random: () => 0 });
  return {
    context,
    queueIsEmpty: async () => (await allJobs(machinery().ctx)).length === 0,
    async start(
      handlers: Record<string, JobHandler["run"] | JobHandler>,
      { concurrency = 4, ctx = context() }: WorkerStart = {},
    ): Promise<Worker> {
      const entries = Object.entries(handlers).map(([kind, handler]): [string, JobHandler] => [
        kind,
        typeof handler === "function" ? { run: handler } : handler,
      ]);
      const worker = await startWorker(ctx, { concurrency, handlers: new Map(entries) });
      let stopping: Promise<void> | undefined;
      const stop = (graceMs: number) => {
        stopping ??= worker.stop(graceMs);
        return stopping;
      };
      machinery().atEnd(() => stop(0));
      return { id: worker.id, stop };
    },
  };
}
