import { expect, test } from "bun:test";
import fc from "fast-check";
import { BACKOFF_BASE_MS, BACKOFF_MS_MAX, backoffMs } from "../../../src/platform/queue/backoff.ts";

const failures = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10_000 }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a pause is a whole number of ms, never negative and never longer than five minutes", () => {
  fc.assert(
    fc.property(failures, chance, (count, random) => {
      const pause = backoffMs(count, () => random);
      expect(Number.isInteger(pause)).toBe(true);
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThanOrEqual(BACKOFF_MS_MAX);
      expect(pause).toBeLessThanOrEqual(BACKOFF_BASE_MS * 2 ** (count - 1));
    }),
  );
});

test("the longest possible pause doubles: 1 s, 2 s, 4 s ... until five minutes", () => {
  const longest = (count: number) => backoffMs(count, () => 1);
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(longest)).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000,
  ]);
  expect([10, 11, 2_000].map(longest)).toEqual([300_000, 300_000, 300_000]);
});

test("the whole range is used, so that jobs that failed together do not come back together", () => {
  const pauses = Array.from({ length: 2_000 }, () => backoffMs(7, Math.random));
  const inTenth = (tenth: number) => pauses.filter((pause) => Math.floor(pause / 6_400) === tenth).length;
  for (let tenth = 0; tenth < 10; tenth += 1) expect(inTenth(tenth)).toBeGreaterThan(100);
});
