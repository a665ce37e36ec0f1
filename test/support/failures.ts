import type { Lane, Totals } from "./lane.ts";

export interface Failure {
  file: string;
  test: string;
}

const FILE_LINE = /^(\S+\.test\.tsx?):$/;
const FAIL_LINE = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/;
/** From here on `bun test` repeats what it said before. */
const REPETITION_LINE = /^\d+ tests? (?:skipped|failed|todo):$/;

/** The tests that failed, by the lines of a run of `bun test`. A file that did not load has none, nor has a run that broke off. */
export function readFailures(lines: readonly string[]): Failure[] {
  const failures: Failure[] = [];
  let file = "";
  for (const line of lines) {
    if (REPETITION_LINE.test(line)) break;
    file = FILE_LINE.exec(line)?.[1] ?? file;
    const name = FAIL_LINE.exec(line)?.[1];
    if (name !== undefined) failures.push({ file, test: name });
  }
  return failures;
}

export interface LaneResult {
  lane: Lane;
  totals: Totals;
}

/** More than so many files that fail are no matter of a busy machine. */
const SHAKY_FILES_MAX = 3;

/**
 * Runs the files with a failed test once more, each by itself: eight runs share the machine's processors, and a test that fails
 * for want of time alone says nothing of the change that it judges. What passes then counts as passed and is called `shaky`, with
 * its name, because it has to be mended: either it waits for a time instead of a condition, or the product has a race. There is
 * no second chance where many files failed, nor where something failed that is no test.
 */
export async function secondChances(
  results: readonly LaneResult[],
  run: (lane: Lane) => Promise<Totals>,
  print: (line: string) => void,
): Promise<Totals[]> {
  const failures = results.flatMap(({ lane, totals }) => totals.failures.map((failure) => ({ lane, ...failure })));
  for (const { lane, file, test } of failures) print(`failed: ${lane.name}, ${file}: ${test}`);
  const filesOf = (totals: Totals) => new Set(totals.failures.map(({ file }) => file));
  const files = results.reduce((sum, { totals }) => sum + filesOf(totals).size, 0);
  const allNamed = results.every(({ totals }) => totals.failures.length === totals.failed);
  const all = results.map(({ totals }) => totals);
  if (files === 0 || files > SHAKY_FILES_MAX || !allNamed) return all;
  for (const { lane, totals } of results) {
    for (const file of filesOf(totals)) {
      const again = await run({ ...lane, parameters: [...optionsOf(lane), `./${file}`] });
      if (again.failed > 0 || again.passed === 0) continue;
      const shaky = totals.failures.filter((failure) => failure.file === file);
      for (const { test } of shaky) print(`shaky: ${lane.name}, ${file}: ${test}: failed beside others, passed alone`);
      all.push({ passed: shaky.length, failed: -shaky.length, skipped: 0, failures: [] });
    }
  }
  return all;
}

function optionsOf(lane: Lane): string[] {
  return lane.parameters.filter((parameter) => !parameter.startsWith("./"));
}
