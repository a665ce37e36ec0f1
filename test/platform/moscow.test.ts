import { describe, expect, test } from "bun:test";
import { DAY_MS } from "../../src/platform/clock.ts";
import { moscowDate, moscowDayStart, moscowMonth, nextMoscowMonth } from "../../src/platform/moscow.ts";

/** The time zone data of the system, which knows nothing of our arithmetic. */
const parts = new Intl.DateTimeFormat("en-CA", {
  timeZone: "Europe/Moscow",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** Every Moscow day of four years, a leap year and three turns of the year among them, at its telling moments. */
function* momentsOfFourYears(): Generator<{ at: Date; dayStart: Date }> {
  const first = Date.parse("2025-12-31T21:00:00.000Z");
  const days = 365 * 4 + 1;
  for (let day = 0; day < days; day += 1) {
    const dayStart = new Date(first + day * DAY_MS);
    for (const into of [0, 1, 3 * 3_600_000 - 1, 3 * 3_600_000, DAY_MS / 2, DAY_MS - 1]) {
      yield { at: new Date(dayStart.getTime() + into), dayStart };
    }
  }
}

describe("C7 on every day of four years", () => {
  test("the Moscow date and month are those of the time zone's own data", () => {
    let checked = 0;
    for (const { at } of momentsOfFourYears()) {
      const expected = parts.format(at);
      if (moscowDate(at) !== expected) throw new Error(`${at.toISOString()}: ${moscowDate(at)}, not ${expected}`);
      if (moscowMonth(at) !== expected.slice(0, 7)) throw new Error(`${at.toISOString()}: ${moscowMonth(at)}`);
      checked += 1;
    }
    expect(checked).toBe(1461 * 6);
  });

  test("the day began at Moscow's midnight, also for its first and last millisecond", () => {
    for (const { at, dayStart } of momentsOfFourYears()) {
      if (moscowDayStart(at).getTime() !== dayStart.getTime()) {
        throw new Error(`${at.toISOString()}: ${moscowDayStart(at).toISOString()}, not ${dayStart.toISOString()}`);
      }
    }
  });

  test("the next month is the first moment that belongs to another month, at most 31 days on", () => {
    for (const { at } of momentsOfFourYears()) {
      const next = nextMoscowMonth(at);
      const last = new Date(next.getTime() - 1);
      const right =
        next > at &&
        next.getTime() - at.getTime() <= 31 * DAY_MS &&
        moscowMonth(last) === moscowMonth(at) &&
        moscowMonth(next) !== moscowMonth(at) &&
        moscowDate(next).endsWith("-01") &&
        moscowDayStart(next).getTime() === next.getTime();
      if (!right) throw new Error(`${at.toISOString()}: ${next.toISOString()}`);
    }
  });

  test("months follow each other without a gap: 48 of them, from one beginning to the next", () => {
    let at = new Date("2025-12-31T21:00:00.000Z");
    const months: string[] = [];
    for (let month = 0; month < 48; month += 1) {
      months.push(moscowMonth(at));
      at = nextMoscowMonth(at);
    }
    expect(new Set(months).size).toBe(48);
    expect([months[0], months[1], months.at(-1)]).toEqual(["2026-01", "2026-02", "2029-12"]);
    expect(at.toISOString()).toBe("2029-12-31T21:00:00.000Z");
  });
});

test("X3 23:59:59.999 in Moscow is still that day, month and year; a millisecond later it is the next", () => {
  const last = new Date("2026-12-31T20:59:59.999Z");
  const first = new Date("2026-12-31T21:00:00.000Z");
  expect([moscowDate(last), moscowMonth(last)]).toEqual(["2026-12-31", "2026-12"]);
  expect([moscowDate(first), moscowMonth(first)]).toEqual(["2027-01-01", "2027-01"]);
  expect(nextMoscowMonth(last)).toEqual(first);
  expect(nextMoscowMonth(first).toISOString()).toBe("2027-01-31T21:00:00.000Z");
  expect(moscowDate(new Date("2028-02-28T21:00:00.000Z"))).toBe("2028-02-29");
  expect(moscowDate(new Date("2027-02-28T21:00:00.000Z"))).toBe("2027-03-01");
});
