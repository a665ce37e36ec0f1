import { describe, figure, type Row, type Runs } from "./chart-rows.ts";

/** The ratios as a table in Markdown: each run's, and whether the goal is met in all of them. */
export function tableOf({ rows, machines, from, to }: Runs): string {
  const count = Math.max(0, ...rows.map(({ values }) => values.length));
  const runs = Array.from({ length: count }, (_, run) => `run ${run + 1}`);
  const head = ["goal", "bench", "what", "asked", ...runs, ""];
  const lines = [head, head.map(() => "---"), ...rows.map((row) => cellsOf(row, count))];
  const met = rows.filter(({ verdict }) => verdict === "met").length;
  const short = rows.filter(({ verdict }) => verdict === "short").length;
  const unknown = rows.length - met - short;
  return [
    `${met} of ${rows.length} bars are met in every run, ${short} fall short in at least one, ${unknown} were not measured.`,
    `Measured from ${from} to ${to} on: ${machines.map(describe).join("; ")}.`,
    "",
    ...lines.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

function cellsOf({ goal, bench, subject, asked, values, words, verdict }: Row, count: number): string[] {
  // A bench that ran less often than others has no figure for the first of the runs.
  const shown = [...Array<null>(count - values.length).fill(null), ...values];
  const figures = shown.map((value) => (value === null ? "–" : figure(value)));
  return [goal, bench, subject, asked, ...figures, verdict === "met" ? "met" : `**${words}**`];
}
