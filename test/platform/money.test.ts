import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { kopecksToText, textToKopecks } from "../../src/platform/money.ts";

describe("money as text", () => {
  test("has two digits after the dot, always", () => {
    expect([0, 1, 10, 99, 100, 14_900, 119_000, 35_000_001].map(kopecksToText)).toEqual([
      "0.00",
      "0.01",
      "0.10",
      "0.99",
      "1.00",
      "149.00",
      "1190.00",
      "350000.01",
    ]);
  });

  test("comes back as the same kopecks, whatever the amount", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (kopecks) => {
        expect(textToKopecks(kopecksToText(kopecks))).toBe(kopecks);
      }),
    );
  });

  for (const text of [
    "149",
    "149.0",
    "149.000",
    "149,00",
    "-149.00",
    "+149.00",
    "1e2",
    "1e2.00",
    "0149.00",
    "00.00",
    " 149.00",
    "149.00 ",
    "149.00\n",
    "1 490.00",
    ".50",
    "149.",
    "NaN",
    "Infinity",
    "0x10.00",
    "١٤٩.00",
    "99999999999999.00",
    "",
  ]) {
    test(`is not guessed at: ${JSON.stringify(text)} is no amount`, () => {
      expect(textToKopecks(text)).toBeUndefined();
    });
  }

  test("is text and nothing else", () => {
    for (const value of [149, 149.5, null, undefined, ["149.00"], { value: "149.00" }, true]) {
      expect(textToKopecks(value)).toBeUndefined();
    }
  });

  test("is never made of a fraction, a negative number or no number", () => {
    for (const wrong of [-1, 0.5, 149.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => kopecksToText(wrong)).toThrow("whole number of kopecks");
    }
  });
});
