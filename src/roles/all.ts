import type { Context, OpenContext } from "../context.ts";
import { watchPaymentProvider } from "../features/billing/index.ts";
import { startApi } from "./api.ts";
import { startMetricsListener } from "./metrics.ts";
import { startSchedulerRole } from "./scheduler.ts";
import { startWorkerRole } from "./worker.ts";

export const ROLES = ["all", "api", "worker", "scheduler"] as const;
export type Role = (typeof ROLES)[number];

export interface RunningRoles {
  ctx: Context;
  /** The API's port, where this process has one. */
  port: number | undefined;
  /** That of its metrics, where they are on. */
  metricsPort: number | undefined;
  /** Takes no new requests and no new jobs, ends what is in hand or gives it back, then lets go of the database. */
  stop(): Promise<void>;
}

/** Starts one role, or all of them, on an open context. */
export async function startRoles(
  open: OpenContext,
  role: Role,
  options: { sandbox?: ((request: Request) => Promise<Response>) | undefined } = {},
): Promise<RunningRoles> {
  const { ctx } = open;
  const runs = (name: Role) => role === "all" || role === name;
  let stopping = false;
  watchPaymentProvider(ctx);
  if (role === "worker") await ctx.wakeUps.start();
  // First what can be refused: a second server on a taken port must not have jobs in its hands when it gives up.
  const api = runs("api") ? await startApi(open, options) : undefined;
  const metrics = startMetricsListener(open, { gauges: api?.gauges ?? [], isStopping: () => stopping });
  const worker = runs("worker") ? await startWorkerRole(ctx) : undefined;
  const scheduler = runs("scheduler") ? startSchedulerRole(ctx) : undefined;
  return {
    ctx,
    port: api?.port,
    metricsPort: metrics?.port,
    async stop() {
      stopping = true;
      // Side by side, so that the times they may take do not add up; each leaves the database in order by itself.
      await Promise.all([api?.stop(), scheduler?.stop(), worker?.stop()]);
      await metrics?.stop();
      await open.close();
    },
  };
}
