import { describe, expect, test } from "bun:test";
import { holdWindow, type RateWindow, restampPlaces } from "../../../src/platform/limits/window.ts";
import { useMachinery } from "../../support/machinery.ts";

const WINDOW: RateWindow = { name: "test.places", count: 25, windowMs: 1_000 };
const machinery = useMachinery();

/** Takes up to `wanted` places; what was free and for how long to wait. */
const take = (wanted: number, ctx = machinery().ctx) =>
  ctx.transaction(async (tx) => {
    const { free, waitMs, take: takeThem } = await holdWindow(tx, WINDOW);
    const taken = Math.min(free, wanted);
    if (taken > 0) await takeThem(taken);
    return { taken, waitMs };
  });

describe("many places at once", () => {
  test("are no more than the window has, in any stretch of its length", async () => {
    const { clock } = machinery();
    expect(await take(20)).toEqual({ taken: 20, waitMs: 0 });
    clock.advance(400);
    expect(await take(20)).toEqual({ taken: 5, waitMs: 0 });
    expect(await take(20)).toEqual({ taken: 0, waitMs: 601 });
    clock.advance(600);
    expect(await take(100)).toEqual({ taken: 20, waitMs: 0 });
    expect(await take(1)).toEqual({ taken: 0, waitMs: 401 });
  });

  test("are handed out once, however many processes ask at the same moment", async () => {
    const { ctx, another } = machinery();
    const contexts = [ctx, (await another()).ctx, (await another()).ctx];
    const all = await Promise.all(Array.from({ length: 12 }, (_, turn) => take(7, contexts[turn % 3])));
    expect(all.reduce((sum, { taken }) => sum + taken, 0)).toBe(25);
  });

  test("that were taken for something slow stay taken for the whole window after its end", async () => {
    const { ctx, clock } = machinery();
    const takenAt = clock.now();
    await take(25);
    clock.advance(300);
    await ctx.transaction((tx) => restampPlaces(tx, WINDOW, takenAt, 10));
    clock.advance(700);
    expect(await take(100)).toEqual({ taken: 15, waitMs: 0 });
    clock.advance(299);
    expect((await take(1)).taken).toBe(0);
    clock.advance(1);
    expect((await take(100)).taken).toBe(10);
  });

  test("stay taken also when the window is over by the time that the slow thing ends", async () => {
    const { ctx, clock } = machinery();
    const takenAt = clock.now();
    await take(25);
    clock.advance(5_000);
    await ctx.transaction((tx) => restampPlaces(tx, WINDOW, takenAt, 25));
    expect((await take(1)).taken).toBe(0);
    clock.advance(1_000);
    expect((await take(100)).taken).toBe(25);
  });
});
