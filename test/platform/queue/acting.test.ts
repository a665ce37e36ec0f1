import { describe, expect, test } from "bun:test";
import { HOUR_MS } from "../../../src/platform/clock.ts";
import { actingScheduler, BEAT_MS, createActing, SILENT_MS_MAX } from "../../../src/platform/queue/acting.ts";
import { type Schedule, startScheduler } from "../../../src/platform/queue/cron.ts";
import { processIdentity } from "../../../src/platform/queue/rescue.ts";
import { schedulerLease } from "../../../src/platform/queue/tables.ts";
import { allJobs } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();
const TICK_MS = 1_000;

/** Schedulers of several machines, on one monotonic clock that the test moves. */
function schedulers(count: number) {
  let monotonicMs = 7_000;
  const { ctx } = machinery();
  return {
    all: Array.from({ length: count }, () => createActing(ctx, () => monotonicMs)),
    pass: (ms: number) => {
      monotonicMs += ms;
    },
  };
}

/** The holder seems to run on another machine, of whose processes nothing is known from here. */
const moveElsewhere = () => machinery().ctx.db.update(schedulerLease).set({ hostname: "elsewhere" });
const looks = (all: readonly { hold(): Promise<boolean> }[]) => Promise.all(all.map((one) => one.hold()));
const actingOf = (held: readonly boolean[]) => held.filter(Boolean).length;

describe("J1 of several schedulers", () => {
  test("one acts, from the first moment on, and stays the same while it lives", async () => {
    const { all, pass } = schedulers(5);
    const first = await looks(all);
    expect(actingOf(first)).toBe(1);
    for (let second = 0; second < 60; second += 1) {
      pass(TICK_MS);
      expect(await looks(all)).toEqual(first);
    }
    expect(await machinery().ctx.db.select().from(schedulerLease)).toHaveLength(1);
  });

  test("another takes over from one that fell silent, within 15 seconds and not before 10; only one does", async () => {
    const { all, pass } = schedulers(4);
    const [silent, ...others] = all;
    expect(await silent?.hold()).toBe(true);
    await moveElsewhere();
    let seconds = 0;
    while (actingOf(await looks(others)) === 0) {
      pass(TICK_MS);
      seconds += 1;
    }
    expect(seconds * TICK_MS).toBeWithin(SILENT_MS_MAX, 15_000);
    expect(actingOf(await looks(others))).toBe(1);
    // The one that was suspended finds another's name there, and takes nothing back.
    expect(await silent?.hold()).toBe(false);
    expect(actingOf(await looks(others))).toBe(1);
  });

  test("another takes over at once from one that stopped", async () => {
    const { all } = schedulers(2);
    const [first, second] = all;
    expect([await first?.hold(), await second?.hold()]).toEqual([true, false]);
    await first?.release();
    expect(await second?.hold()).toBe(true);
    expect(await first?.hold()).toBe(false);
  });

  test("one that stops and does not act takes nothing from the one that does", async () => {
    const { all, pass } = schedulers(2);
    const [first, second] = all;
    await first?.hold();
    await second?.hold();
    await second?.release();
    pass(BEAT_MS);
    expect(await first?.hold()).toBe(true);
  });

  test("another takes over at once where the holder was a process of this machine that is gone", async () => {
    const { all } = schedulers(2);
    await all[0]?.hold();
    const gone = Bun.spawn(["/bin/true"]);
    await gone.exited;
    await machinery()
      .ctx.db.update(schedulerLease)
      .set({ ...processIdentity(), processId: gone.pid });
    expect(await all[1]?.hold()).toBe(true);
  });

  test.each([HOUR_MS, -HOUR_MS])("F12 none loses its place when the clock jumps by %d ms", async (jumpMs) => {
    const { all, pass } = schedulers(2);
    // Both ask at once, and either may come first.
    const first = await looks(all);
    expect(actingOf(first)).toBe(1);
    machinery().clock.advance(jumpMs);
    for (let second = 0; second < 12; second += 1) {
      pass(TICK_MS);
      expect(await looks(all)).toEqual(first);
    }
  });

  test("a holder that cannot beat for long stops by itself: it asks before it acts again", async () => {
    const { all, pass } = schedulers(1);
    expect(await all[0]?.hold()).toBe(true);
    await machinery().ctx.db.update(schedulerLease).set({ holderId: crypto.randomUUID(), beats: 3 });
    pass(BEAT_MS - 1);
    expect(await all[0]?.hold()).toBe(true);
    pass(1);
    expect(await all[0]?.hold()).toBe(false);
  });
});

test("J1 running schedulers: one makes the jobs; once it stops, the other goes on within a few seconds", async () => {
  const entries: Schedule[] = [{ name: "one", cron: "* * * * *", kind: "work" }];
  const { ctx, another, clock, atEnd } = machinery();
  const other = await another();
  const first = startScheduler(ctx, entries);
  await until(async () => (await allJobs(ctx)).length === 1, "the first acts");
  const holder = await actingScheduler(ctx);
  const second = startScheduler(other.ctx, entries);
  atEnd(() => second.stop());
  await Bun.sleep(1_200);
  expect(await actingScheduler(ctx)).toMatchObject({ holderId: holder?.holderId ?? "" });
  expect(other.logLines.filter((line) => line.includes("acts now"))).toEqual([]);
  await first.stop();
  await until(async () => (await actingScheduler(ctx)) !== null, "the other has taken over");
  expect((await actingScheduler(ctx))?.holderId).not.toBe(holder?.holderId ?? "");
  clock.advance(60_000);
  expect(other.logLines.filter((line) => line.includes("this scheduler acts now"))).toHaveLength(1);
});
