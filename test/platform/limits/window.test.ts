import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rateWindows } from "../../../src/platform/limits/tables.ts";
import { type RateWindow, takePlace } from "../../../src/platform/limits/window.ts";
import { createTestClock } from "../../support/clock.ts";
import { openMachinery, useMachinery } from "../../support/machinery.ts";

const machinery = useMachinery();
/** What kie.ai allows an account. */
const CREATES: RateWindow = { name: "kie.create", count: 20, windowMs: 10_000 };

const take = (window = CREATES, ctx = machinery().ctx) => takePlace(ctx, window);

describe("a window of 20 in 10 s", () => {
  test("lets 20 pass over two processes at once, and the 21st of either waits", async () => {
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    const waits = await Promise.all(Array.from({ length: 40 }, (_, at) => take(CREATES, at % 2 === 0 ? ctx : other)));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(20);
    expect(new Set(waits)).toEqual(new Set([0, 10_001]));
  });

  test("is exact at its border: the place is free when its moment has left the window, not before", async () => {
    const { clock } = machinery();
    for (let at = 0; at < 20; at += 1) {
      expect(await take()).toBe(0);
      clock.advance(100);
    }
    // The first was taken 2 s ago.
    expect(await take()).toBe(8_001);
    clock.advance(7_999);
    expect(await take()).toBe(2);
    clock.advance(1);
    expect(await take()).toBe(0);
    expect(await take()).toBe(101);
  });

  test("keeps a wait that is long enough: whoever waits it out gets a place", async () => {
    const { clock } = machinery();
    for (let at = 0; at < 60; at += 1) {
      const wait = await take();
      if (wait === 0) continue;
      clock.advance(wait);
      expect(await take()).toBe(0);
    }
  });

  test("has no place taken by whoever was refused", async () => {
    const { ctx, clock } = machinery();
    for (let at = 0; at < 50; at += 1) await take();
    const [row] = await ctx.db.select().from(rateWindows);
    expect(row?.recentMs).toEqual(Array.from({ length: 20 }, () => clock.now().getTime()));
  });

  test("takes no place in a transaction that is rolled back", async () => {
    const { ctx } = machinery();
    const attempt = ctx.transaction(async (tx) => {
      expect(await takePlace(tx, CREATES)).toBe(0);
      throw new Error("rolled back");
    });
    await expect(attempt).rejects.toThrow("rolled back");
    for (let at = 0; at < 20; at += 1) expect(await take()).toBe(0);
  });

  test("is one's own: another name has other places", async () => {
    const one: RateWindow = { name: "one", count: 1, windowMs: 1_000 };
    expect([await take(one), await take({ ...one, name: "two" }), await take(one)]).toEqual([0, 0, 1_001]);
  });
});

test("never more than the number pass in any window, however they come", async () => {
  const { clock } = machinery();
  const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 10, maxLength: 40 });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (pauses) => {
      round += 1;
      const window: RateWindow = { name: `property ${round}`, count: 4, windowMs: 500 };
      const passed: number[] = [];
      for (const pause of pauses) {
        clock.advance(pause);
        if ((await take(window)) === 0) passed.push(clock.now().getTime());
      }
      for (const at of passed) {
        const inWindow = passed.filter((other) => other > at - window.windowMs && other <= at).length;
        expect(inWindow).toBeLessThanOrEqual(window.count);
      }
    }),
    { numRuns: 15 },
  );
});

describe("clocks", () => {
  test("of two machines may differ a little: what one has taken, the other sees", async () => {
    const { clock, database, atEnd } = machinery();
    const ahead = createTestClock(new Date(clock.now().getTime() + 250));
    const other = await openMachinery(database, ahead);
    atEnd(() => other.close());
    const waits: number[] = [];
    for (let at = 0; at < 30; at += 1) {
      waits.push(await take(CREATES, at % 2 === 0 ? other.ctx : machinery().ctx));
      clock.advance(10);
      ahead.advance(10);
    }
    expect(waits.filter((wait) => wait === 0)).toHaveLength(20);
  });

  test("F12 that were an hour ahead keep nobody waiting for that hour", async () => {
    const { clock } = machinery();
    for (let at = 0; at < 20; at += 1) await take();
    clock.advance(-3_600_000);
    expect(await take()).toBe(0);
  });
});
