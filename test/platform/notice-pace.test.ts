import { describe, expect, test } from "bun:test";
import { createNoticePace, MANY_WAKE_UPS } from "../../src/platform/notice-pace.ts";
import { NOTICE_PACES } from "../../src/platform/wake.ts";

/** A pace on a clock that the test moves, and somebody who wakes through it. */
function pace(options = NOTICE_PACES.jobs) {
  let nowMs = 1_000;
  const own = createNoticePace(options, () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  /** One wake-up, the wait that it begins, `more` wake-ups meanwhile, and the notice; answers how long it waited. */
  const notice = (more: number): number => {
    const waitMs = own.waitMs();
    pass(waitMs);
    own.sent(1 + more);
    return waitMs;
  };
  return { notice, pass };
}

const MANY = MANY_WAKE_UPS - 1;

describe("Q5 a notice", () => {
  test("waits for nothing after a pause, and for the least time right after another", () => {
    const { notice, pass } = pace();
    expect(notice(0)).toBe(0);
    expect(notice(0)).toBe(10);
    pass(9);
    expect(notice(0)).toBe(10);
    pass(10);
    expect(notice(0)).toBe(0);
  });

  test("waits twice as long after each that had many to tell, up to the most", () => {
    const { notice } = pace();
    expect(Array.from({ length: 6 }, () => notice(MANY))).toEqual([0, 20, 40, 50, 50, 50]);
  });

  test("waits for the least time again after one that had few to tell, and for nothing after a pause", () => {
    const { notice, pass } = pace();
    for (let at = 0; at < 5; at += 1) notice(MANY);
    expect(notice(MANY - 1)).toBe(50);
    expect(notice(0)).toBe(10);
    for (let at = 0; at < 5; at += 1) notice(MANY);
    pass(50);
    // What a pause has ended begins anew, however many the first notice after it tells of.
    expect(notice(MANY)).toBe(0);
    expect(notice(0)).toBe(20);
    expect(notice(0)).toBe(10);
  });

  test("of a slow pace, a job every 5 ms, never waits longer than the least", () => {
    const { notice, pass } = pace();
    for (let at = 0; at < 20; at += 1) {
      expect(notice(1)).toBeLessThanOrEqual(10);
      pass(5);
    }
  });

  test.each(["live", "sessions", "maintenance"] as const)("of %s, where people look, never waits longer", (topic) => {
    const { notice } = pace(NOTICE_PACES[topic]);
    expect(Array.from({ length: 5 }, () => notice(100 * MANY))).toEqual([0, 10, 10, 10, 10]);
  });

  test("of the panel, which nobody waits for, is never sent at once", () => {
    const { notice, pass } = pace(NOTICE_PACES.panel);
    expect(notice(0)).toBe(1_000);
    expect(notice(MANY)).toBe(1_000);
    pass(5_000);
    expect(notice(0)).toBe(1_000);
  });
});
