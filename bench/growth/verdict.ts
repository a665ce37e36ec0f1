import { median, minimum } from "../samples.ts";
import type { Timed } from "../stopwatch.ts";

/** What history may cost: this ratio of medians, or a difference that nobody can tell from the noise of two medians. */
const RATIO_MAX = 1.15;
/** The same question twice of the same database differs by as much on a machine with two cores. */
const NOISE_MS = 1;
/** An answer that is longer by more than this share is another one. */
const LONGER_MAX = 1.1;

/** What reads or counts the whole of something, and is meant to: it may take as long as there is more of it. */
const LINEAR: Readonly<Record<string, string>> = {
  "ledger verify": "reads every entry",
  "audience count": "counts everybody; a job, for which nobody waits",
  "figures count": "counts the rows of a day, of which there are more",
  "cleanup real the first": "removes what has come due, of which there is more",
};

export interface Line {
  name: string;
  /** By size; null where it was not measured. */
  medians: (number | null)[];
  bytes: (number | null)[];
  /** The largest against the smallest whose answers are as long. */
  ratio: number | null;
  /** The same of the quickest answers, which others at work on the machine disturb least. */
  ratioOfMinima: number | null;
  verdict: "flat" | "within noise" | "uneven" | "GROWS" | "longer answer" | "linear" | "one size only";
  why?: string;
}

/** A line of what was measured in several sizes, the smallest first. */
export function lineOf(sizes: readonly (Timed | undefined)[]): Line {
  const one = sizes.find((timed) => timed !== undefined);
  const name = `${one?.route} ${one?.how}`.trim();
  const medians = sizes.map((timed) => (timed ? median(timed.ms) : null));
  const bytes = sizes.map((timed) => (timed ? median(timed.bytes) : null));
  const minima = sizes.map((timed) => (timed ? minimum(timed.ms) : null));
  const ratios = (at: number) => ({
    ratio: (medians.at(-1) ?? 0) / (medians[at] ?? 0),
    ratioOfMinima: (minima.at(-1) ?? 0) / (minima[at] ?? 0),
  });
  const none = { ratio: null, ratioOfMinima: null };
  const line = { name, medians, bytes };
  const largest = medians.at(-1) ?? null;
  const bytesOfLargest = bytes.at(-1) ?? null;
  if (largest === null || bytesOfLargest === null) return { ...line, ...none, verdict: "one size only" };
  const isAsLong = (length: number | null) => length !== null && bytesOfLargest <= length * LONGER_MAX;
  const at = bytes.slice(0, -1).findIndex(isAsLong);
  const first = medians.slice(0, -1).findIndex((one) => one !== null);
  if (first === -1) return { ...line, ...none, verdict: "one size only" };
  const linear = Object.entries(LINEAR).find(([begin]) => name.startsWith(begin));
  if (linear) return { ...line, ...ratios(first), verdict: "linear", why: linear[1] };
  const base = at === -1 ? null : (medians[at] ?? null);
  if (base === null) return { ...line, ...ratios(first), verdict: "longer answer" };
  const both = ratios(at);
  return { ...line, ...both, verdict: verdictOf(both.ratio, largest - base, (minima.at(-1) ?? 0) - (minima[at] ?? 0)) };
}

/** More work is done for the quickest answers too; a write that waits for the disk differs from itself at the median alone. */
function verdictOf(ratio: number, moreMs: number, moreOfMinimaMs: number): Line["verdict"] {
  if (ratio <= RATIO_MAX) return "flat";
  if (moreMs <= NOISE_MS) return "within noise";
  return moreOfMinimaMs <= NOISE_MS ? "uneven" : "GROWS";
}

export function tableOf(labels: readonly string[], lines: readonly Line[]): string {
  const cell = (ms: number | null) => (ms === null ? "-" : ms >= 100 ? ms.toFixed(0) : ms.toFixed(2));
  const rows = [
    ["median ms", ...labels, "ratio", "of minima", ""],
    ...lines.map(({ name, medians, ratio, ratioOfMinima, verdict, why }) => [
      name,
      ...medians.map(cell),
      ratio?.toFixed(2) ?? "-",
      ratioOfMinima?.toFixed(2) ?? "-",
      why === undefined ? verdict : `${verdict}: ${why}`,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const padded = (text: string, column: number) =>
    column === 0 || column === widths.length - 1
      ? text.padEnd(widths[column] ?? 0)
      : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(padded).join("  ")}`.trimEnd()).join("\n");
}
