import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { amountsGiven } from "./amount.ts";
import { type Machine, machine } from "./machine.ts";
import { maximum, median, minimum, type Samples } from "./samples.ts";

export const OURS = "ours";
const RESULTS_FOLDER = join(import.meta.dir, "results");

/** What is asked of a measurement: of the ratio to a peer's median, or of our own median where `against` is absent. */
export interface Bar {
  goal: string;
  what: string;
  against?: string;
  atLeast?: number;
  atMost?: number;
}

export interface Verdict extends Bar {
  /** The ratio, or our median; null when the peer is not there. */
  value: number | null;
  met: boolean | null;
}

export interface Result {
  bench: string;
  at: string;
  machine: Machine;
  loadAtEnd: number;
  /** Amounts that were not the usual ones (`amount.ts`), as `BENCH_ROUNDS=1`. */
  shortened?: string[];
  samples: Record<string, Samples>;
  verdicts: Verdict[];
}

const started = machine();

/** Prints a table of what was measured and how it stands to the goals, and writes both as JSON. */
export async function report(bench: string, samples: Record<string, Samples>, bars: readonly Bar[]): Promise<void> {
  const verdicts = bars.map((bar) => judge(bar, samples));
  const result: Result = {
    bench,
    at: new Date().toISOString(),
    machine: started,
    loadAtEnd: machine().load,
    shortened: amountsGiven(),
    samples,
    verdicts,
  };
  process.stdout.write(`${heading(result)}\n${tableOf(samples)}\n${verdicts.map(lineOf).join("\n")}\n\n`);
  mkdirSync(RESULTS_FOLDER, { recursive: true });
  const file = join(RESULTS_FOLDER, `${result.at.replaceAll(":", "")}-${bench}.json`);
  await Bun.write(file, `${JSON.stringify(result, null, 2)}\n`);
}

export function judge(bar: Bar, samples: Record<string, Samples>): Verdict {
  const own = samples[OURS]?.[bar.what];
  const others = bar.against === undefined ? [1] : samples[bar.against]?.[bar.what];
  if (!own?.length || !others?.length) return { ...bar, value: null, met: null };
  const value = median(own) / median(others);
  return { ...bar, value, met: value >= (bar.atLeast ?? -Infinity) && value <= (bar.atMost ?? Infinity) };
}

function heading({ bench, machine: { processor, cores, memoryGib, bun, load }, loadAtEnd }: Result): string {
  return `\n${bench}: ${processor}, ${cores} cores, ${memoryGib} GiB, Bun ${bun}; load ${load} before, ${loadAtEnd} after`;
}

function tableOf(samples: Record<string, Samples>): string {
  const lines = [["what", "side", "rounds", "minimum", "median", "maximum", "ours : it"]];
  const whats = new Set(Object.values(samples).flatMap((side) => Object.keys(side)));
  for (const what of whats) {
    for (const [side, { [what]: values }] of Object.entries(samples)) {
      if (!values?.length) continue;
      const own = samples[OURS]?.[what];
      const ratio = side === OURS || !own?.length ? "" : short(median(own) / median(values));
      const numbers = [minimum(values), median(values), maximum(values)].map(short);
      lines.push([what, side, String(values.length), ...numbers, ratio]);
    }
  }
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((cells) => `  ${cells.join("  ")}`)
    .join("\n");
}

function lineOf({ goal, what, against, atLeast, atMost, value, met }: Verdict): string {
  const subject = against === undefined ? what : `${what} : ${against}`;
  const asked = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  if (value === null) return `  ${goal}  not measured  ${subject}`;
  return `  ${goal}  ${met ? "met        " : "FALLS SHORT"}  ${subject} is ${short(value)}, asked for ${asked}`;
}

const short = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
