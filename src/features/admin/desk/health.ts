import { sql } from "drizzle-orm";
import { buildInfo } from "../../../build/build-info.ts";
import type { Context } from "../../../context.ts";
import { after, DAY_MS, MINUTE_MS, SECOND_MS } from "../../../platform/clock.ts";
import { placesTaken } from "../../../platform/limits/inspect.ts";
import { listWorkers, queueDepth } from "../../../platform/queue/inspect.ts";
import { jobs } from "../../../platform/queue/tables.ts";
import { CREATE_WINDOW, picturesLeft, providerState } from "../../generations/index.ts";
import { outboxCounts, recentAlerts } from "../../notifications/index.ts";

type State = "ok" | "warning" | "failed";
interface Found {
  status: State;
  text: string;
}

/** A check that takes longer says so; a page must not wait for it. */
const CHECK_MS_MAX = 2_000;
const ALERTS_SHOWN = 20;
/** A due job or message that has waited longer than this is somebody's business. */
const DUE_MS_MAX = 5 * MINUTE_MS;
const BALANCE_AGE_MS_MAX = 30 * MINUTE_MS;

type Needs = Pick<Context, "db" | "clock" | "settings" | "paymentProvider" | "assistant" | "taxService" | "log">;
type Check = (ctx: Needs) => Promise<Found>;

/**
 * What `doctor` says of the things that can be asked of the database in a moment. What calls other people's servers is left
 * to the command: a page that many may open must not.
 */
const CHECKS: Readonly<Record<string, Check>> = {
  async database(ctx) {
    const startedAt = performance.now();
    await ctx.db.select({ one: sql`1` }).from(jobs).limit(1);
    return { status: "ok", text: `Answers within ${Math.round(performance.now() - startedAt)} ms.` };
  },
  async workers(ctx) {
    const workers = await listWorkers(ctx);
    const alive = workers.filter((one) => one.isAlive);
    if (alive.length === 0) return { status: "failed", text: "No worker is running, so nothing is made or sent." };
    const inHand = alive.reduce((sum, one) => sum + one.jobsInHand, 0);
    return { status: "ok", text: `${alive.length} at work with ${inHand} jobs in hand.` };
  },
  async queue(ctx) {
    const depth = await queueDepth(ctx);
    const text = `${depth.due} due, ${depth.leased} in work.`;
    const isLate = (depth.oldestDueMs ?? 0) > DUE_MS_MAX;
    return isLate
      ? {
          status: "warning",
          text: `${text} The oldest waits for ${Math.round((depth.oldestDueMs ?? 0) / MINUTE_MS)} minutes.`,
        }
      : { status: "ok", text };
  },
  async dead_letters(ctx) {
    const { parked } = await queueDepth(ctx);
    return parked === 0
      ? { status: "ok", text: "None." }
      : { status: "warning", text: `${parked} jobs are set aside.` };
  },
  async kie(ctx) {
    const state = await providerState(ctx);
    if (!state) return { status: "warning", text: "Not asked for anything yet." };
    const now = ctx.clock.now();
    if (state.openUntil !== null && state.openUntil > now) {
      return {
        status: "failed",
        text: `Left alone until ${state.openUntil.toISOString()} after ${state.failures} faults.`,
      };
    }
    if (state.balanceMillicredits === null || state.balanceAt === null) return { status: "ok", text: "Answers." };
    const left = picturesLeft(ctx, state.balanceMillicredits);
    if (after(state.balanceAt, BALANCE_AGE_MS_MAX) < now) {
      return { status: "warning", text: `Its balance was last known at ${state.balanceAt.toISOString()}.` };
    }
    const isLow = left < ctx.settings.KIE_PICTURES_LEFT_MIN;
    return { status: isLow ? "failed" : "ok", text: `Pays for ${left} more pictures.` };
  },
  async kie_pace(ctx) {
    const taken = await placesTaken(ctx, CREATE_WINDOW);
    const seconds = CREATE_WINDOW.windowMs / SECOND_MS;
    return { status: "ok", text: `${taken} of ${CREATE_WINDOW.count} new tasks in the last ${seconds} s.` };
  },
  async messages(ctx) {
    const counts = await outboxCounts(ctx);
    const text = `${counts.waiting + counts.sending} waiting; in 24 hours ${counts.sent} sent, ${counts.dropped} dropped, ${counts.unknown} without an answer.`;
    const waitedMs = counts.oldestWaiting ? ctx.clock.now().getTime() - counts.oldestWaiting.getTime() : 0;
    return { status: waitedMs > DUE_MS_MAX ? "warning" : "ok", text };
  },
  async set_up(ctx) {
    const missing = [
      ...(ctx.paymentProvider === null ? ["shop"] : []),
      ...(ctx.assistant === null ? ["assistant"] : []),
      ...(ctx.taxService === null ? ["tax service"] : []),
    ];
    return { status: "ok", text: missing.length === 0 ? "Everything is." : `Not set up: ${missing.join(", ")}.` };
  },
};

/** The state of the server, each check within its own time. */
export async function healthView(ctx: Needs) {
  const checks = await Promise.all(
    Object.entries(CHECKS).map(async ([name, check]) => {
      const startedAt = performance.now();
      const found = await bounded(ctx, name, check);
      return { name, ...found, ms: Math.round(performance.now() - startedAt) };
    }),
  );
  const alerts = await recentAlerts(ctx, after(ctx.clock.now(), -DAY_MS), ALERTS_SHOWN);
  const worst: State = checks.some((one) => one.status === "failed")
    ? "failed"
    : checks.some((one) => one.status === "warning")
      ? "warning"
      : "ok";
  return {
    status: worst,
    version: buildInfo.version,
    at: ctx.clock.now().toISOString(),
    checks,
    alerts: alerts.map((one) => ({
      id: one.id,
      level: one.level,
      reason: one.reason,
      details: one.details,
      created_at: one.createdAt.toISOString(),
    })),
  };
}

async function bounded(ctx: Needs, name: string, check: Check): Promise<Found> {
  let timer: Timer | undefined;
  const late = new Promise<Found>((resolve) => {
    timer = setTimeout(
      () => resolve({ status: "failed", text: `Gave no answer within ${CHECK_MS_MAX / SECOND_MS} s.` }),
      CHECK_MS_MAX,
    );
  });
  try {
    return await Promise.race([check(ctx), late]);
  } catch (error) {
    ctx.log.warn("a check of the panel failed", { check: name, error });
    return { status: "failed", text: "Could not be looked at; the log says why." };
  } finally {
    clearTimeout(timer);
  }
}
