import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listTests, matchesFilters, needsDatabase } from "../support/database-tests.ts";
import { condense, readTotals } from "../support/lane.ts";

function projectWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "atelier-runner-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe("which tests run in the Postgres lane", () => {
  const folder = projectWith({
    "test/direct.test.ts": 'import { app } from "./support/app.ts"; app();',
    "test/flows/indirect.test.ts": 'import { make } from "../support/make.ts"; make();',
    "test/pure.test.ts": 'import { other } from "./support/other.ts"; // not "./support/database.ts"\nother();',
    "test/support/app.ts": "export const app = () => {};",
    "test/support/make.ts":
      'import { app } from "./app.ts"; import { open } from "./loop.ts"; export const make = () => [app, open];',
    "test/support/loop.ts": 'import { make } from "./make.ts"; export const open = () => make;',
    "test/support/other.ts": "export const other = () => {};",
  });
  const needing = listTests(folder).filter((file) => needsDatabase(file, folder));
  rmSync(folder, { recursive: true });

  test("those that import the database support, themselves or through others", () => {
    expect(needing).toEqual(["test/direct.test.ts", "test/flows/indirect.test.ts"]);
  });

  test("filters choose by part of the path, or by the very path after ./", () => {
    expect(matchesFilters("test/flows/buy.test.ts", ["flows"], "/project")).toBe(true);
    expect(matchesFilters("test/flows/buy.test.ts", ["sell"], "/project")).toBe(false);
    expect(matchesFilters("test/flows/buy.test.ts", ["./test/flows"], "/project")).toBe(true);
    expect(matchesFilters("test/flows/buy.test.ts", ["./test/flo"], "/project")).toBe(false);
    expect(matchesFilters("test/flows/buy.test.ts", [], "/project")).toBe(true);
  });
});

describe("what the runner counts", () => {
  const summary = [
    " 12 pass",
    " 3 skip",
    " 1 todo",
    " 2 fail",
    " 1 error",
    " 40 expect() calls",
    "Ran 18 tests across 4 files. [1s]",
  ];

  test("the numbers before the last line, not those that a test printed", () => {
    expect(readTotals([" 99 pass", "some output", "", ...summary], 1)).toEqual({
      passed: 12,
      failed: 2,
      skipped: 4,
      failures: [],
    });
  });

  test("a run that breaks off or fails without a failed test as one failure", () => {
    expect(readTotals([" 99 pass"], 139)).toEqual({ passed: 0, failed: 1, skipped: 0, failures: [] });
    expect(readTotals([" 5 pass", " 0 fail", "Ran 5 tests across 1 file. [1s]"], 1).failed).toBe(1);
  });

  test("a lane in which no test has the wanted name as nothing", () => {
    const lines = ['error: regex "J6" matched 0 tests. Searched 2 files (skipping 9 tests) [6.00ms]'];
    expect(readTotals(lines, 1)).toEqual({ passed: 0, failed: 0, skipped: 0, failures: [] });
  });

  test("each failed test by its file and its name, not what a test printed", () => {
    const lines = [
      "test/a.test.ts:",
      "(pass) one [1ms]",
      "said: (fail) two",
      "test/b.test.ts:",
      "(fail) P1 of it > three [12.50ms]",
    ];
    expect(readTotals([...lines, "(fail) four", ...summary], 1).failures).toEqual([
      "test/b.test.ts: P1 of it > three",
      "test/b.test.ts: four",
    ]);
  });
});

describe("what the runner shows", () => {
  const shownOf = (lines: string[]) => {
    const shown: string[] = [];
    const condenser = condense(false, (line) => shown.push(line));
    for (const line of lines) condenser.take(line);
    condenser.finish();
    return shown;
  };

  test("one line for a file that passed, and all that was said for one that did not", () => {
    const lines = [
      "test/a.test.ts:",
      "(pass) one",
      "(pass) two",
      "",
      "test/b.test.ts:",
      "error: no",
      "(fail) three",
      "(skip) four",
    ];
    expect(shownOf([...lines, "", " 2 pass", "Ran 4 tests across 2 files. [1s]"])).toEqual([
      "test/a.test.ts  2 passed",
      "test/b.test.ts  0 passed",
      "  error: no",
      "  (fail) three",
      "  (skip) four",
      "Ran 4 tests across 2 files. [1s]",
    ]);
  });
});
