import { beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { after, HOUR_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim } from "../../../src/platform/queue/claim.ts";
import { beat, freeForgotten, signIn, signOut } from "../../../src/platform/queue/presence.ts";
import {
  createRescue,
  freeWorker,
  HEARTBEAT_MS,
  LEASE_MS,
  LOST_RUNS_MAX,
  processIdentity,
  rescueDeadNeighbours,
} from "../../../src/platform/queue/rescue.ts";
import { jobs, workers } from "../../../src/platform/queue/tables.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
let worker: string;

beforeEach(async () => {
  worker = await signIn(machinery().ctx, ["work"]);
});

async function workerIds(): Promise<string[]> {
  return (await machinery().ctx.db.select({ id: workers.id }).from(workers)).map((row) => row.id);
}

/** A job in the worker's hands. */
async function takeOne(): Promise<string> {
  const id = await put(machinery().ctx);
  await claim(machinery().ctx, worker, ["work"], 1);
  return id;
}

describe("a silent worker", () => {
  /** A rescuer with a monotonic clock of its own, which the test moves. */
  function rescuer() {
    let monotonicMs = 5_000;
    const rescue = createRescue(() => monotonicMs);
    return {
      look: () => rescue(machinery().ctx),
      pass: (ms: number) => {
        monotonicMs += ms;
      },
    };
  }

  test("loses its jobs once its heartbeat has not changed for the lease time, and not a moment earlier", async () => {
    const { ctx } = machinery();
    const job = await takeOne();
    const { look, pass } = rescuer();
    expect(await look()).toBe(0);
    pass(LEASE_MS - 1);
    expect(await look()).toBe(0);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "leased", workerId: worker });
    pass(1);
    expect(await look()).toBe(1);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "ready", lease: null, workerId: null, failures: 1 });
    expect(await workerIds()).toEqual([]);
    expect(await look()).toBe(0);
  });

  test("loses its jobs as well when it stands nowhere, because it was taken for dead and then died", async () => {
    const { ctx } = machinery();
    const job = await takeOne();
    await ctx.db.delete(workers);
    const { look, pass } = rescuer();
    expect(await look()).toBe(0);
    pass(LEASE_MS - 1);
    expect(await look()).toBe(0);
    pass(1);
    expect(await look()).toBe(1);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "ready", lease: null, workerId: null });
  });

  test("is none as long as its heartbeat changes", async () => {
    const { ctx, clock } = machinery();
    const job = await takeOne();
    const { look, pass } = rescuer();
    for (let at = 0; at < 20; at += 1) {
      pass(LEASE_MS - 1);
      clock.advance(LEASE_MS - 1);
      await beat(ctx, worker, ["work"]);
      expect(await look()).toBe(0);
    }
    expect(await jobRow(ctx, job)).toMatchObject({ state: "leased" });
  });

  test("F2 is found within the lease time, one beat and one look, which is 40 s", () => {
    expect(LEASE_MS + 2 * HEARTBEAT_MS).toBeLessThanOrEqual(35_000);
    expect(LEASE_MS).toBeGreaterThanOrEqual(5 * HEARTBEAT_MS);
  });

  test.each([HOUR_MS, -HOUR_MS])("F12 ends no lease early when the clock jumps by %d ms", async (jumpMs) => {
    const { ctx, clock } = machinery();
    const job = await takeOne();
    const { look, pass } = rescuer();
    await look();
    clock.advance(jumpMs);
    pass(HEARTBEAT_MS);
    expect(await look()).toBe(0);
    await beat(ctx, worker, ["work"]);
    pass(LEASE_MS - 1);
    expect(await look()).toBe(0);
    pass(LEASE_MS - 1);
    expect(await look()).toBe(0);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "leased" });
    // Nor does it keep the lease of a dead one any longer.
    pass(1);
    expect(await look()).toBe(1);
  });

  test("F12 a heartbeat that goes back with the clock is a sign of life", async () => {
    const { ctx, clock } = machinery();
    await takeOne();
    const { look, pass } = rescuer();
    await look();
    pass(LEASE_MS - 1);
    clock.advance(-HOUR_MS);
    await beat(ctx, worker, ["work"]);
    expect(await look()).toBe(0);
    pass(LEASE_MS - 1);
    expect(await look()).toBe(0);
  });

  test("is rescued by one of several rescuers", async () => {
    await takeOne();
    const rescuers = [rescuer(), rescuer(), rescuer()];
    for (const each of rescuers) await each.look();
    for (const each of rescuers) each.pass(LEASE_MS);
    const freed = await Promise.all(rescuers.map((each) => each.look()));
    expect(freed.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect((await allJobs(machinery().ctx)).map((job) => job.failures)).toEqual([1]);
  });

  test("signs in again under its own name when it wakes up, and is watched afresh", async () => {
    const { ctx, clock } = machinery();
    const { look, pass } = rescuer();
    await look();
    pass(LEASE_MS);
    await look();
    expect(await workerIds()).toEqual([]);
    clock.advance(LEASE_MS);
    await beat(ctx, worker, ["work", "other"]);
    const rows = await ctx.db.select().from(workers);
    const beating = { id: worker, kinds: ["work", "other"], heartbeatAt: clock.now(), ...processIdentity() };
    expect(rows).toEqual([expect.objectContaining(beating)]);
    pass(LEASE_MS - 1);
    await look();
    expect(await workerIds()).toEqual([worker]);
  });

  test("that works alone keeps what it holds", async () => {
    const { ctx, clock } = machinery();
    await takeOne();
    const { look, pass } = rescuer();
    for (let at = 0; at < 8; at += 1) {
      await beat(ctx, worker, ["work"]);
      expect(await look()).toBe(0);
      pass(HEARTBEAT_MS);
      clock.advance(HEARTBEAT_MS);
    }
  });
});

