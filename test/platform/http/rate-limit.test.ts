import { describe, expect, test } from "bun:test";
import { createRateLimiter, type RateVerdict } from "../../../src/platform/http/rate-limit.ts";

const POLICY = { capacity: 5, refillPerSecond: 1, cost: 1 };

function limiterWithClock(entriesMax = 1_000) {
  let nowMs = Date.parse("2026-09-01T12:00:00Z");
  let drawn = 0;
  const limiter = createRateLimiter({
    clock: { now: () => new Date(nowMs) },
    entriesMax,
    // Steps of the golden ratio: spread evenly, and the same in every run.
    random: () => {
      drawn += 1;
      return (drawn * 0.6180339887498949) % 1;
    },
  });
  const pass = (seconds: number): void => {
    nowMs += seconds * 1_000;
  };
  return { limiter, pass };
}

function times(count: number, act: () => RateVerdict): boolean[] {
  return Array.from({ length: count }, () => act().allowed);
}

describe("a token bucket", () => {
  test("allows a burst up to its capacity, then says when to come back", () => {
    const { limiter } = limiterWithClock();
    expect(times(5, () => limiter.take("anna", POLICY))).toEqual([true, true, true, true, true]);
    expect(limiter.take("anna", POLICY)).toEqual({
      allowed: false,
      retryAfterSeconds: 1,
      tokensLeft: 0,
      fullAfterSeconds: 5,
    });
    expect(limiter.take("anna", { ...POLICY, cost: 3 })).toMatchObject({ allowed: false, retryAfterSeconds: 3 });
  });

  test("refills with time and never above its capacity", () => {
    const { limiter, pass } = limiterWithClock();
    times(5, () => limiter.take("anna", POLICY));
    pass(2);
    expect(times(3, () => limiter.take("anna", POLICY))).toEqual([true, true, false]);
    pass(3_600);
    expect(times(6, () => limiter.take("anna", POLICY))).toEqual([true, true, true, true, true, false]);
  });

  test("whoever waits exactly as told gets through, whatever the fractions", () => {
    for (const refillPerSecond of [1 / 3, 1 / 49, 0.1, 0.7, 1 / 720, 3, 17]) {
      const { limiter, pass } = limiterWithClock();
      const policy = { capacity: 7, refillPerSecond, cost: 7 };
      limiter.take("anna", policy);
      for (let round = 0; round < 20; round += 1) {
        const verdict = limiter.take("anna", policy);
        if (verdict.allowed) throw new Error("the bucket was empty");
        pass(verdict.retryAfterSeconds);
        expect(limiter.take("anna", policy)).toMatchObject({ allowed: true });
      }
    }
  });

  test("a refused request takes nothing", () => {
    const { limiter, pass } = limiterWithClock();
    times(5, () => limiter.take("anna", POLICY));
    expect(times(50, () => limiter.take("anna", POLICY))).not.toContain(true);
    pass(1);
    expect(limiter.take("anna", POLICY).allowed).toBe(true);
  });

  test("costly requests weigh more, and people do not share a bucket", () => {
    const { limiter } = limiterWithClock();
    expect(limiter.take("anna", { ...POLICY, cost: 4 }).allowed).toBe(true);
    expect(limiter.take("anna", { ...POLICY, cost: 4 }).allowed).toBe(false);
    expect(limiter.take("anna", POLICY).allowed).toBe(true);
    expect(limiter.take("boris", { ...POLICY, cost: 4 }).allowed).toBe(true);
  });

  test("a clock that is set back neither fills nor empties it", () => {
    const { limiter, pass } = limiterWithClock();
    times(4, () => limiter.take("anna", POLICY));
    pass(-3_600);
    expect(times(2, () => limiter.take("anna", POLICY))).toEqual([true, false]);
    pass(1);
    expect(limiter.take("anna", POLICY).allowed).toBe(true);
  });

  test("a policy that could never let a request through is a bug", () => {
    const { limiter } = limiterWithClock();
    expect(() => limiter.take("anna", { ...POLICY, cost: 6 })).toThrow("invariant");
    expect(() => limiter.take("anna", { ...POLICY, refillPerSecond: 0 })).toThrow("invariant");
    expect(() => limiter.take("anna", { ...POLICY, cost: 0 })).toThrow("invariant");
    expect(() => limiterWithClock(0)).toThrow("invariant");
  });
});

describe("a flood of keys", () => {
  test("memory stays within the limit", () => {
    const { limiter } = limiterWithClock(100);
    for (let index = 0; index < 20_000; index += 1) limiter.take(`key ${index}`, POLICY);
    expect(limiter.size).toBe(100);
  });

  test("does not give back what others, or the attacker, have used up", () => {
    const { limiter } = limiterWithClock(1_000);
    const emptied = Array.from({ length: 100 }, (_, index) => `emptied ${index}`);
    for (const key of emptied) times(5, () => limiter.take(key, POLICY));
    for (let index = 0; index < 50_000; index += 1) limiter.take(`flood ${index}`, POLICY);
    expect(emptied.filter((key) => limiter.take(key, POLICY).allowed)).toEqual([]);
  });

  test("whoever is forgotten starts anew and shares no bucket with the key that took the place", () => {
    const { limiter } = limiterWithClock(1);
    limiter.take("anna", POLICY);
    times(5, () => limiter.take("boris", POLICY));
    expect(times(6, () => limiter.take("anna", POLICY))).toEqual([true, true, true, true, true, false]);
  });

  test("does not lock out a person who comes for the first time", () => {
    const { limiter } = limiterWithClock(100);
    for (let index = 0; index < 1_000; index += 1) times(5, () => limiter.take(`flood ${index}`, POLICY));
    expect(limiter.take("anna", POLICY).allowed).toBe(true);
  });
});
