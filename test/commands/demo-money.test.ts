import { expect, test } from "bun:test";
import { runProgram } from "./program.ts";

/** The lines of a printed table whose first word is `name`, as words. */
function lines(out: string, name: string): string[][] {
  const found = out.split("\n").map((line) => line.trim().split(/ {2,}/));
  return found.filter(([first]) => first === name);
}

test("S1 S3 P15 X3 the demonstration buys, lets three periods pass and gives half back; every number is right to the kopeck", async () => {
  const { code, out, err } = await runProgram(["demo", "--money"]);
  expect([code, err]).toEqual([0, ""]);
  // 2.8 % of 399.00 is 11.17, and 22 % of that 2.46; of 299.00 it is 8.37 and 1.84. The tax is 4 % of what was not given back.
  expect(lines(out, "pack_60")).toEqual([["pack_60", "399.00", "199.50", "13.63", "7.98", "177.89"]]);
  expect(lines(out, "basic")).toEqual(Array(4).fill(["basic", "299.00", "0.00", "10.21", "11.96", "276.83"]));
  expect(lines(out, "all")).toEqual([["all", "1595.00", "199.50", "54.47", "55.82", "1285.21"]]);
  expect(out.match(/told a day before, charged once/g)).toHaveLength(3);
  const periods = [1, 2, 3, 4].map((number) => lines(out, String(number))[0] ?? []);
  for (const [index, period] of periods.entries()) {
    expect(period.slice(0, 2)).toEqual([String(index + 1), "basic"]);
    if (index > 0) expect(period[2]).toBe(periods[index - 1]?.[3] as string);
  }
  expect(lines(out, "grant").map(([, from, credits]) => [from, credits])).toEqual([
    ["pack", "+60"],
    ...Array(4).fill(["plan", "+50"]),
  ]);
  expect(lines(out, "expire").map(([, from, credits]) => [from, credits])).toEqual(Array(3).fill(["plan", "-50"]));
  expect(lines(out, "revoke")).toEqual([["revoke", "pack", "-30", "0"]]);
  const declared = out.split("\n").filter((line) => /^\d{4}-\d\d-\d\d +\d/.test(line));
  expect(declared.filter((line) => line.includes("annulled"))).toHaveLength(1);
  const ready = declared.filter((line) => line.includes("ready")).map((line) => line.split(/ {2,}/)[1]);
  expect(ready.toSorted()).toEqual(["199.50", "299.00", "299.00", "299.00", "299.00"]);
  expect(out).toContain("Left: 80 credits, held: 0.");
  expect(out).toContain("ledger verify: 0 differences.");
}, 120_000);
