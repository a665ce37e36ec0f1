import { expect, test } from "bun:test";
import { join } from "node:path";
import { GENERATION_STATUSES, isFinal } from "../../../src/features/generations/states.ts";
import { FAILURE_CODES } from "../../../src/features/notifications/index.ts";
import { REFUSAL_CODES } from "../../../src/platform/refusals.ts";

const page = await Bun.file(join(import.meta.dir, "../../../docs/who-pays-for-a-failure.md")).text();

/** The rows of the table below a heading, each as its cells. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const ends = rowsBelow("Orders that were taken");
const gates = rowsBelow("Orders that are not taken");
const codesIn = (text: string): string[] => [...text.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? "");

test("C2 the table names every code with which a generation can fail, and no other", () => {
  const named = new Set(ends.flatMap((row) => codesIn(row[2] ?? "")));
  expect([...named].sort()).toEqual([...FAILURE_CODES].sort());
});

test("C2 the table names every final state, and only a success is charged", () => {
  const states = new Set(ends.flatMap((row) => codesIn(row[1] ?? "")));
  expect([...states].sort()).toEqual(GENERATION_STATUSES.filter(isFinal).sort());
  for (const row of ends) {
    const isSuccess = row[1] === "`succeeded`";
    expect([row[0], row[3]]).toEqual([row[0], isSuccess ? "**charged**" : "not charged"]);
  }
});

test("the table of gates names refusals that exist, and none of them is charged", () => {
  const known: readonly string[] = REFUSAL_CODES;
  const codes = gates.flatMap((row) => codesIn(row[2] ?? ""));
  expect(codes.filter((code) => !known.includes(code))).toEqual([]);
  expect(codes).toContain("insufficient_credits");
  expect(gates.every((row) => row[3] === "no")).toBe(true);
});