describe("a job whose worker dies", () => {
  test("F16 again and again is parked as the probable cause, so that the pool survives it", async () => {
    const { ctx } = machinery();
    const job = await put(ctx);
    for (let death = 1; death <= LOST_RUNS_MAX; death += 1) {
      await claim(ctx, worker, ["work"], 1);
      expect(await freeWorker(ctx, worker)).toBe(1);
      expect(await jobRow(ctx, job)).toMatchObject({ state: "ready", failures: death });
    }
    await claim(ctx, worker, ["work"], 1);
    expect(await freeWorker(ctx, worker)).toBe(0);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "parked", parkedReason: "its worker died each time" });
  });
});

describe("the dead of this machine, at the start", () => {
  const setIdentity = (values: Partial<typeof workers.$inferInsert>) =>
    machinery().ctx.db.update(workers).set(values).where(eq(workers.id, worker));

  test("are known by their process: it is gone", async () => {
    const { ctx } = machinery();
    const gone = Bun.spawn(["/bin/true"]);
    await gone.exited;
    const job = await takeOne();
    await setIdentity({ processId: gone.pid });
    expect(await rescueDeadNeighbours(ctx)).toBe(1);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "ready" });
    expect(await workerIds()).toEqual([]);
  });

  test("or its number belongs to a younger one", async () => {
    await takeOne();
    await setIdentity({ processStart: "an earlier one" });
    expect(await rescueDeadNeighbours(machinery().ctx)).toBe(1);
  });

  test("while the living keep what they hold, as do those of other machines", async () => {
    const { ctx } = machinery();
    const job = await takeOne();
    expect(await rescueDeadNeighbours(ctx)).toBe(0);
    await setIdentity({ hostname: "another/machine", processId: 1, processStart: "whenever" });
    expect(await rescueDeadNeighbours(ctx)).toBe(0);
    expect(await jobRow(ctx, job)).toMatchObject({ state: "leased" });
  });
});

describe("what a living worker does not know that it holds", () => {
  test("is made ready again: nobody else would ever free it", async () => {
    const { ctx } = machinery();
    const lost = await takeOne();
    const known = await put(ctx);
    const [job] = await claim(ctx, worker, ["work"], 1);
    const others = await put(ctx);
    await claim(ctx, newId(), ["work"], 1);
    await freeForgotten(ctx, worker, new Map(job ? [[known, job]] : []));
    expect(await jobRow(ctx, lost)).toMatchObject({ state: "ready", failures: 1 });
    expect(await jobRow(ctx, known)).toMatchObject({ state: "leased", workerId: worker });
    expect(await jobRow(ctx, others)).toMatchObject({ state: "leased" });
  });

  test("is also what it holds under a newer lease than it thinks", async () => {
    const { ctx } = machinery();
    const id = await put(ctx);
    const [old] = await claim(ctx, worker, ["work"], 1);
    await freeWorker(ctx, worker);
    await claim(ctx, worker, ["work"], 1);
    await freeForgotten(ctx, worker, new Map(old ? [[id, old]] : []));
    expect(await jobRow(ctx, id)).toMatchObject({ state: "ready" });
  });
});

test("a worker that signs out gives back what it holds untouched: a stop is not a failure", async () => {
  const { ctx, clock } = machinery();
  const job = await takeOne();
  await ctx.db.update(jobs).set({ failures: 3 }).where(eq(jobs.id, job));
  const row = await jobRow(ctx, job);
  await signOut(ctx, worker);
  expect(await jobRow(ctx, job)).toMatchObject({ state: "ready", lease: null, workerId: null, failures: 3 });
  expect((await jobRow(ctx, job))?.runAt).toEqual(row?.runAt as Date);
  expect((await jobRow(ctx, job))?.runAt.getTime()).toBeLessThanOrEqual(after(clock.now(), 0).getTime());
  expect(await workerIds()).toEqual([]);
});
