import { describe, expect, test } from "bun:test";
import { BAD_CARDS, GOOD_CARDS } from "../../src/sandbox/yookassa-cards.ts";
import { incomeOf, newObjectId, SHOP_SETTINGS } from "../../src/sandbox/yookassa-records.ts";

describe("money", () => {
  test("commission and its VAT are kept back, each rounded", () => {
    expect(incomeOf(100_000, SHOP_SETTINGS)).toBe(96_584);
    expect(incomeOf(49_900, SHOP_SETTINGS)).toBe(48_196);
    expect(incomeOf(14_900, SHOP_SETTINGS)).toBe(14_391);
    expect(incomeOf(100_000, { ...SHOP_SETTINGS, commissionBasisPoints: 350 })).toBe(95_730);
    expect(incomeOf(100_000, { ...SHOP_SETTINGS, commissionBasisPoints: 0 })).toBe(100_000);
  });

  test("ids look like the provider's: seconds since noon of the first day of 2000, and no UUIDv4", () => {
    const id = newObjectId(new Date("2026-10-05T09:13:40.512Z"), "000f");
    expect(id).toMatch(/^[0-9a-f]{8}-000f-5000-[89][0-9a-f]{3}-[0-9a-f]{12}$/);
    const seconds = (Date.parse("2026-10-05T09:13:40Z") - Date.parse("2000-01-01T12:00:00Z")) / 1_000;
    expect(id.slice(0, 8)).toBe(seconds.toString(16));
    expect(new Set(Array.from({ length: 500 }, () => newObjectId(new Date(0), "000f"))).size).toBe(500);
  });

  test("every test card is a card number, and none stands twice", () => {
    const numbers = [...GOOD_CARDS, ...BAD_CARDS].map(({ number }) => number);
    expect(numbers).toHaveLength(6 + 13 * 3);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^\d{16}$/);
  });
});
