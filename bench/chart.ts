import { join } from "node:path";
import { rowsOf } from "./chart-rows.ts";
import { chartOf } from "./chart-svg.ts";
import { tableOf } from "./chart-table.ts";
import type { Result } from "./result.ts";

/**
 * `./bunw run bench chart`: draws docs/bench.svg and writes the table of docs/bench.md from the results in `bench/results`, the last
 * three of each bench (`chart 5` for the last five) that were measured with the usual amounts.
 */
const RUNS_USUAL = 3;
const RESULTS_FOLDER = join(import.meta.dir, "results");
const DOCS_FOLDER = join(import.meta.dir, "../docs");
const BEGINNING = "<!-- written by `./bunw run bench chart` -->";
const END = "<!-- until here -->";
const CHART = "![How far each goal is from its bar](bench.svg)";

const given = process.argv[2];
const count = given === undefined ? RUNS_USUAL : Number(given);
if (!Number.isSafeInteger(count) || count < 1) throw new Error("chart takes the number of runs, 1 or more");

const files = await Array.fromAsync(new Bun.Glob("*.json").scan(RESULTS_FOLDER));
if (files.length === 0) throw new Error("There is no result yet: ./bunw run bench makes them.");
const results = await Promise.all(files.map((file) => Bun.file(join(RESULTS_FOLDER, file)).json() as Promise<Result>));
const runs = rowsOf(results, count);
if (runs.rows.length === 0) throw new Error("All results are of shortened runs, which are not shown.");

const page = join(DOCS_FOLDER, "bench.md");
const before = await Bun.file(page).text();
const from = before.indexOf(BEGINNING);
const to = before.indexOf(END);
if (from === -1 || to < from) throw new Error(`${page} has lost the comments between which the table stands.`);
await Bun.write(page, `${before.slice(0, from)}${BEGINNING}\n\n${CHART}\n\n${tableOf(runs)}\n\n${before.slice(to)}`);
await Bun.write(join(DOCS_FOLDER, "bench.svg"), chartOf(runs));
process.stdout.write(`${runs.rows.length} goals of ${files.length} results: docs/bench.svg, docs/bench.md\n`);
