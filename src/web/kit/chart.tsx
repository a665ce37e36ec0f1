import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { common } from "./common-words.ts";
import { appearance } from "./telegram.ts";
import { language } from "./words.ts";

export interface Line {
  label: string;
  /** Null where nothing is known: the line is interrupted. */
  values: readonly (number | null)[];
  /** The number of a colour of the page, from 1. */
  colour: 1 | 2 | 3 | 4;
}

interface ChartProps {
  title: string;
  /** What stands below the values, one text for each. */
  times: readonly string[];
  lines: readonly Line[];
  format: (value: number) => string;
}

const HEIGHT_PX = 200;
const AXIS_PX = 72;
const TIMES_PX = 30;

/**
 * Lines over time. The picture is for eyes; whoever listens to the page or wants the numbers opens the table below it, which
 * says the same.
 */
export function Chart({ title, times, lines, format }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const look = appearance.use();
  language.use();
  const content = JSON.stringify([times, lines]);
  useEffect(() => {
    const element = holder.current;
    if (!element || times.length === 0) return;
    let plot: uPlot | null = null;
    let isGone = false;
    const watcher = new ResizeObserver(() => {
      if (plot === null || Math.abs(plot.width - element.clientWidth) < 2) return;
      plot.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    });
    // Run when the first chart is drawn: where the library cannot run, the page does, and the numbers stand in the table.
    import("uplot").then(({ default: Plot }) => {
      if (isGone) return;
      plot = new Plot(optionsOf(element, { times, lines, format }), dataOf(times, lines), element);
      watcher.observe(element);
    }, reportError);
    return () => {
      isGone = true;
      watcher.disconnect();
      plot?.destroy();
    };
    // By what is drawn, not by the arrays that hold it: a poll that brings the same numbers draws nothing anew.
  }, [content, look, language.read()]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      {times.length === 0 ? (
        <p class="chart-empty">{common("chart_empty")}</p>
      ) : (
        <div ref={holder} aria-hidden="true" />
      )}
      <ul class="legend" aria-hidden="true">
        {lines.map(({ label, colour }) => (
          <li key={label} class={`legend-${colour}`}>
            {label}
          </li>
        ))}
      </ul>
      <details>
        <summary>{common("chart_numbers", { title })}</summary>
        <div class="scroll">
          <table class="numbers">
            <thead>
              <tr>
                <td />
                {lines.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, at) => (
                <tr key={time}>
                  <th scope="row">{time}</th>
                  {lines.map(({ label, values }) => (
                    <td key={label}>{valueText(values[at], format)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

const valueText = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? "—" : format(value);

function dataOf(times: readonly string[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((_, at) => at), ...lines.map(({ values }) => [...values])];
}

function optionsOf(element: HTMLElement, chart: Omit<ChartProps, "title">): uPlot.Options {
  const { times, lines, format } = chart;
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => rangeOf(low, high) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: TIMES_PX,
        space: 64,
        incrs: [1, 2, 5, 10, 20, 50, 100],
        values: (_, places) => places.map((place) => times[place] ?? ""),
      },
      { ...axis, size: AXIS_PX, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour: which }) => ({
        label,
        stroke: colour(`--chart-${which}`),
        width: 2,
        points: { show: times.length === 1 },
      })),
    ],
    hooks: { setCursor: [(plot) => showValues(plot, chart)] },
  };
}

/** From zero, so that a small change does not look like a large one; below it where there are losses. */
function rangeOf(low: number | null, high: number | null): [number, number] {
  const bottom = Math.min(0, low ?? 0);
  const top = Math.max(0, high ?? 0);
  return bottom === top ? [0, 1] : [bottom * 1.1, top * 1.1];
}

/** The values under the pointer, as the picture's tooltip. */
function showValues(plot: uPlot, { times, lines, format }: Omit<ChartProps, "title">): void {
  const at = plot.cursor.idx;
  if (at === null || at === undefined) return;
  const values = lines.map(({ label, values }) => `${label}: ${valueText(values[at], format)}`);
  plot.over.title = [times[at] ?? "", ...values].join("\n");
}
