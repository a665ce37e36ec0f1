import type { Context } from "../context.ts";
import { startScheduler } from "../platform/queue/cron.ts";
import { schedule } from "../schedule.ts";

/** Starts putting recurring jobs into the queue. Any number may run: one acts, the others stand by. */
export function startSchedulerRole(ctx: Context): { stop(): Promise<void> } {
  const scheduler = startScheduler(ctx, schedule);
  ctx.log.info("scheduler started", { schedules: schedule.length });
  return scheduler;
}
