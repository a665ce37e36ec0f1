import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { apiGauges } from "../../../src/roles/api.ts";
import { type MetricsListener, startMetricsListener } from "../../../src/roles/metrics.ts";
import { useTestApp } from "../../support/app.ts";
import { telemetryWith } from "../../support/telemetry.ts";

const folder = resolve(import.meta.dir, "../../../docs/operations");
const telemetry = await telemetryWith({ METRICS_PORT: 1 });
const app = useTestApp({ telemetry });

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Array<{ expr: string }>;
}

const dashboard = (await Bun.file(`${folder}/grafana-dashboard.json`).json()) as { panels: Panel[] };
const rules = Bun.YAML.parse(await Bun.file(`${folder}/alerts.yaml`).text()) as {
  groups: Array<{ rules: Array<{ alert: string; expr: string; annotations: Record<string, string> }> }>;
};
const shown = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ where: title, expr })),
);
const alerts = rules.groups.flatMap((group) => group.rules);
const expressions = [...shown, ...alerts.map(({ alert, expr }) => ({ where: alert, expr }))];

let listener: MetricsListener;
beforeAll(() => {
  const gauges = apiGauges({ sockets: { size: 0 }, hub: { size: 0 } });
  listener = startMetricsListener(app().open, { gauges, isStopping: () => false, port: 0 }) as MetricsListener;
});
afterAll(() => listener.stop());

/** The metrics that an expression names; throws where it is no PromQL. */
function metricsIn(expression: string): string[] {
  // Grafana's own variable stands where PromQL wants a duration.
  const text = expression.replaceAll("$__rate_interval", "5m");
  const names: string[] = [];
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at character ${node.from}: ${text}`);
      if (node.name === "VectorSelector") names.push(/^[\w:]+/.exec(text.slice(node.from, node.to))?.[0] ?? "");
    },
  });
  return names;
}

/** A histogram is asked for by its parts. */
const wholeName = (name: string) => name.replace(/_(bucket|count|sum)$/, "");

describe("the dashboard and the alerts", () => {
  test("are PromQL from end to end", () => {
    expect(expressions.length).toBeGreaterThan(35);
    for (const { where, expr } of expressions) {
      let fault: unknown = null;
      try {
        expect(metricsIn(expr).length, where).toBeGreaterThan(0);
      } catch (error) {
        fault = `${where}: ${error}`;
      }
      expect(fault).toBeNull();
    }
    // The parser does find what is none.
    expect(() => metricsIn("sum by (status (rate(x[5m]))")).toThrow("no PromQL");
  });

  test("name only metrics that there are, and every one of ours", () => {
    const exposed = new Set(telemetry.meters?.names());
    expect(exposed.size).toBeGreaterThan(25);
    // Prometheus' own, about each of its targets.
    const known = (name: string) => name === "up" || exposed.has(name) || exposed.has(wholeName(name));
    const used = expressions.flatMap(({ where, expr }) => metricsIn(expr).map((name) => ({ where, name })));
    expect(used.filter(({ name }) => !known(name))).toEqual([]);
    const names = new Set(used.flatMap(({ name }) => [name, wholeName(name)]));
    expect([...exposed].filter((name) => !names.has(name))).toEqual([]);
  });

  test("have panels that do not lie on each other, and alerts that say what to do", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
      }
    }
    for (const { alert, annotations } of alerts) {
      expect(annotations.summary?.length, alert).toBeGreaterThan(10);
      expect(annotations.description?.length, alert).toBeGreaterThan(10);
    }
  });

  test("stand in the guide, each by its name", async () => {
    const guide = await Bun.file(`${folder}/monitoring.md`).text();
    const missing = [...(telemetry.meters?.names() ?? []), ...alerts.map(({ alert }) => alert)].filter(
      (name) => !guide.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});
