import { describe, expect, test } from "bun:test";
import {
  quoteUpgrade,
  refundedMs,
  unusedKopecks,
} from "../../../src/features/billing/subscriptions/subscription-periods.ts";
import { DAY_MS } from "../../../src/platform/clock.ts";
import { addMoscowMonths, moscowDate } from "../../../src/platform/moscow.ts";

const at = (text: string) => new Date(text);

describe("months", () => {
  test("the day is kept, and comes back after a shorter month", () => {
    const anchor = at("2026-01-31T10:00:00+03:00");
    expect([1, 2, 3, 13].map((n) => moscowDate(addMoscowMonths(anchor, n)))).toEqual([
      "2026-02-28",
      "2026-03-31",
      "2026-04-30",
      "2027-02-28",
    ]);
    expect(moscowDate(addMoscowMonths(at("2027-12-31T23:59:59+03:00"), 2))).toBe("2028-02-29");
  });

  test("over each day of four years and two years of months: the same time of day, the next month, the same day or the last", () => {
    let checked = 0;
    for (let day = 0; day < 4 * 366; day += 1) {
      // Just before and just after Moscow's midnight, where another calendar would be a day off.
      for (const time of ["00:00:01", "23:59:59"]) {
        const anchor = new Date(at(`2026-01-01T${time}+03:00`).getTime() + day * DAY_MS);
        const [year, month, date] = moscowDate(anchor).split("-").map(Number) as [number, number, number];
        for (let n = 0; n <= 24; n += 1) {
          const end = addMoscowMonths(anchor, n);
          const monthIndex = year * 12 + (month - 1) + n;
          const lastDate = new Date(Date.UTC(Math.floor(monthIndex / 12), (monthIndex % 12) + 1, 0)).getUTCDate();
          const wanted = [Math.floor(monthIndex / 12), (monthIndex % 12) + 1, Math.min(date, lastDate)]
            .map((part) => String(part).padStart(2, "0"))
            .join("-");
          if (moscowDate(end) !== wanted || end.getTime() % DAY_MS !== anchor.getTime() % DAY_MS) {
            expect({ anchor, n, got: end.toISOString() }).toEqual({ anchor, n, got: wanted });
          }
          checked += 1;
        }
      }
    }
    expect(checked).toBe(4 * 366 * 2 * 25);
  });
});

describe("what is unused", () => {
  const period = {
    startsAt: at("2026-11-01T00:00:00Z"),
    endsAt: at("2026-12-01T00:00:00Z"),
    paidKopecks: 29_900,
    credits: 50,
    creditsLeft: 50,
  };

  test("is the smaller share of time and credits, in whole kopecks downwards", () => {
    expect(unusedKopecks(period, at("2026-11-01T00:00:00Z"))).toBe(29_900);
    expect(unusedKopecks(period, at("2026-11-11T00:00:00Z"))).toBe(19_933);
    expect(unusedKopecks({ ...period, creditsLeft: 10 }, at("2026-11-11T00:00:00Z"))).toBe(5_980);
    expect(unusedKopecks({ ...period, creditsLeft: 0 }, at("2026-11-01T00:00:00Z"))).toBe(0);
    expect(unusedKopecks(period, at("2026-12-01T00:00:00Z"))).toBe(0);
    expect(unusedKopecks(period, at("2027-01-01T00:00:00Z"))).toBe(0);
    // A period that is still to come is wholly unused.
    expect(unusedKopecks(period, at("2026-10-01T00:00:00Z"))).toBe(29_900);
  });

  test("an upgrade costs the price less that, never less than the provider takes; what is over becomes time", () => {
    const now = at("2026-11-11T00:00:00Z");
    expect(quoteUpgrade([period], 69_000, now)).toEqual({
      amountKopecks: 49_067,
      unusedKopecks: 19_933,
      creditsCounted: 50,
      extraSeconds: 0,
    });
    const many = quoteUpgrade(
      [period, { ...period, startsAt: period.endsAt, endsAt: at("2027-01-01T00:00:00Z") }],
      40_000,
      now,
    );
    expect(many).toMatchObject({ amountKopecks: 100, unusedKopecks: 49_833, creditsCounted: 100 });
    // 49 833 counted of 39 900: 9 933 over, of a month of 30 days at 40 000.
    expect(many.extraSeconds).toBe(Math.floor((9_933 * 30 * 86_400) / 40_000));
    expect(quoteUpgrade([], 69_000, now)).toMatchObject({ amountKopecks: 69_000, creditsCounted: 0 });
  });

  test("a refund takes its share of the time, as far as it lies ahead", () => {
    const half = { kopecks: 14_950, paidKopecks: 29_900, restKopecks: 14_950 };
    expect(refundedMs(period, half, at("2026-11-06T00:00:00Z"))).toBe(15 * DAY_MS);
    expect(refundedMs(period, half, at("2026-11-26T00:00:00Z"))).toBe(5 * DAY_MS);
    expect(refundedMs(period, { ...half, restKopecks: 0 }, at("2026-11-06T00:00:00Z"))).toBe(25 * DAY_MS);
    expect(refundedMs(period, half, at("2026-12-06T00:00:00Z"))).toBe(0);
  });
});
