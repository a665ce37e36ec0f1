import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { listTests, matchesFilters, needsDatabase } from "./support/database-tests.ts";
import { type LaneResult, secondChances } from "./support/failures.ts";
import { type Lane, type RunningLane, startLane, type Totals } from "./support/lane.ts";
import { type PostgresServer, startPostgresServer } from "./support/postgres-server.ts";

/**
 * `bun run test [--lane sqlite|postgres] [--verbose] [options and filters of bun test]`: all tests, in both lanes.
 *
 * The lane `sqlite` runs every test; the lane `postgres` runs those that touch a database once more, against a real
 * server that is started for it. Ends with `N passed, N failed` over both lanes; exit code 1 when one failed or none ran.
 */

const projectFolder = resolve(import.meta.dir, "..");
/** Options of `bun test` whose value is the next argument. */
const OPTIONS_WITH_VALUE =
  /^(-t|--test-name-pattern|--timeout|--rerun-each|--retry|--seed|--max-concurrency|--preload|-r)$/;

/** The parts of a lane, each a run of its own. The longest come first: what ends last should not have begun last. */
const PARTS: readonly ((file: string) => boolean)[] = [
  (file) => file.startsWith("test/faults/"),
  (file) => /^test\/(commands|flows|fuzz)\//.test(file),
  (file) => /^test\/(build|web)\//.test(file),
  (file) => file.startsWith("test/features/"),
  () => true,
];

const PAGES_PART = 2;

/** Two for each core: much of a part is waiting, for deadlines and for processes. */
const PARTS_AT_ONCE = availableParallelism() > 1 ? 2 * Math.min(availableParallelism(), 4) : 1;

/** Less than the gate may take; what is run by name may be a long form. */
const DEADLINE_MS = { all: 14 * 60_000, named: 6 * 3_600_000 };

const wanted = readArguments(process.argv.slice(2));
const running = new Set<RunningLane>();
let server: PostgresServer | undefined;

process.once("SIGINT", () => endNow(130));
process.once("SIGTERM", () => endNow(143));
process.once("SIGHUP", () => endNow(129));
// Nobody reads any more: whoever started this is gone.
process.stdout.once("error", () => endNow(1));

process.exitCode = await main();

async function main(): Promise<number> {
  const databaseTests = listTests(projectFolder)
    .filter((file) => matchesFilters(file, wanted.filters, projectFolder))
    .filter((file) => needsDatabase(file, projectFolder));
  const all = wanted.filters.length > 0 ? [] : listTests(projectFolder);
  const starts: (() => Promise<LaneResult>)[] = [];
  if (wanted.lane !== "postgres") {
    if (all.length === 0) starts.push(() => runLane(sqliteLane(wanted.filters)));
    else for (const part of partsOf(all)) starts.push(() => runLane(sqliteLane(part.map((file) => `./${file}`))));
  }
  if (wanted.lane !== "sqlite" && databaseTests.length > 0) {
    const { url } = await startServer();
    const parts = all.length === 0 ? [databaseTests] : partsOf(databaseTests);
    // Both lanes begin with their first parts. Postgres has nearly nothing in the one of the pages: it comes last there.
    const ordered = [
      ...parts.slice(0, PAGES_PART),
      ...parts.slice(PAGES_PART + 1),
      ...parts.slice(PAGES_PART, PAGES_PART + 1),
    ];
    for (const [at, part] of ordered.entries()) starts.splice(2 * at + 1, 0, () => runLane(postgresLane(url, part)));
  }
  try {
    const results = await someAtOnce(starts);
    // Those that a person names are what that person looks at.
    if (all.length === 0) return report(results.map(({ totals }) => totals));
    const print = (line: string) => process.stdout.write(`${line}\n`);
    return report(await secondChances(results, async (lane) => (await runLane(lane)).totals, print));
  } finally {
    await server?.stop();
  }
}

async function startServer(): Promise<PostgresServer> {
  server = await startPostgresServer();
  return server;
}

function partsOf(files: readonly string[]): string[][] {
  const parts = PARTS.map((): string[] => []);
  for (const file of files) parts[PARTS.findIndex((isIn) => isIn(file))]?.push(file);
  return parts.filter((part) => part.length > 0);
}

async function someAtOnce<Result>(starts: readonly (() => Promise<Result>)[]): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const takeTurns = async () => {
    for (let start = starts[next++]; start !== undefined; start = starts[next++]) results.push(await start());
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, takeTurns));
  return results;
}

async function endNow(code: number): Promise<never> {
  for (const lane of running) lane.end();
  await server?.stop();
  process.exit(code);
}

function sqliteLane(files: readonly string[]): Lane {
  return {
    name: "sqlite",
    parameters: [...wanted.options, ...files],
    environment: environmentFor(undefined),
    deadlineMs: deadlineMs(),
  };
}

function postgresLane(url: string, files: readonly string[]): Lane {
  return {
    name: "postgres",
    parameters: [...wanted.options, ...files.map((file) => `./${file}`)],
    environment: environmentFor(url),
    deadlineMs: deadlineMs(),
  };
}

function deadlineMs(): number {
  return wanted.filters.length > 0 ? DEADLINE_MS.named : DEADLINE_MS.all;
}

/** A database that the person at this terminal works with must not be what the tests write to. */
function environmentFor(testDatabaseUrl: string | undefined) {
  const dialect = testDatabaseUrl === undefined ? "sqlite" : "postgres";
  return { TEST_DATABASE_URL: testDatabaseUrl, DATABASE_URL: undefined, DATABASE_DIALECT: dialect };
}

async function runLane(lane: Lane): Promise<LaneResult> {
  const print = (line: string) => process.stdout.write(`${lane.name.padEnd("postgres".length)} | ${line}\n`);
  const started = startLane(lane, projectFolder, wanted.verbose, print);
  running.add(started);
  const totals = await started.totals;
  running.delete(started);
  return { lane, totals };
}

function sumOf(results: readonly Totals[]) {
  const sum = (of: (totals: Totals) => number) => results.reduce((total, totals) => total + of(totals), 0);
  return { passed: sum((t) => t.passed), failed: sum((t) => t.failed), skipped: sum((t) => t.skipped) };
}

function report(results: readonly Totals[]): number {
  const { passed, failed, skipped } = sumOf(results);
  if (passed + failed === 0) process.stdout.write("No test ran.\n");
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

interface Wanted {
  lane: string | undefined;
  verbose: boolean;
  options: string[];
  filters: string[];
}

function readArguments(given: readonly string[]): Wanted {
  const result: Wanted = { lane: undefined, verbose: false, options: [], filters: [] };
  const rest = [...given];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === "--lane") result.lane = rest.shift();
    else if (next === "--verbose") result.verbose = true;
    else if (OPTIONS_WITH_VALUE.test(next)) result.options.push(next, rest.shift() ?? "");
    else (next.startsWith("-") ? result.options : result.filters).push(next);
  }
  return result;
}
