import { figure, type Row, type Runs } from "./chart-rows.ts";

const ROW_PX = 26;
const TOP_PX = 64;
const BOTTOM_PX = 20;
const WIDTH_PX = 1_080;
/** Where the bars' axis begins and ends; names stand before it, figures behind it. */
const AXIS_FROM_PX = 430;
const AXIS_TO_PX = 800;
/** Factors beyond the bar at the ends of the axis; what lies farther is drawn at the end. */
const LEAST = 0.1;
const GREATEST = 100;
const TICKS = [0.1, 1, 10, 100];
const BAR_PX = 12;
const BAR_PX_MIN = 2;
const RUN_RADIUS_PX = 3;

/** Readable on light and on dark; what is met and what is short is also said in words. */
const STYLE = `
  .ground { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #d1d9e0 }
  .asked { stroke: #1f2328; stroke-width: 1.5 } .run { fill: #ffffff; stroke: #1f2328 }
  .met { fill: #1a7f37 } .short { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #f0f6fc } .faint { fill: #9198a1 } .line { stroke: #3d444d }
    .asked { stroke: #f0f6fc } .run { fill: #0d1117; stroke: #f0f6fc }
    .met { fill: #3fb950 } .short { fill: #ff7b72 }
  }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; dominant-baseline: central }
  .goal { font-weight: 600 } .title { font-size: 15px; font-weight: 600 }
`;

/** Each goal's distance to its bar, on a logarithmic scale on which 1 is the bar and everything to the right is better. */
export function chartOf({ rows }: Runs): string {
  const height = TOP_PX + rows.length * ROW_PX + BOTTOM_PX;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH_PX} ${height}" width="${WIDTH_PX}" height="${height}" role="img">`,
    "<title>How far each goal is from its bar</title>",
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${WIDTH_PX}" height="${height}" rx="6"/>`,
    text(16, 20, "How far each goal is from its bar", "text title"),
    text(AXIS_FROM_PX, 20, "1 is the bar, right of it is better; a dot is a run, the bar their median", "faint"),
    ...TICKS.flatMap((tick) => tickAt(tick, height)),
    ...rows.flatMap((row, place) => rowAt(row, TOP_PX + place * ROW_PX + ROW_PX / 2)),
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

function tickAt(tick: number, height: number): string[] {
  const x = placeOf(tick);
  const kind = tick === 1 ? "asked" : "line";
  return [
    `<line class="${kind}" x1="${x}" x2="${x}" y1="${TOP_PX - 6}" y2="${height - BOTTOM_PX}"/>`,
    text(x, TOP_PX - 16, `${tick}×`, "faint", "middle"),
  ];
}

function rowAt(row: Row, y: number): string[] {
  const known = row.values.filter((value) => value !== null);
  const figures = known.length === 0 ? "" : `${figure(middle(known))} (${row.asked}) `;
  const names = [text(16, y, row.goal, "text goal"), text(62, y, shortened(row.subject), "text")];
  const kind = row.verdict === "not measured" ? "faint" : row.verdict;
  const words = text(AXIS_TO_PX + 24, y, `${figures}${row.words}`, kind);
  if (row.margins.length === 0) return [...names, words];
  const from = placeOf(1);
  const to = placeOf(middle(row.margins));
  const width = Math.max(BAR_PX_MIN, Math.abs(to - from));
  const bar = `<rect class="${kind}" x="${Math.min(from, to)}" y="${y - BAR_PX / 2}" width="${round(width)}" height="${BAR_PX}" rx="2"/>`;
  const runs = row.margins.map(
    (margin) => `<circle class="run" cx="${placeOf(margin)}" cy="${y}" r="${RUN_RADIUS_PX}"/>`,
  );
  return [...names, bar, ...runs, words];
}

function placeOf(margin: number): number {
  const within = Math.min(GREATEST, Math.max(LEAST, margin));
  const share = Math.log(within / LEAST) / Math.log(GREATEST / LEAST);
  return round(AXIS_FROM_PX + share * (AXIS_TO_PX - AXIS_FROM_PX));
}

const SUBJECT_CHARACTERS_MAX = 54;

function shortened(subject: string): string {
  return subject.length <= SUBJECT_CHARACTERS_MAX ? subject : `${subject.slice(0, SUBJECT_CHARACTERS_MAX - 1)}…`;
}

function text(x: number, y: number, words: string, kind: string, anchor = "start"): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${Bun.escapeHTML(words)}</text>`;
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

const round = (px: number) => Math.round(px * 10) / 10;
