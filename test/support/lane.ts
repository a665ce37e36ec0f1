import { type Failure, readFailures } from "./failures.ts";

/** One run of `bun test` with one kind of database. */
export interface Lane {
  name: "sqlite" | "postgres";
  /** What `bun test` is given: options, path filters or files. */
  parameters: readonly string[];
  /** Variables on top of the runner's own; undefined takes one away. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Then the run is ended, and has failed. */
  deadlineMs: number;
}

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** The failed tests that have a name; `failed` counts also what failed without one. */
  failures: readonly Failure[];
}

export interface RunningLane {
  /** Never fails: what went wrong with the run itself counts as one failed test. */
  totals: Promise<Totals>;
  /** Ends the run and everything that it started. */
  end(): void;
}

/** How long the output may stay open after the run has ended; a process that a test left behind could hold it forever. */
const OUTPUT_GRACE_MS = 2_000;
/** A test without a limit of its own may take so long: both lanes share the machine, and what hangs is still ended. */
const TEST_MS_MAX = 60_000;

/** Starts a lane. `print` gets its lines: one for a file that passed, all of them for a file that did not. */
export function startLane(
  lane: Lane,
  projectFolder: string,
  verbose: boolean,
  print: (line: string) => void,
): RunningLane {
  // Through a shell for one thing: errors and output in one stream, in their order. A group of its own, so that all
  // that the tests started can be ended with it.
  const run = Bun.spawn(
    [
      "/bin/sh",
      "-c",
      'exec "$@" 2>&1',
      "sh",
      process.execPath,
      "--no-env-file",
      "test",
      `--timeout=${TEST_MS_MAX}`,
      ...lane.parameters,
    ],
    {
      cwd: projectFolder,
      env: { ...process.env, ...lane.environment, TEST_LANE: lane.name },
      stdin: "ignore",
      stderr: "ignore",
      detached: true,
    },
  );
  const end = () => {
    try {
      process.kill(-run.pid, "SIGKILL");
    } catch {
      // Nothing of the group is left.
    }
  };
  let overdue = false;
  const deadline = setTimeout(() => {
    overdue = true;
    end();
  }, lane.deadlineMs);
  const finish = async (): Promise<Totals> => {
    const lines: string[] = [];
    const condenser = condense(verbose, print);
    const reading = readLines(run.stdout, (line) => {
      lines.push(line);
      condenser.take(line);
    });
    const code = await run.exited;
    clearTimeout(deadline);
    end();
    await Promise.race([reading, Bun.sleep(OUTPUT_GRACE_MS)]);
    condenser.finish();
    if (overdue) print(`was ended after ${lane.deadlineMs / 60_000} minutes`);
    else if (!lines.some((line) => LAST_LINE.test(line))) print(`broke off with exit code ${code}`);
    return readTotals(lines, code);
  };
  return { totals: finish(), end };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) take(Bun.stripANSI(line));
  }
  if (rest) take(Bun.stripANSI(rest));
}

const FILE_LINE = /^(\S+\.test\.tsx?):$/;
const PASS_LINE = /^(\(pass\)|✓) /;
const TEST_TIME = /^\((?:pass|fail)\) .* \[(\d+(?:\.\d+)?)ms\]$/;
/** The time of a file's tests is said from here on: these are what a whole run waits for. */
const SLOW_FILE_MS = 2_000;
const SUMMARY_LINE = /^ *(\d+) (pass|fail|skip|todo|filtered out|errors?|expect\(\) calls)$/;
const LAST_LINE = /^Ran \d+ tests? across /;
const NOTHING_MATCHED_LINE = /^error: regex .* matched 0 tests/;

/** Turns the lines of a file whose tests all passed without a word into one, and leaves out those that passed elsewhere. */
export function condense(verbose: boolean, print: (line: string) => void) {
  let file: string | undefined;
  let passed = 0;
  let ms = 0;
  let others: string[] = [];
  const flush = () => {
    while (others.at(-1) === "") others.pop();
    const took = ms < SLOW_FILE_MS ? "" : `  ${(ms / 1000).toFixed(1)} s`;
    if (file !== undefined && (passed > 0 || others.length > 0)) print(`${file}  ${passed} passed${took}`);
    for (const line of others) print(file === undefined ? line : `  ${line}`);
    [file, passed, ms, others] = [undefined, 0, 0, []];
  };
  return {
    take(line: string): void {
      const started = FILE_LINE.exec(line)?.[1];
      if (started !== undefined || [SUMMARY_LINE, LAST_LINE, NOTHING_MATCHED_LINE].some((end) => end.test(line)))
        flush();
      if (started !== undefined) file = started;
      if (started !== undefined || SUMMARY_LINE.test(line) || (line === "" && others.length === 0)) return;
      if (PASS_LINE.test(line)) passed += 1;
      ms += Number(TEST_TIME.exec(line)?.[1] ?? 0);
      if (verbose || !PASS_LINE.test(line)) others.push(line);
    },
    finish: flush,
  };
}

/**
 * What `bun test` counted, from the block of numbers before its last line. Its junit report counts a file that does not
 * load as nothing and a test left out by `-t` as skipped, so it would not do. A run that broke off, or failed without
 * a failed test, counts as one failure.
 */
export function readTotals(lines: readonly string[], exitCode: number): Totals {
  const end = lines.findLastIndex((line) => LAST_LINE.test(line));
  const counted: Record<string, number> = {};
  for (let at = end - 1; at >= 0; at -= 1) {
    const [, count, what] = SUMMARY_LINE.exec(lines[at] ?? "") ?? [];
    if (count === undefined || what === undefined) break;
    counted[what] = Number(count);
  }
  const totals = {
    passed: counted.pass ?? 0,
    failed: counted.fail ?? 0,
    skipped: (counted.skip ?? 0) + (counted.todo ?? 0),
    failures: readFailures(lines),
  };
  const nothingMatched = lines.some((line) => NOTHING_MATCHED_LINE.test(line));
  if (exitCode !== 0 && totals.failed === 0 && !nothingMatched) totals.failed = 1;
  return totals;
}
