import { releaseByOperator, retryByOperator } from "../../src/features/admin/generations/mend.ts";
import { banPerson, unbanPerson } from "../../src/features/admin/people/ban.ts";
import {
  grantCredits,
  grantPlanDays,
  markAnnulled,
  markRegistered,
  taxEntries,
} from "../../src/features/billing/index.ts";
import { maintenanceOf, switchMaintenance } from "../../src/features/maintenance/index.ts";
import { after, DAY_MS } from "../../src/platform/clock.ts";
import { newId } from "../../src/platform/ids.ts";
import { parkByHand, retryJob } from "../../src/platform/queue/inspect.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { pick, type StepKind } from "./step.ts";
import { allGenerations } from "./steps-of-orders.ts";

const COMMAND = { operatorId: null, reason: "simulated" };

const grant: StepKind["run"] = async (play, step) => {
  const person = pick(
    play.people.filter(({ isErased }) => !isErased),
    step.which,
  );
  if (!person) return null;
  const credits = 1 + Math.floor(step.size * 5);
  const days = step.way < 0.5 ? Math.floor(step.way * 8) : null;
  const source = `gift:${newId()}`;
  const words = await play.act({
    name: "a gift",
    interruption: step.interruption,
    async work(ctx) {
      if (step.way > 0.9) await grantPlanDays(ctx, { userId: person.id, type: "basic", days: credits, source });
      else {
        const expiresAt = days === null ? undefined : after(ctx.clock.now(), days * DAY_MS + 1);
        await grantCredits(ctx, { userId: person.id, kind: "gift", credits, source, expiresAt });
      }
    },
  });
  const what = step.way > 0.9 ? `${credits} days of a plan` : `${credits} credits for ${days ?? "all"} days`;
  return `person ${person.number} is given ${what}: ${words}`;
};

const ban: StepKind["run"] = async (play, step) => {
  const person = pick(
    play.people.filter(({ isErased }) => !isErased),
    step.which,
  );
  if (!person) return null;
  const isBan = !person.isBanned;
  const words = await play.act({
    name: isBan ? "a ban" : "an unban",
    interruption: step.interruption,
    work: (ctx) => (isBan ? banPerson : unbanPerson)(ctx, { ...COMMAND, id: person.id }),
    onAnswer() {
      person.isBanned = isBan;
    },
  });
  return `person ${person.number} is ${isBan ? "banned" : "let in again"}: ${words}`;
};

/** An operator ends a picture that is in work, or runs one again that is not. */
const mend: StepKind["run"] = async (play, step) => {
  const generation = pick(await allGenerations(play), step.which);
  if (!generation) return null;
  const act = step.way < 0.5 ? releaseByOperator : retryByOperator;
  const words = await play.act({
    name: "an operator's mending",
    interruption: step.interruption,
    work: (ctx) => act(ctx, { ...COMMAND, id: generation.id }),
  });
  const what = step.way < 0.5 ? "ends" : "runs again";
  return `an operator ${what} picture ${generation.id.slice(-6)} (${generation.status}): ${words}`;
};

const moveJob: StepKind["run"] = async (play, step) => {
  const rows = await play.world.ctx.db.select().from(jobs).orderBy(jobs.id);
  const job = pick(rows, step.which);
  if (!job) return null;
  const isPark = step.way < 0.4;
  if (isPark) play.parkedByHand.add(job.id);
  const words = await play.act({
    name: "an operator at the queue",
    interruption: step.interruption,
    work: async (ctx) => (isPark ? parkByHand(ctx, job.id, "by hand") : void (await retryJob(ctx, job.id))),
  });
  return `an operator ${isPark ? "sets aside" : "runs again"} the job ${job.kind} (${job.state}): ${words}`;
};

const maintenance: StepKind["run"] = async (play, step) => {
  const { isOn } = await maintenanceOf(play.world.ctx);
  const words = await play.act({
    name: "maintenance",
    interruption: step.interruption,
    work: (ctx) => switchMaintenance(ctx, { isOn: !isOn, reason: "simulated", changedBy: "command" }),
  });
  return `maintenance is switched ${isOn ? "off" : "on"}: ${words}`;
};

/** The owner settles an entry of the tax journal in the service's own cabinet; where a connector works, it is left alone. */
const tax: StepKind["run"] = async (play, step) => {
  if (play.world.conditions.taxService) return null;
  const entry = pick(await play.world.ctx.db.select().from(taxEntries).orderBy(taxEntries.id), step.which);
  if (!entry) return null;
  const words = await play.act({
    name: "a mark in the tax journal",
    interruption: step.interruption,
    work: async (ctx) =>
      void (entry.annulDue
        ? await markAnnulled(ctx, entry.id)
        : await markRegistered(ctx, entry.id, `by-hand-${entry.id.slice(-8)}`)),
  });
  return `the owner marks a tax entry (${entry.state}): ${words}`;
};

export const operatorSteps: Readonly<Record<string, StepKind>> = {
  grant: { weight: 8, interruptible: true, run: grant },
  ban: { weight: 2, interruptible: true, run: ban },
  mend: { weight: 4, interruptible: true, run: mend },
  "move a job": { weight: 4, interruptible: true, run: moveJob },
  maintenance: { weight: 1, interruptible: true, run: maintenance },
  "mark tax": { weight: 1, interruptible: true, run: tax },
};
