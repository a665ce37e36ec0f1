import type { Context, OpenContext } from "../context.ts";
import { startApi } from "./api.ts";
import { startSchedulerRole } from "./scheduler.ts";
import { startWorkerRole } from "./worker.ts";

export const ROLES = ["all", "api", "worker", "scheduler"] as const;
export type Role = (typeof ROLES)[number];

export interface RunningRoles {
  ctx: Context;
  /** The API's port, where this process has one. */
  port: number | undefined;
  /** Stops in the order in which nothing gets lost: no new requests, no new jobs, then what is in hand. */
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
  if (role === "worker") await ctx.wakeUps.start();
  const worker = runs("worker") ? await startWorkerRole(ctx) : undefined;
  const scheduler = runs("scheduler") ? startSchedulerRole(ctx) : undefined;
  const api = runs("api") ? await startApi(open, options) : undefined;
  return {
    ctx,
    port: api?.port,
    async stop() {
      await api?.stop();
      await scheduler?.stop();
      await worker?.stop();
      await open.close();
    },
  };
}
