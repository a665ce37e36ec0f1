import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { after, MINUTE_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete, type LeasedJob } from "../../../src/platform/queue/claim.ts";
import { fence, giveBack, giveBackFailed, LeaseLost, park } from "../../../src/platform/queue/outcome.ts";
import { freeWorker } from "../../../src/platform/queue/rescue.ts";
import { jobs, schedules } from "../../../src/platform/queue/tables.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { type MachineryContext, useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
const [slowWorker, quickWorker] = [newId(), newId()];
const ALWAYS_HALF = { triesMax: 8, random: () => 0.5 };

async function take(workerId = slowWorker): Promise<LeasedJob> {
  const [job] = await claim(machinery().ctx, workerId, ["work"], 1);
  if (!job) throw new Error("there was nothing to claim");
  return job;
}

async function putAndTake(): Promise<LeasedJob> {
  await put(machinery().ctx);
  return take();
}

/** The job was taken from a worker that slept, and another one has it now. */
async function takenOver(): Promise<{ stale: LeasedJob; held: LeasedJob }> {
  const stale = await putAndTake();
  await freeWorker(machinery().ctx, slowWorker);
  return { stale, held: await take(quickWorker) };
}

describe("a job that is done", () => {
  test("is gone, with others in one statement", async () => {
    const { ctx } = machinery();
    for (let at = 0; at < 3; at += 1) await put(ctx);
    const taken = await claim(ctx, slowWorker, ["work"], 2);
    await complete(
      ctx,
      taken.map((job) => job.id),
      taken.map((job) => job.lease),
    );
    expect(await allJobs(ctx)).toHaveLength(1);
    expect(await jobRow(ctx, taken[0]?.id ?? "")).toBeUndefined();
  });

  test("stays when the lease is not the right one, or the job is not leased at all", async () => {
    const { ctx } = machinery();
    const job = await putAndTake();
    await complete(ctx, [job.id], [newId()]);
    await complete(ctx, [newId()], [job.lease]);
    await complete(ctx, [], []);
    expect(await jobRow(ctx, job.id)).toEqual(job);
    await giveBack(ctx, job, 0);
    await complete(ctx, [job.id], [job.lease]);
    expect(await jobRow(ctx, job.id)).toMatchObject({ state: "ready" });
  });
});

describe("F4 a holder that slept through its lease", () => {
  const ends: [string, (ctx: MachineryContext, stale: LeasedJob) => Promise<unknown>][] = [
    ["completes nothing", (ctx, stale) => complete(ctx, [stale.id], [stale.lease])],
    ["gives nothing back", (ctx, stale) => giveBack(ctx, stale, 0)],
    ["reports no failure", (ctx, stale) => giveBackFailed(ctx, stale, new Error("late"), ALWAYS_HALF)],
    ["parks nothing", (ctx, stale) => park(ctx, stale, "late")],
    [
      "parks nothing by its last failure",
      (ctx, stale) => giveBackFailed(ctx, stale, "late", { ...ALWAYS_HALF, triesMax: 1 }),
    ],
  ];
  test.each(ends)("%s", async (_, end) => {
    const { stale, held } = await takenOver();
    await end(machinery().ctx, stale);
    expect(await jobRow(machinery().ctx, held.id)).toEqual(held);
  });

  test("is stopped by the fence, and everything that it wrote in that transaction is undone", async () => {
    const { ctx } = machinery();
    const { stale, held } = await takenOver();
    const write = (job: LeasedJob) =>
      ctx.transaction(async (tx) => {
        await tx.db.insert(schedules).values({ name: job.lease, lastSlot: tx.clock.now(), runs: 1 });
        await fence(tx, job);
      });
    const thrown = await write(stale).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(LeaseLost);
    expect(await ctx.db.$count(schedules)).toBe(0);

    await write(held);
    expect(await ctx.db.$count(schedules, eq(schedules.name, held.lease))).toBe(1);
  });

  test("is stopped by the fence when the job is gone altogether", async () => {
    const { ctx } = machinery();
    const { stale, held } = await takenOver();
    await complete(ctx, [held.id], [held.lease]);
    await expect(ctx.transaction((tx) => fence(tx, stale))).rejects.toThrow(LeaseLost);
  });

  test("cannot be overtaken between its fence and its commit", async () => {
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    const job = await putAndTake();
    const { promise: fenced, resolve: sayFenced } = Promise.withResolvers<void>();
    const writing = ctx.transaction(async (tx) => {
      await fence(tx, job);
      sayFenced();
      await Bun.sleep(50);
      const [row] = await tx.db.select().from(jobs).where(eq(jobs.id, job.id));
      expect(row?.lease).toBe(job.lease);
      await tx.db.insert(schedules).values({ name: "written", lastSlot: tx.clock.now(), runs: 1 });
    });
    await fenced;
    const rescue = freeWorker(other, slowWorker);
    await writing;
    expect(await rescue).toBe(1);
    expect(await ctx.db.$count(schedules)).toBe(1);
    await expect(ctx.transaction((tx) => fence(tx, job))).rejects.toThrow(LeaseLost);
  });
});

