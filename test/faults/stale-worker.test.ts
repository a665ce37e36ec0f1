import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isNull } from "drizzle-orm";
import { generationAttempts } from "../../src/features/generations/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { jobHandlers } from "../../src/jobs.ts";
import { claim, type LeasedJob } from "../../src/platform/queue/claim.ts";
import { type JobOutcome, LeaseLost } from "../../src/platform/queue/outcome.ts";
import { signIn } from "../../src/platform/queue/presence.ts";
import { createRescue, LEASE_MS } from "../../src/platform/queue/rescue.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { finish, look, ordered } from "../support/fitting.ts";
import { violations } from "../support/invariants.ts";
import { until } from "../support/until.ts";

const KIND = "generation.run";

/** A worker that takes the generation's job and begins to run it. */
async function takeJob(app: TestApp): Promise<{ job: LeasedJob; run(): Promise<JobOutcome> }> {
  const [job] = await claim(app.ctx, await signIn(app.ctx, [KIND]), [KIND], 1);
  if (!job) throw new Error("there is no job to take");
  const handler = jobHandlers(app.ctx).get(KIND);
  if (!handler) throw new Error("nobody knows the job");
  return { job, run: () => handler.run(job) };
}

/** What a living worker does once others have been silent for the lease time of its own clock. */
async function letLeasesRunOut(app: TestApp): Promise<number> {
  let monotonicMs = 0;
  const rescue = createRescue(() => monotonicMs);
  await rescue(app.ctx);
  monotonicMs = LEASE_MS;
  return rescue(app.ctx);
}

/** How the run ended: its outcome, or the error. */
const ending = (run: Promise<JobOutcome>) => run.catch((error: unknown) => error);

function storedFileCount(app: TestApp): number {
  const entries = readdirSync(join(app.database.dataFolder, "files"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

describe("F4 a worker that slept through its lease", () => {
  test("while it created the task changes nothing; the id that it knows is a hint, and the task is not made twice", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const generation = await ordered(app, person);
    app.kie.faults.set("kie.create", { mode: "delay", delayMs: 400, times: 1 });
    // No callback will come: the stale worker alone knows the task.
    app.kie.faults.set("kie.callback", { mode: "missing" });

    const stale = await takeJob(app);
    const staleEnd = ending(stale.run());
    await until(
      async () => (await look(app, person, generation.id)).status === "submitting",
      "the create is under way",
    );
    expect(await letLeasesRunOut(app)).toBe(1);
    const heir = await takeJob(app);
    expect(heir.job.id).toBe(stale.job.id);
    expect(await heir.run()).toMatchObject({ kind: "later" });

    expect(await staleEnd).toBeInstanceOf(LeaseLost);
    const [attempt] = await app.ctx.db.select().from(generationAttempts);
    expect(attempt).toMatchObject({ state: "unknown", providerTaskId: null });
    expect(attempt?.claimedTaskId).toBe(app.kie.stats().tasks[0]?.taskId ?? "no task");
    expect((await look(app, person, generation.id)).status).toBe("submitting");

    // The heir is given up like anybody else, and whoever comes next proves the hint and goes on.
    expect(await letLeasesRunOut(app)).toBe(1);
    expect(await finish(app, person, generation.id)).toMatchObject({ status: "succeeded" });
    expect(app.kie.stats().creates).toEqual({ accepted: 1, refused: {}, disturbed: { delay: 1 } });
    expect(await violations(app.ctx, app.kie)).toEqual([]);
  });

  test("while it fetched the result changes nothing: the other worker's pictures count, its own are removed", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const generation = await ordered(app, person);
    await app.work(async () => (await look(app, person, generation.id)).status === "running");
    await until(() => app.kie.stats().tasks[0]?.state === "success", "the picture is ready");
    app.clock.advance(60_000);
    app.kie.faults.set("kie.result", { mode: "delay", delayMs: 600, times: 1 });

    const stale = await takeJob(app);
    const staleEnd = ending(stale.run());
    await until(async () => (await look(app, person, generation.id)).status === "finishing", "the fetch is under way");
    expect(await letLeasesRunOut(app)).toBe(1);
    expect(await finish(app, person, generation.id)).toMatchObject({ status: "succeeded" });
    const before = await app.ctx.db.select().from(files).where(isNull(files.deletedAt));

    expect(await staleEnd).toBeInstanceOf(LeaseLost);
    expect(await app.ctx.db.select().from(files).where(isNull(files.deletedAt))).toEqual(before);
    expect(storedFileCount(app)).toBe(before.length);
    expect(await violations(app.ctx, app.kie)).toEqual([]);
  });
});
