import { describe, expect, test } from "bun:test";
import { type CreditLine, creditLines, type Entry } from "../../src/web/app/credit-lines.ts";
import { bestValueOf } from "../../src/web/app/prices.ts";

/** An entry as the journal has it; later ones carry later times. */
const entry = (kind: Entry["kind"], more: Partial<Entry> = {}): Entry => ({
  id: crypto.randomUUID(),
  kind,
  action: "fitting",
  credits: 0,
  reserved: 0,
  free_action: 0,
  hold_id: null,
  created_at: "2026-11-18T09:00:00.000Z",
  ...more,
});
const HOLD = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c";
const LATER = "2026-11-18T09:01:00.000Z";
const paid = {
  hold: entry("hold", { credits: -2, reserved: 2, hold_id: HOLD }),
  settle: entry("settle", { reserved: -2, hold_id: HOLD, created_at: LATER }),
  release: entry("release", { credits: 2, reserved: -2, hold_id: HOLD, created_at: LATER }),
};
const free = {
  hold: entry("hold", { free_action: -1, hold_id: HOLD }),
  release: entry("release", { free_action: 1, hold_id: HOLD, created_at: LATER }),
  releaseWithout: entry("release", { hold_id: HOLD, created_at: LATER }),
};
const shown = (lines: readonly CreditLine[]) =>
  lines.map((line) =>
    line.type === "operation" ? [line.credits, line.end, line.isFreeReturned] : [line.credits, line.kind],
  );

describe("the journal as people read it", () => {
  test.each([
    ["an operation in work", [paid.hold], [[2, "held", false]]],
    ["charge and end", [paid.settle, paid.hold], [[2, "spent", false]]],
    ["charge and return", [paid.release, paid.hold], [[2, "returned", false]]],
    ["a return whose charge lies on a later page", [paid.release], [[2, "returned", false]]],
    ["an end whose charge lies on a later page", [paid.settle], [[2, "spent", false]]],
    ["a free action that came back", [free.release, free.hold], [[0, "returned", true]]],
    ["a free action that did not", [free.releaseWithout, free.hold], [[0, "returned", false]]],
  ] as const)("%s is one line", (_, entries, lines) => {
    expect(shown(creditLines(entries))).toEqual(lines.map((line) => [...line]));
  });

  test("an operation stands at the place of its newest entry and has the time of its first; what came between stays", () => {
    const pack = entry("grant", { action: "pack", credits: 20 });
    const lines = creditLines([paid.release, pack, paid.hold]);
    expect(shown(lines)).toEqual([
      [2, "returned", false],
      [20, "grant"],
    ]);
    expect(lines[0]?.at).toBe(paid.hold.created_at);
  });
});

describe("the best value", () => {
  const product = (credits: number, kopecks: number) => ({ credits, price_kopecks: kopecks });

  test("is the product whose credit costs least, whatever the order", () => {
    const packs = [product(20, 14_900), product(60, 39_900), product(200, 119_000)];
    expect(bestValueOf(packs)).toBe(packs[2] ?? null);
    expect(bestValueOf([...packs].reverse())).toBe(packs[2] ?? null);
    const dear = [product(20, 10_000), product(200, 150_000)];
    expect(bestValueOf(dear)).toBe(dear[0] ?? null);
  });

  test("is nothing where nothing is: of one product, of none, of two whose credit costs the same to the last part", () => {
    expect(bestValueOf([])).toBe(null);
    expect(bestValueOf([product(20, 14_900)])).toBe(null);
    expect(bestValueOf([product(3, 1_000), product(6, 2_000), product(1, 400)])).toBe(null);
    // Rounded to kopecks these two would be equal.
    const close = [product(300, 100_000), product(301, 100_000)];
    expect(bestValueOf(close)).toBe(close[1] ?? null);
  });
});
