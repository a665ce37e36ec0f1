import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "bun";
import { dayFigures } from "../src/features/admin/overview/overview-tables.ts";
import { users } from "../src/features/profile/index.ts";
import { DAY_MS } from "../src/platform/clock.ts";
import { dialect } from "../src/platform/db/dialect.ts";
import { ACCOUNT_STEPS } from "./growth/account-routes.ts";
import { chosenSizes, databaseOf, isNamed } from "./growth/databases.ts";
import { LIVE_STEPS } from "./growth/live-routes.ts";
import { MONEY_STEPS } from "./growth/money-routes.ts";
import { PICTURE_STEPS } from "./growth/picture-routes.ts";
import { type Line, lineOf, tableOf } from "./growth/verdict.ts";
import { entriesIn, VERIFY_STEPS, WORK_STEPS } from "./growth/work.ts";
import { closeWorld, openWorld, type World } from "./growth/world.ts";
import { machine } from "./machine.ts";
import { measureReads, PANEL_STEPS } from "./panel-routes.ts";
import { startBenchServer } from "./product.ts";
import { median } from "./samples.ts";
import { unmeasured } from "./stopwatch.ts";

/**
 * Growth: every route of the description, the queue's claim, the cleanup, the overview and `ledger verify` with a thousand, a
 * hundred thousand and a million pictures, people, money and ledger in proportion (growth/databases.ts says how to name databases
 * that are there). The compiled program serves all sizes at the same time; each step is taken in one after the other, beginning
 * with another size each time, so that what else the machine does falls on all of them. An answer is judged against the smallest
 * size in which it is as long: a page of ten is no longer than another, but a month of a small shop has fewer lines.
 *
 * `GROWTH_PARTS=people,panel,work,verify` takes some of it, and `GROWTH_PARTS=prepare` measures nothing: it makes databases that
 * stay ready.
 */
const PARTS = ["people", "panel", "work", "verify"] as const;
const FIGURES_POLL_MS = 1_500;

const began = machine();

type Step = (world: World) => Promise<void>;

const panelStep =
  (measure: (typeof PANEL_STEPS)[number]): Step =>
  ({ shop, watch }) =>
    measure({ ...shop, watch: watch.under("/admin") });

const STEPS: Readonly<Record<string, readonly Step[]>> = {
  prepare: [],
  people: [...MONEY_STEPS, ...PICTURE_STEPS, ...LIVE_STEPS, ...ACCOUNT_STEPS],
  // What only reads is asked twice, some time apart.
  panel: [...PANEL_STEPS, measureReads].map(panelStep),
  work: WORK_STEPS,
  verify: VERIFY_STEPS,
};

/** The panel reads figures of days; a database that is new has none, and counting two years of them is no part of this. */
async function figuresCounted({ product: { ctx } }: World): Promise<void> {
  const [first] = await ctx.db.select({ at: users.createdAt }).from(users).orderBy(users.createdAt).limit(1);
  const days = first === undefined ? 0 : Math.floor((Date.now() - first.at.getTime()) / DAY_MS);
  while ((await ctx.db.$count(dayFigures)) < days) await sleep(FIGURES_POLL_MS);
}

async function measure(worlds: World[], parts: readonly string[]): Promise<void> {
  const chosen = parts.flatMap((part) => STEPS[part] ?? []);
  for (const [turn, step] of chosen.entries()) {
    process.stderr.write(`  ${step.name || "panel"} ${turn + 1} of ${chosen.length}\n`);
    for (let place = 0; place < worlds.length; place += 1) {
      const world = worlds[(turn + place) % worlds.length];
      if (world) await step(world);
    }
  }
}

/** Every line, those that grow first. */
function linesOf(worlds: readonly World[]): Line[] {
  const names = new Set(worlds.flatMap(({ all }) => [...all.timed.keys()]));
  const rank = (line: Line) => (line.verdict === "GROWS" ? 0 : 1);
  return [...names]
    .map((name) => lineOf(worlds.map(({ all }) => all.timed.get(name))))
    .toSorted((a, b) => rank(a) - rank(b) || (b.medians.at(-1) ?? 0) - (a.medians.at(-1) ?? 0));
}

async function verifyRates(worlds: readonly World[]): Promise<string[]> {
  const lines: string[] = [];
  for (const world of worlds) {
    const ms = world.all.timed.get("ledger verify ")?.ms;
    if (ms === undefined) continue;
    const entries = await entriesIn(world);
    lines.push(
      `  ledger verify, ${world.label}: ${entries} entries, ${Math.round(entries / (median(ms) / 1_000))} a second`,
    );
  }
  return lines;
}

async function writeDown(worlds: readonly World[], labels: readonly string[]): Promise<void> {
  const lines = linesOf(worlds);
  const [first] = worlds;
  const isEveryRoute = parts.includes("people") && parts.includes("panel");
  const missing = isEveryRoute && first ? await unmeasured(first.shop, first.all) : [];
  const rates = await verifyRates(worlds);
  const { load } = machine();
  const heading = `\ngrowth on ${dialect}: ${began.processor}, ${began.cores} cores, Bun ${began.bun}; load ${began.load} before, ${load} after`;
  const all = [heading, tableOf(labels, lines), ...rates, ...missing.map((route) => `  not measured: ${route}`)];
  process.stdout.write(`${all.join("\n")}\n`);
  const folder = join(import.meta.dir, "results");
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const result = { bench: "growth", at, dialect, machine: began, loadAtEnd: load, labels, lines, rates, missing };
  await Bun.write(join(folder, `${at.replaceAll(":", "")}-growth.json`), `${JSON.stringify(result, null, 2)}\n`);
  if (missing.length > 0 || lines.some(({ verdict }) => verdict === "GROWS")) process.exitCode = 1;
}

const asked = (process.env.GROWTH_PARTS ?? PARTS.join(",")).split(",");
const parts = asked.filter((part) => part !== "prepare");
const unknown = asked.find((part) => STEPS[part] === undefined);
if (unknown !== undefined) throw new Error(`GROWTH_PARTS knows ${Object.keys(STEPS).join(", ")}, not "${unknown}".`);
const labels = chosenSizes();
const server = dialect === "postgres" && !labels.every(isNamed) ? await startBenchServer() : null;
const worlds: World[] = [];
try {
  for (const label of labels) worlds.push(await openWorld(await databaseOf(label, server)));
  await Promise.all(worlds.map(figuresCounted));
  if (parts.length > 0) await measure(worlds, parts);
  if (parts.length > 0) await writeDown(worlds, labels);
} finally {
  for (const world of worlds) await closeWorld(world);
  await server?.stop();
}
