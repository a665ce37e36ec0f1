import { describe, expect, test } from "bun:test";
import { after, HOUR_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete } from "../../../src/platform/queue/claim.ts";
import { enqueue, JOB_PRIORITY, wakeJob } from "../../../src/platform/queue/enqueue.ts";
import { giveBack, park } from "../../../src/platform/queue/outcome.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
const worker = newId();

/** Counts the wake-ups that this process hears. */
function countWakes() {
  const wakes = { count: 0 };
  machinery().ctx.wakeUps.subscribe("jobs", () => {
    wakes.count += 1;
  });
  return wakes;
}

describe("enqueue", () => {
  test("writes a job that is ready at once, in the background, untouched", async () => {
    const { ctx, clock } = machinery();
    const id = await enqueue({ ...ctx, requestId: "req-1" }, "work", { person: "Ж", list: [1, null] });
    expect(await jobRow(ctx, id ?? "")).toMatchObject({
      kind: "work",
      payload: { person: "Ж", list: [1, null] },
      state: "ready",
      priority: JOB_PRIORITY.background,
      turn: 0,
      claims: 0,
      failures: 0,
      uniqueKey: null,
      requestId: "req-1",
      runAt: clock.now(),
    });
  });

  test("J1 in a transaction that is rolled back leaves no job and wakes nobody", async () => {
    const { ctx } = machinery();
    const wakes = countWakes();
    const attempt = ctx.transaction(async (tx) => {
      expect(await enqueue(tx, "work", {})).not.toBeNull();
      throw new Error("rolled back");
    });
    await expect(attempt).rejects.toThrow("rolled back");
    expect(await allJobs(ctx)).toEqual([]);
    await Bun.sleep(30);
    expect(wakes.count).toBe(0);
  });

  test("wakes those who wait once the transaction is committed, not before", async () => {
    const { ctx } = machinery();
    const wakes = countWakes();
    await ctx.transaction(async (tx) => {
      await enqueue(tx, "work", {});
      await Bun.sleep(20);
      expect(wakes.count).toBe(0);
    });
    expect(wakes.count).toBe(1);
  });

  test("makes no second job under a key that stands in the queue, and none of the first is lost", async () => {
    const { ctx } = machinery();
    const first = await enqueue(ctx, "work", { n: 1 }, { uniqueKey: "one" });
    const wakes = countWakes();
    expect(await enqueue(ctx, "work", { n: 2 }, { uniqueKey: "one" })).toBeNull();
    expect(await ctx.transaction((tx) => enqueue(tx, "other", { n: 3 }, { uniqueKey: "one" }))).toBeNull();
    expect(wakes.count).toBe(0);
    expect((await allJobs(ctx)).map((job) => [job.id, job.payload])).toEqual([[first as string, { n: 1 }]]);
  });

  test("20 at once under one key make one job", async () => {
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 === 0 ? ctx : other).transaction((tx) => enqueue(tx, "work", {}, { uniqueKey: "one" })),
      ),
    );
    expect(ids.filter((id) => id !== null)).toHaveLength(1);
    expect(await allJobs(ctx)).toHaveLength(1);
  });

  test("makes a new job under the key once the old one is finished", async () => {
    const { ctx } = machinery();
    await enqueue(ctx, "work", {}, { uniqueKey: "one" });
    const [job] = await claim(ctx, worker, ["work"], 1);
    await complete(ctx, [job?.id ?? ""], [job?.lease ?? ""]);
    expect(await enqueue(ctx, "work", {}, { uniqueKey: "one" })).not.toBeNull();
  });

  test("makes as many jobs without a key as are asked for", async () => {
    const { ctx } = machinery();
    await Promise.all([put(ctx), put(ctx), put(ctx)]);
    expect(await allJobs(ctx)).toHaveLength(3);
  });
});

describe("waking a job", () => {
  test("makes a waiting one due now", async () => {
    const { ctx, clock } = machinery();
    const id = await put(ctx, "work", { uniqueKey: "one", runAt: after(clock.now(), HOUR_MS) });
    const wakes = countWakes();
    await ctx.transaction((tx) => wakeJob(tx, "one"));
    expect(await jobRow(ctx, id)).toEqual(expect.objectContaining({ state: "ready", runAt: clock.now() }));
    expect(wakes.count).toBe(1);
  });

  test("leaves one in work and a parked one alone", async () => {
    const { ctx, clock } = machinery();
    const inWork = await put(ctx, "work", { uniqueKey: "in work" });
    const parked = await put(ctx, "work", { uniqueKey: "parked" });
    const taken = await claim(ctx, worker, ["work"], 2);
    const second = taken.find((job) => job.id === parked);
    if (second) await park(ctx, second, "set aside");
    const before = [await jobRow(ctx, inWork), await jobRow(ctx, parked)];
    clock.advance(1_000);
    const wakes = countWakes();
    await wakeJob(ctx, "in work");
    await wakeJob(ctx, "parked");
    await wakeJob(ctx, "nobody");
    expect([await jobRow(ctx, inWork), await jobRow(ctx, parked)]).toEqual(before);
    expect(wakes.count).toBe(0);
  });

  test("brings one in work back at once, if that is asked for", async () => {
    const { ctx, clock } = machinery();
    const [woken, left] = [
      await put(ctx, "work", { uniqueKey: "woken" }),
      await put(ctx, "work", { uniqueKey: "left" }),
    ];
    const taken = await claim(ctx, worker, ["work"], 2);
    clock.advance(1_000);
    const wakes = countWakes();
    await ctx.transaction((tx) => wakeJob(tx, "woken", { inHand: true }));
    expect(wakes.count).toBe(0);
    expect(await jobRow(ctx, woken)).toMatchObject({ state: "leased", lease: taken[0]?.lease });
    const wokenAt = clock.now();
    clock.advance(1_000);
    for (const job of taken) await giveBack(ctx, job, HOUR_MS);
    expect(await jobRow(ctx, woken)).toEqual(expect.objectContaining({ state: "ready", runAt: wokenAt, lease: null }));
    expect(await jobRow(ctx, left)).toEqual(
      expect.objectContaining({ state: "ready", runAt: after(clock.now(), HOUR_MS) }),
    );
    // Once: the next time it waits again.
    const [again] = await claim(ctx, worker, ["work"], 1);
    if (again) await giveBack(ctx, again, HOUR_MS);
    expect(await jobRow(ctx, woken)).toEqual(expect.objectContaining({ runAt: after(clock.now(), HOUR_MS) }));
  });

  test("leaves a parked one alone, whatever is asked for", async () => {
    const { ctx, clock } = machinery();
    const parked = await put(ctx, "work", { uniqueKey: "parked" });
    const [job] = await claim(ctx, worker, ["work"], 1);
    if (job) await park(ctx, job, "set aside");
    const before = await jobRow(ctx, parked);
    clock.advance(1_000);
    await wakeJob(ctx, "parked", { inHand: true });
    expect(await jobRow(ctx, parked)).toEqual(before);
  });
});