describe("a job that is given back", () => {
  test("for later waits its time, in nobody's hands, and its earlier failures are forgotten", async () => {
    const { ctx, clock } = machinery();
    let job = await putAndTake();
    await giveBackFailed(ctx, job, new Error("once"), ALWAYS_HALF);
    clock.advance(MINUTE_MS);
    job = await take();
    expect(job.failures).toBe(1);
    await giveBack(ctx, job, 2_500);
    expect(await jobRow(ctx, job.id)).toEqual(
      expect.objectContaining({
        state: "ready",
        lease: null,
        workerId: null,
        failures: 0,
        runAt: after(clock.now(), 2_500),
      }),
    );
  });

  test("after a failure keeps what went wrong and waits longer each time, until it is parked and never dropped", async () => {
    const { ctx, clock } = machinery();
    await put(ctx);
    const pauses: (number | null)[] = [];
    for (let tries = 1; tries <= 4; tries += 1) {
      const job = await take();
      const pause = await giveBackFailed(ctx, job, new TypeError(`try ${tries}`), { triesMax: 4, random: () => 1 });
      pauses.push(pause);
      const row = await jobRow(ctx, job.id);
      expect(row).toMatchObject({ failures: tries, lease: null, workerId: null, lastError: `TypeError: try ${tries}` });
      if (pause === null) expect(row).toMatchObject({ state: "parked", parkedReason: "failed too often: 4 times" });
      else expect(row).toEqual(expect.objectContaining({ state: "ready", runAt: after(clock.now(), pause) }));
      clock.advance(pause ?? 0);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, null]);
    clock.advance(365 * 24 * 60 * MINUTE_MS);
    expect(await claim(ctx, slowWorker, ["work"], 1)).toEqual([]);
    expect(await allJobs(ctx)).toHaveLength(1);
  });

  test("keeps a short and storable text of whatever was thrown", async () => {
    const { ctx } = machinery();
    for (const thrown of [new Error("\0 NUL \0"), "x".repeat(10_000), undefined, { not: "an error" }, null]) {
      const job = await putAndTake();
      await giveBackFailed(ctx, job, thrown, ALWAYS_HALF);
      const text = (await jobRow(ctx, job.id))?.lastError ?? "";
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(500);
      expect(text).not.toContain("\0");
    }
  });
});

test("a job that is parked stands there with its reason and is not claimed", async () => {
  const { ctx } = machinery();
  const job = await putAndTake();
  await park(ctx, job, "pointless");
  expect(await jobRow(ctx, job.id)).toMatchObject({
    state: "parked",
    parkedReason: "pointless",
    lastError: null,
    lease: null,
    workerId: null,
    failures: 1,
  });
  expect(await claim(ctx, slowWorker, ["work"], 1)).toEqual([]);
});
