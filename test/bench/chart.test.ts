import { describe, expect, test } from "bun:test";
import { figure, rowsOf } from "../../bench/chart-rows.ts";
import { chartOf } from "../../bench/chart-svg.ts";
import { tableOf } from "../../bench/chart-table.ts";
import type { Result, Verdict } from "../../bench/result.ts";

const MACHINE = { processor: "P", cores: 2, memoryGib: 8, system: "linux x64", bun: "1", load: 0 };
const LIST: Omit<Verdict, "value" | "met"> = { goal: "Q1", what: "jobs_per_second", against: "a <peer>", atLeast: 2 };
const WAIT: Omit<Verdict, "value" | "met"> = { goal: "H1", what: "p99_ms", atMost: 30 };

function result(at: string, values: (number | null)[], more: Partial<Result> = {}): Result {
  const verdicts = [LIST, WAIT].map((bar, place) => ({ ...bar, value: values[place] ?? null, met: null }));
  return { bench: "jobs", at, machine: MACHINE, loadAtEnd: 0, samples: {}, verdicts, ...more };
}

const runs = rowsOf(
  [
    result("2026-01-04", [1, 0]),
    result("2026-01-01", [9, 9]),
    result("2026-01-03", [4, 60]),
    result("2026-01-02", [null, 15]),
    result("2026-01-05", [0.1, 9], { shortened: ["BENCH_ROUNDS=1"] }),
    result("2026-01-06", [null], { bench: "other", verdicts: [{ ...WAIT, goal: "H10", value: null, met: null }] }),
  ],
  3,
);

describe("the chart of the benches", () => {
  test("takes the last runs of each bench, in their order, and none that was shortened", () => {
    expect(runs.rows.map(({ goal, values, words }) => [goal, values, words])).toEqual([
      ["H1", [15, 60, 0], "short in 1 of 3"],
      ["H10", [null], "not measured"],
      ["Q1", [null, 4, 1], "short in 1 of 2"],
    ]);
    expect([runs.from, runs.to]).toEqual(["2026-01-02", "2026-01-06"]);
  });

  test("says how far a figure is from its bar, better being above one either way", () => {
    expect(runs.rows.map(({ margins }) => margins)).toEqual([[2, 0.5, Number.POSITIVE_INFINITY], [], [2, 0.5]]);
  });

  test("has each run's figure in its table, and the verdict in words", () => {
    const table = tableOf(runs);
    expect(table).toContain("0 of 3 bars are met in every run, 2 fall short in at least one, 1 were not measured.");
    expect(table).toContain("| H1 | jobs | p99 ms | ≤ 30 | 15 | 60 | 0 | **short in 1 of 3** |");
    expect(table).toContain("| H10 | other | p99 ms | ≤ 30 | – | – | – | **not measured** |");
    expect(table).toContain("| Q1 | jobs | jobs per second, ours : a <peer> | ≥ 2 | – | 4 | 1 | **short in 1 of 2** |");
  });

  test("is drawn with every row inside the picture, and with nothing of a name as markup", () => {
    const svg = chartOf(runs);
    expect(svg).toContain("jobs per second, ours : a &lt;peer&gt;");
    const numbers = [...svg.matchAll(/ (?:c?x|x1|x2|width)="([^"]*)"/g)].map(([, number]) => Number(number));
    expect(numbers.length).toBeGreaterThan(20);
    for (const number of numbers) expect(number >= 0 && number <= 1_080).toBe(true);
    expect(svg.match(/<circle/g)).toHaveLength(5);
    expect(svg).toContain("prefers-color-scheme: dark");
  });

  test("writes figures with three digits, and thousands apart", () => {
    expect([0.12345, 12.345, 123.45, 1234.5, 1234567].map(figure)).toEqual([
      "0.123",
      "12.3",
      "123",
      "1 235",
      "1 234 567",
    ]);
  });
});
