import { CREATE_WINDOW } from "../../features/generations/index.ts";
import { maintenanceOf } from "../../features/maintenance/index.ts";
import { outboxCounts, recentAlerts } from "../../features/notifications/index.ts";
import { after, DAY_MS, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { placesTaken } from "../../platform/limits/inspect.ts";
import { actingScheduler } from "../../platform/queue/acting.ts";
import { listWorkers, queueDepth } from "../../platform/queue/inspect.ts";
import { UNKNOWN_KIND } from "../../platform/queue/unknown-kinds.ts";
import { sentenceOf } from "../maintenance.ts";
import { type DoctorCheck, failed, ok, warning } from "./check.ts";

/** By then another one would have taken over. */
const SCHEDULER_SILENT_MS_MAX = 15 * SECOND_MS;
const DUE_MS_WARNING = MINUTE_MS;
const DUE_MS_MAX = 10 * MINUTE_MS;
const ALERTS_SHOWN = 10;
const NEEDS = ["DATABASE_URL", "DATA_DIR"] as const;

/** New pictures are taken. */
export const maintenanceCheck: DoctorCheck = {
  name: "maintenance",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const maintenance = await maintenanceOf(ctx);
    return maintenance.isOn ? warning(sentenceOf(maintenance)) : ok("Off: new pictures are taken.");
  },
};

/** Somebody does the work. */
export const workersCheck: DoctorCheck = {
  name: "workers",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const workers = await listWorkers(ctx);
    const alive = workers.filter((worker) => worker.isAlive);
    if (alive.length === 0) return warning("None runs: no picture will be made. Start one: atelier serve");
    const inHand = alive.reduce((total, worker) => total + worker.jobsInHand, 0);
    const silent = workers.length - alive.length;
    const running = `${alive.length} running with ${inHand} jobs in hand.`;
    const text = silent === 0 ? running : `${running} ${silent} silent, whose jobs the others take over.`;
    const versions = alive.map((worker) => worker.version ?? "a version that does not tell");
    const different = [...new Set(versions)].toSorted();
    if (different.length === 1) return ok(text);
    return warning(
      `${text} They are of ${different.length} versions: finish the upgrade.`,
      different.map((version) => `${versions.filter((one) => one === version).length} of ${version}`),
    );
  },
};

/** Recurring work is put into the queue. */
export const schedulerCheck: DoctorCheck = {
  name: "scheduler",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const holder = await actingScheduler(ctx);
    const start = "Start one: atelier serve, or atelier serve --role scheduler";
    if (!holder) return warning(`None acts: nothing renews, sweeps or cleans up. ${start}`);
    const who = `Process ${holder.processId} on ${holder.hostname.split("/")[0]}`;
    const silentMs = ctx.clock.now().getTime() - holder.beatAt.getTime();
    if (silentMs > SCHEDULER_SILENT_MS_MAX) {
      return warning(`${who} acted last ${Math.round(silentMs / SECOND_MS)} s ago, and none has taken over. ${start}`);
    }
    return ok(`${who} acts, since ${holder.actsSince.toISOString().slice(0, 19)}Z.`);
  },
};

/** Work does not pile up. */
export const queueCheck: DoctorCheck = {
  name: "queue",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const depth = await queueDepth(ctx);
    const ageMs = depth.oldestDueMs ?? 0;
    const age = depth.due === 0 ? "" : `, the oldest for ${Math.round(ageMs / SECOND_MS)} s`;
    const text = `${depth.ready} jobs ready, ${depth.due} of them due${age}; ${depth.leased} in work.`;
    if (ageMs < DUE_MS_WARNING) return ok(text);
    const advice = `${text} Workers do not keep up: look at their log, raise WORKER_CONCURRENCY or start more of them.`;
    return ageMs < DUE_MS_MAX ? warning(advice) : failed(advice);
  },
};

/** Nothing waits for an operator. */
export const deadLettersCheck: DoctorCheck = {
  name: "dead letters",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const depth = await queueDepth(ctx);
    if (depth.parked === 0) return ok("No job is parked.");
    const parked = depth.kinds.filter((row) => row.state === "parked");
    const hasUnknown = parked.some((row) => row.reason === UNKNOWN_KIND);
    const advice = hasUnknown ? " Those of an unknown kind come back by themselves with a version that knows it." : "";
    return warning(
      `${depth.parked} jobs are parked. Look at them: atelier jobs list --state parked; run them again: atelier jobs retry --all-parked.${advice}`,
      parked.map((row) => `${row.jobs} ${row.kind}: ${row.reason ?? "no reason given"}`),
    );
  },
};

/** How near we are to the provider's limit for new tasks. */
export const paceCheck: DoctorCheck = {
  name: "kie.ai pace",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const taken = await placesTaken(ctx, CREATE_WINDOW);
    const seconds = CREATE_WINDOW.windowMs / SECOND_MS;
    const text = `${taken} of ${CREATE_WINDOW.count} new tasks taken in the last ${seconds} s.`;
    return taken < CREATE_WINDOW.count ? ok(text) : ok(`${text} Further ones wait for a place; nothing is lost.`);
  },
};

/** What the owner was told of lately. */
export const alertsCheck: DoctorCheck = {
  name: "owner alerts",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const alerts = await recentAlerts(ctx, after(ctx.clock.now(), -DAY_MS), ALERTS_SHOWN + 1);
    if (alerts.length === 0) return ok("None in the last 24 hours.");
    const shown = alerts.slice(0, ALERTS_SHOWN);
    const count = alerts.length > ALERTS_SHOWN ? `More than ${ALERTS_SHOWN}` : String(alerts.length);
    return warning(
      `${count} in the last 24 hours; see to the cause of each.`,
      shown.map((one) => `${one.createdAt.toISOString()} ${one.level}: ${one.reason} ${JSON.stringify(one.details)}`),
    );
  },
};

/** The bot's messages leave, and how many of them nobody knows of whether they arrived. */
export const outboxCheck: DoctorCheck = {
  name: "messages",
  needs: NEEDS,
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const counts = await outboxCounts(ctx);
    const text = `${counts.waiting + counts.sending} waiting; in the last 24 hours ${counts.sent} sent, ${counts.dropped} dropped, ${counts.unknown} without an answer (perhaps sent, and not repeated).`;
    const ageMs = counts.oldestWaiting ? ctx.clock.now().getTime() - counts.oldestWaiting.getTime() : 0;
    if (ageMs < DUE_MS_MAX) return ok(text);
    return warning(
      `${text} The oldest has waited ${Math.round(ageMs / MINUTE_MS)} minutes: see what the log says of Telegram.`,
    );
  },
};
