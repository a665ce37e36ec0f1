import type { Machine } from "./machine.ts";
import type { Result, Verdict } from "./result.ts";

/** A goal as several runs judged it. */
export interface Row {
  goal: string;
  bench: string;
  /** What is measured, and beside whom. */
  subject: string;
  asked: string;
  /** Of each run, the oldest first: the ratio or our own figure; null where it could not be measured. */
  values: (number | null)[];
  /**
   * How far each measured run is beyond the bar, as a factor: 1 is the bar itself, 2 twice as good, 0.5 half as good. Infinite
   * where something that should be small was nothing at all.
   */
  margins: number[];
  verdict: "met" | "short" | "not measured";
  /** The verdict in words: also in how many of the runs. */
  words: string;
}

/** What all runs were taken on. */
export interface Runs {
  rows: Row[];
  machines: Machine[];
  /** When the first and the last of the results were written. */
  from: string;
  to: string;
}

/** The order of the goals in the design: HTTP, orders, the queue, pictures, fittings. */
const GOAL_ORDER = "HGQIF";

/** The rows of the last `count` results of each bench; what was measured with other amounts than the usual does not count. */
export function rowsOf(results: readonly Result[], count: number): Runs {
  const byBench = Map.groupBy(
    results.filter(({ shortened }) => !shortened?.length).sort((a, b) => a.at.localeCompare(b.at)),
    ({ bench }) => bench,
  );
  const chosen = [...byBench.values()].map((all) => all.slice(-count));
  const rows = chosen.flatMap((runs) => {
    const judged = new Map<string, Verdict>();
    // The newest run says what is asked; an older one may not have known a goal yet.
    for (const verdict of runs.at(-1)?.verdicts ?? []) judged.set(keyOf(verdict), verdict);
    return [...judged.values()].map((verdict) => rowOf(verdict, runs));
  });
  const machines = new Map(chosen.flat().map(({ machine }) => [describe(machine), machine]));
  const times = chosen.flatMap((runs) => runs.map(({ at }) => at)).sort();
  return {
    rows: rows.sort((a, b) => rank(a.goal) - rank(b.goal) || a.goal.localeCompare(b.goal, "en", { numeric: true })),
    machines: [...machines.values()],
    from: times.at(0) ?? "",
    to: times.at(-1) ?? "",
  };
}

export function describe({ processor, cores, memoryGib, system, bun }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGib} GiB, ${system}, Bun ${bun}`;
}

/** Three digits that count, and thousands apart. */
export function figure(value: number): string {
  if (Math.abs(value) < 100) return String(Number(value.toPrecision(3)));
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}

function rowOf(verdict: Verdict, runs: readonly Result[]): Row {
  const { goal, what, against, atLeast, atMost } = verdict;
  const same = runs.map(({ verdicts }) => verdicts.find((other) => keyOf(other) === keyOf(verdict)));
  const values = same.map((other) => other?.value ?? null);
  const measured = values.filter((value) => value !== null);
  const isMet = (value: number) => value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
  const metCount = measured.filter(isMet).length;
  const isAll = metCount === measured.length;
  return {
    goal,
    bench: runs.at(-1)?.bench ?? "",
    subject: `${what.replaceAll("_", " ")}${against === undefined ? "" : `, ours : ${against}`}`,
    asked: atLeast === undefined ? `≤ ${figure(atMost ?? Number.NaN)}` : `≥ ${figure(atLeast)}`,
    values,
    margins: measured.map((value) => marginOf(value, verdict)),
    verdict: measured.length === 0 ? "not measured" : isAll ? "met" : "short",
    words:
      measured.length === 0
        ? "not measured"
        : isAll
          ? "met"
          : `short in ${measured.length - metCount} of ${measured.length}`,
  };
}

function marginOf(value: number, { atLeast, atMost }: Verdict): number {
  if (atLeast !== undefined) return value / atLeast;
  return value <= 0 ? Number.POSITIVE_INFINITY : (atMost ?? Number.NaN) / value;
}

const keyOf = ({ goal, what, against }: Verdict) => JSON.stringify([goal, what, against ?? null]);

function rank(goal: string): number {
  const place = GOAL_ORDER.indexOf(goal.charAt(0));
  return place === -1 ? GOAL_ORDER.length : place;
}
