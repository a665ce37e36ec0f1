import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Context } from "../../src/context.ts";
import { grantCredits } from "../../src/features/billing/index.ts";
import { generations } from "../../src/features/generations/index.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { lane } from "../support/database.ts";
import { violations } from "../support/invariants.ts";
import { type Deployment, deploy, type ServerProcess } from "../support/processes.ts";
import { type RemotePerson, signInAt } from "../support/remote-person.ts";
import { faultsSeed, seededRandom, spreadMoments } from "../support/seeded-random.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

const ROUND_COUNT = 20;
const PEOPLE_COUNT = 3;
/** A fitting takes about this long with the delays below: kills fall on each of its stages. */
const FITTING_MS = 2_600;
const STAGE_DELAYS = { upload: 250, create: 300, pace: 900, result: 350 };
const DEADLINE_SECONDS = 20;
const PRICE = 2;

/** The process that is killed: the one that works. */
const KILLED_ROLE = lane === "postgres" ? "worker" : "all";

interface HeldJob {
  id: string;
  claims: number;
}

/** Jobs in the hands of a worker at this moment. */
function heldJobs(ctx: Context): Promise<HeldJob[]> {
  return ctx.db.select({ id: jobs.id, claims: jobs.claims }).from(jobs).where(sql`${jobs.state} = 'leased'`);
}

/** Whether every job that was held has been taken up again, is done, or had been given back before the kill. */
async function allTakenUpAgain(ctx: Context, held: readonly HeldJob[]): Promise<boolean> {
  const now = new Map((await ctx.db.select().from(jobs)).map((job) => [job.id, job]));
  return held.every(({ id, claims }) => {
    const job = now.get(id);
    return job === undefined || job.claims > claims || (job.state === "ready" && job.runAt > new Date());
  });
}

function makeEachStageLong({ kie }: Deployment): void {
  kie.faults.set("kie.upload", { mode: "delay", delayMs: STAGE_DELAYS.upload });
  kie.faults.set("kie.create", { mode: "delay", delayMs: STAGE_DELAYS.create });
  kie.faults.set("kie.pace", { mode: "pace", delayMs: STAGE_DELAYS.pace });
  kie.faults.set("kie.result", { mode: "delay", delayMs: STAGE_DELAYS.result });
}

async function richPeople(deployment: Deployment): Promise<RemotePerson[]> {
  const people = await Promise.all(Array.from({ length: PEOPLE_COUNT }, () => signInAt(deployment.url)));
  await Promise.all(people.map((person) => person.photos()));
  const credits = ROUND_COUNT * PRICE;
  await deployment.inside(async (ctx) => {
    for (const { id } of people) await grantCredits(ctx, { userId: id, kind: "gift", credits, source: `gift:${id}` });
  });
  return people;
}

interface Round {
  /** The statuses of the unfinished generations when the kill came. */
  stages: string[];
  held: number;
  /** From the new process's readiness, or from its start, to the last held job taken up again. */
  backMs: number;
  backFromStartMs: number;
}

/** One fitting for each person, a kill at the given moment, a restart. */
async function killRound(
  deployment: Deployment,
  people: readonly RemotePerson[],
  victim: ServerProcess,
  momentMs: number,
): Promise<{ round: Round; next: ServerProcess }> {
  await Promise.all(people.map((person) => person.ordered()));
  await Bun.sleep(momentMs);
  const { held, stages } = await deployment.inside(async (ctx) => ({
    held: await heldJobs(ctx),
    stages: (
      await ctx.db
        .select({ status: generations.status })
        .from(generations)
        .where(sql`${generations.finishedAt} is null`)
    ).map(({ status }) => status as string),
  }));
  await victim.end("SIGKILL");
  const next = await deployment.start(KILLED_ROLE);
  const readyAt = performance.now();
  await deployment.inside((ctx) => until(() => allTakenUpAgain(ctx, held), "held jobs are taken up again"));
  const backMs = performance.now() - readyAt;
  const round = { stages, held: held.length, backMs, backFromStartMs: next.startMs + backMs };
  return { round, next };
}

function say(seed: number, rounds: readonly Round[], ends: Readonly<Record<string, number>>): void {
  const stages: Record<string, number> = {};
  for (const stage of rounds.flatMap((round) => round.stages)) stages[stage] = (stages[stage] ?? 0) + 1;
  const held = rounds.filter((round) => round.held > 0);
  const longest = (of: (round: Round) => number) => Math.round(Math.max(0, ...held.map(of)));
  process.stdout.write(
    `kill -9 (FAULTS_SEED=${seed}): ${rounds.length} kills met ${JSON.stringify(stages)}, ` +
      `${held.reduce((sum, round) => sum + round.held, 0)} leases came back at most ${longest((round) => round.backMs)} ms ` +
      `after ready, ${longest((round) => round.backFromStartMs)} ms after start; ended ${JSON.stringify(ends)}\n`,
  );
}

test(`J2 F1 ${ROUND_COUNT} kills at random moments: at most one create each, every generation ends once, credits agree`, async () => {
  const seed = faultsSeed();
  const moments = spreadMoments(ROUND_COUNT, FITTING_MS, seededRandom(seed));
  const deployment = await deploy({
    settings: {
      GENERATION_DEADLINE_SECONDS: String(DEADLINE_SECONDS),
      ACTIVE_GENERATIONS_MAX: "100",
      FREE_ACTIONS_PER_MONTH: "0",
    },
  });
  makeEachStageLong(deployment);
  if (lane === "postgres") await Promise.all([deployment.start("api"), deployment.start("scheduler")]);
  let victim = await deployment.start(KILLED_ROLE);
  const people = await richPeople(deployment);

  const rounds: Round[] = [];
  for (const moment of moments) {
    const { round, next } = await killRound(deployment, people, victim, moment);
    rounds.push(round);
    victim = next;
  }
  const isOver = (ctx: Context) => async () =>
    (await ctx.db.select({ id: generations.id }).from(generations).where(sql`${generations.finishedAt} is null`))
      .length === 0;
  const limitMs = (DEADLINE_SECONDS + 15) * 1_000;
  await deployment.inside((ctx) => until(isOver(ctx), "every generation has ended", limitMs));

  await deployment.inside(async (ctx) => {
    const all = await ctx.db.select().from(generations);
    const ends: Record<string, number> = {};
    for (const { status, errorCode } of all) ends[errorCode ?? status] = (ends[errorCode ?? status] ?? 0) + 1;
    say(seed, rounds, ends);
    expect(all).toHaveLength(ROUND_COUNT * PEOPLE_COUNT);
    expect(await violations(ctx, deployment.kie)).toEqual([]);
    for (const person of people) {
      const paid = all.filter(({ userId, status }) => userId === person.id && status === "succeeded").length * PRICE;
      expect(await person.balance()).toMatchObject({ credits: ROUND_COUNT * PRICE - paid, reserved: 0 });
    }
    // The only way in which a kill may cost anybody their picture is a create whose answer died with the process.
    expect(Object.keys(ends).filter((end) => end !== "succeeded" && end !== "timed_out")).toEqual([]);
  });
  // A lease that nobody gives back is taken up after 25 s.
  expect(Math.max(...rounds.map((round) => round.backMs))).toBeLessThan(within(2_000, 12_000));
  const met = new Set(rounds.flatMap((round) => round.stages));
  expect([...met].toSorted()).toEqual(["finishing", "queued", "running", "submitting"]);
  await deployment.close();
}, 150_000);
