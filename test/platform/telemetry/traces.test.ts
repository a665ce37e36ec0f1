import { describe, expect, test } from "bun:test";
import { startOtlpCollector } from "../../support/collectors.ts";
import { telemetryWith } from "../../support/telemetry.ts";
import { within } from "../../support/timing.ts";
import { until } from "../../support/until.ts";

const job = { kind: "test.job", jobId: "0", requestId: "", outcomeOf: () => "done" };

describe("traces", () => {
  test("of none of a hundred requests are sent, and jobs obey what was decided at their request", async () => {
    const collector = startOtlpCollector();
    const none = await telemetryWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, TRACES_PERCENT: 0 });
    let parent: string | undefined;
    await none.traces?.job({ ...job, parent: null }, async () => {
      parent = none.traces?.current();
    });
    expect(parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    await none.stop();
    const all = await telemetryWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await all.traces?.job({ ...job, parent: parent ?? null }, async () => {});
    await all.traces?.job({ ...job, parent: "no trace at all", kind: "test.alone" }, async () => {});
    await all.stop();
    expect(collector.spans().map(({ name, parentSpanId }) => [name, parentSpanId || undefined])).toEqual([
      ["job test.alone", undefined],
    ]);
    await collector.stop();
  });

  test("of work that throws say so, without its words, and the work still throws", async () => {
    const collector = startOtlpCollector();
    const { traces, stop } = await telemetryWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const work = () => Promise.reject(new Error("planted words"));
    await expect(traces?.job({ ...job, parent: null }, work)).rejects.toThrow("planted words");
    await stop();
    expect(collector.spans()).toMatchObject([{ status: 2, attributes: { "atelier.outcome": "failed" } }]);
    expect(collector.bodies.join("")).not.toContain("planted");
    await collector.stop();
  });

  test("for a collector that does not answer hold up the end no longer than two seconds", async () => {
    let asked = 0;
    const dead = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => {
        asked += 1;
        return new Promise<Response>(() => {});
      },
    });
    const { traces, stop } = await telemetryWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${dead.port}` });
    await traces?.job({ ...job, parent: null }, async () => {});
    const startedAt = performance.now();
    const stopped = stop();
    await until(() => asked > 0, "a batch on its way");
    await stopped;
    expect(performance.now() - startedAt).toBeLessThan(within(2_300, 15_000));
    await dead.stop(true);
  });
});
