import { sql } from "drizzle-orm";
import { after, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { addMoscowMonths, nextMoscowMonth } from "../../src/platform/moscow.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { FAULT_PLACES, FAULTS } from "./faults.ts";
import type { Play } from "./play.ts";
import { pick, type StepKind } from "./step.ts";

/** What the scheduler puts into the queue, more often than it would where nothing is due. */
const RECURRING = [
  "payments.sweep",
  "payments.sweep",
  "payments.sweep",
  "generations.fail_overdue",
  "editing.fail_overdue",
  "subscriptions.keep",
  "subscriptions.keep",
  "tax.file",
  "tax.file",
  "outbox.sweep",
  "provider.check_balance",
  "privacy.clean_up",
  "ledger.verify",
  "queue.sort_unknown_kinds",
] as const;

/** Puts one of the recurring jobs into the queue, as the scheduler does. */
export async function enqueueRecurring(play: Play, kind: string): Promise<void> {
  const { ctx } = play.world;
  await ctx.transaction((tx) => enqueue(tx, kind, {}, { uniqueKey: `schedule:${kind}` }));
}

export function moveClock(play: Play, moment: Date): void {
  const { clock, shop } = play.world;
  clock.set(moment > clock.now() ? moment : clock.now());
  shop.settle();
  play.endStandstills();
}

/** The moment at which the next job is due, or null. */
export async function nextDue(play: Play): Promise<Date | null> {
  const [row] = await play.world.ctx.db
    .select({ at: sql`min(${jobs.runAt})`.mapWith(jobs.runAt) })
    .from(jobs)
    .where(
      sql`${jobs.state} = 'ready' ${play.world.conditions.bot ? sql`` : sql`and ${jobs.kind} not like 'outbox.%' and ${jobs.kind} <> 'owner.alert'`}`,
    );
  return row?.at ?? null;
}

const LEAPS_MS = [
  SECOND_MS,
  10 * SECOND_MS,
  MINUTE_MS,
  6 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  5 * HOUR_MS,
  DAY_MS,
] as const;

const leap: StepKind["run"] = async (play, step) => {
  const now = play.world.clock.now();
  const near = pick(LEAPS_MS, step.way) ?? SECOND_MS;
  const moment =
    step.size < 0.75
      ? after(now, near)
      : step.size < 0.85
        ? after(nextMoscowMonth(now), -SECOND_MS * Math.round(step.way))
        : step.size < 0.93
          ? addMoscowMonths(now, 1)
          : after(addMoscowMonths(now, 1), -DAY_MS - 5 * MINUTE_MS);
  moveClock(play, moment);
  return `it is ${play.world.clock.now().toISOString()}`;
};

/** A worker does what is due; every second time it also waits for what is due soon. */
const work: StepKind["run"] = async (play, step) => {
  const runs = step.interruption !== null ? 1 : 1 + Math.floor(step.size * 6);
  const words: string[] = [];
  for (let run = 0; run < runs; run += 1) {
    const done = await play.work(step.interruption);
    if (done !== null) {
      words.push(done);
      continue;
    }
    const due = await nextDue(play);
    if (due === null || step.way < 0.4 || due > after(play.world.clock.now(), 20 * MINUTE_MS)) break;
    moveClock(play, due);
  }
  return words.length === 0 ? null : `a worker: ${words.join("; ")}`;
};

/** A worker stands still in the midst of a job, is taken for dead, others do its work, and then it goes on. */
const overtake: StepKind["run"] = async (play, step) => {
  const before = play.paused.length;
  const stopped = await play.work({ kind: "pause", at: 1 + Math.floor(step.which * 9) });
  if (stopped === null || play.paused.length === before) return stopped === null ? null : `a worker: ${stopped}`;
  const words = [`a worker: ${stopped}`, await play.freeLeases()];
  const others = 1 + Math.floor(step.size * 4);
  for (let run = 0; run < others; run += 1) {
    const done = await play.work(null);
    if (done !== null) words.push(`another: ${done}`);
    const due = await nextDue(play);
    if (done === null && due !== null && due < after(play.world.clock.now(), MINUTE_MS)) moveClock(play, due);
  }
  words.push(await play.resume(play.paused.length - 1));
  return words.join("; ");
};

export const timeSteps: Readonly<Record<string, StepKind>> = {
  overtake: { weight: 7, interruptible: false, run: overtake },
  work: { weight: 45, interruptible: true, run: work },
  schedule: {
    weight: 14,
    interruptible: false,
    async run(play, step) {
      const kind = pick(RECURRING, step.which) ?? RECURRING[0];
      await enqueueRecurring(play, kind);
      return `the scheduler: ${kind}`;
    },
  },
  leap: { weight: 14, interruptible: false, run: leap },
  fault: {
    weight: 16,
    interruptible: false,
    async run(play, step) {
      const place = pick(FAULT_PLACES, step.which) ?? "kie.create";
      const fault = pick<string>(FAULTS[place], step.way) ?? "unavailable";
      play.world.faults.arm(place, fault);
      return `the next ${place}: ${fault}`;
    },
  },
  resume: {
    weight: 6,
    interruptible: false,
    run: async (play, step) =>
      play.paused.length === 0 ? null : play.resume(Math.floor(step.which * play.paused.length)),
  },
  "free leases": {
    weight: 6,
    interruptible: false,
    run: async (play) => (play.silentWorkers.size === 0 ? null : play.freeLeases()),
  },
};
