import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/platform/clock.ts";
import { claim, complete, type LeasedJob } from "../../../src/platform/queue/claim.ts";
import { DONE } from "../../../src/platform/queue/outcome.ts";
import { signIn } from "../../../src/platform/queue/presence.ts";
import { createRescue, LEASE_MS } from "../../../src/platform/queue/rescue.ts";
import { schedules } from "../../../src/platform/queue/tables.ts";
import { startWorker } from "../../../src/platform/queue/work.ts";
import { startChild } from "../../support/child.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { within } from "../../support/timing.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();

/** A worker process that holds the job and does not end it until it is told to. */
async function childHolding(job: string) {
  const { database } = machinery();
  const goFile = join(database.dataFolder, `go-${job}`);
  const child = startChild("worker-child.ts", { url: database.url, dataFolder: database.dataFolder, goFile });
  machinery().atEnd(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  await child.hasPrinted(`took ${job}`);
  return { held: child, letGo: () => writeFileSync(goFile, "") };
}

test("F1 what a killed process held is free within 2 s of the restart, and nothing is lost", async () => {
  const ctx = { ...machinery().ctx, clock: systemClock };
  const [first, second] = [await put(ctx, "work"), await put(ctx, "work")];
  const { held } = await childHolding(first);
  await held.hasPrinted(`took ${second}`);
  held.kill("SIGKILL");
  await held.exited;
  expect((await allJobs(ctx)).map((job) => job.state)).toEqual(["leased", "leased"]);

  const restartedAt = performance.now();
  const done: string[] = [];
  const run = async (job: LeasedJob) => {
    done.push(job.id);
    return DONE;
  };
  const worker = await startWorker(ctx, {
    concurrency: 4,
    handlers: new Map([["work", { run }]]),
  });
  await until(async () => (await allJobs(ctx)).length === 0, "both jobs are done by the restarted worker");
  // A lease that nobody gives back is taken up after 25 s.
  expect(performance.now() - restartedAt).toBeLessThan(within(2_000, 12_000));
  expect(done.sort()).toEqual([first, second].sort());
  await worker.stop(0);
});

test("F4 a suspended process that wakes up after its job was done elsewhere writes nothing", async () => {
  const ctx = { ...machinery().ctx, clock: systemClock };
  const job = await put(ctx, "work");
  const { held, letGo } = await childHolding(job);
  held.kill("SIGSTOP");
  letGo();

  // The lease time passes on the rescuer's own clock.
  let monotonicMs = 0;
  const rescue = createRescue(() => monotonicMs);
  await rescue(ctx);
  monotonicMs = LEASE_MS;
  expect(await rescue(ctx)).toBe(1);
  const [taken] = await claim(ctx, await signIn(ctx, ["work"]), ["work"], 1);
  expect(taken?.id).toBe(job);
  await complete(ctx, [job], [taken?.lease ?? ""]);

  held.kill("SIGCONT");
  await held.hasPrinted("lease lost");
  expect(held.output()).not.toContain("wrote");
  expect(await ctx.db.$count(schedules)).toBe(0);
  expect(await jobRow(ctx, job)).toBeUndefined();
});
