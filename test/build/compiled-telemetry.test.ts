import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildExecutable } from "../../src/build/executable.ts";
import { hostTarget } from "../../src/build/targets.ts";
import { startOtlpCollector, startSentryIngest } from "../support/collectors.ts";
import { lane } from "../support/database.ts";
import { type Deployment, deploy, freePort, type ServerProcess } from "../support/processes.ts";
import { metricsOf } from "../support/prometheus.ts";
import { makeReachableFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const COMPILE_DEADLINE_MS = 60_000;
const workshop = makeReachableFolder("atelier-telemetry-");
const program = join(workshop, "atelier");
const collector = startOtlpCollector();
const sentry = startSentryIngest();

let deployment: Deployment;
let server: ServerProcess;
let metricsUrl: string;

beforeAll(async () => {
  await buildExecutable({
    entry: resolve(import.meta.dir, "../../src/main.ts"),
    outfile: program,
    target: hostTarget(),
    projectFolder: resolve(import.meta.dir, "../.."),
    constants: { ATELIER_VERSION: "9.8.7", ATELIER_COMMIT: "0123456789ab", ATELIER_BUILT_AT: "2026-11-22T00:00:00Z" },
  });
  deployment = await deploy({ program, keepOpen: true });
  const port = await freePort();
  metricsUrl = `http://127.0.0.1:${port}`;
  server = await deployment.start("all", {
    METRICS_PORT: String(port),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=of the collector",
    SENTRY_DSN: sentry.dsn,
    LOG_LEVEL: "debug",
    // Refused: the guard of the provider's balance meets that at once.
    KIE_API_KEY: "planted-key-that-is-refused",
  });
}, COMPILE_DEADLINE_MS);

afterAll(async () => {
  await deployment?.close();
  await Promise.all([collector.stop(), sentry.stop()]);
  rmSync(workshop, { recursive: true, force: true });
});

describe("the compiled program", () => {
  test("serves metrics and sends traces and reports of bugs, with its version in all of them", async () => {
    await fetch(`${server.url}/api/v1/plans`);
    await until(() => sentry.events().length > 0, "a report");
    expect(sentry.events()[0]).toMatchObject({
      release: "atelier@9.8.7+0123456789ab",
      tags: { provider: "kie.ai", failure: "unauthorized", job_kind: "provider.check_balance" },
    });
    // The stack names the source's files and not where the program was built or lies.
    const frames = sentry.events()[0]?.exception.values[0]?.stacktrace?.frames ?? [];
    expect(frames.length).toBeGreaterThan(0);
    expect(sentry.bodies.join("\n")).not.toContain("planted");

    await until(() => collector.spans().some((span) => span.name === "GET /api/v1/plans"), "the span of a request");
    expect(collector.bodies[0]).toContain("9.8.7+0123456789ab");
    expect(collector.headers[0]).toContain("of the collector");
    const call = collector.spans().find((span) => span.name === "kie.ai credits");
    const job = collector.spans().find((span) => span.spanId === call?.parentSpanId);
    expect(job?.name).toBe("job provider.check_balance");

    const page = metricsOf(await (await fetch(`${metricsUrl}/metrics`)).text());
    const info = page.find(({ name }) => name === "atelier_build_info");
    expect(info?.labels).toEqual({ version: "9.8.7", commit: "0123456789ab", role: "all" });
    expect(page.find(({ name }) => name === "atelier_stored_numbers_fresh")?.value).toBe(1);
    const health = await deployment.run(["healthcheck", "--url", new URL(metricsUrl).origin]);
    expect(health.code).toBe(0);
  }, 60_000);

  test.skipIf(lane !== "postgres")(
    "serves metrics of a worker and of a scheduler too (they need Postgres)",
    async () => {
      for (const role of ["worker", "scheduler"] as const) {
        const port = await freePort();
        const other = await deployment.start(role, { METRICS_PORT: String(port) });
        const page = metricsOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
        expect(page.find(({ name }) => name === "atelier_build_info")?.labels.role).toBe(role);
        expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);
        expect((await other.end("SIGTERM")).code).toBe(0);
      }
    },
  );

  test("refuses a port of metrics that is taken, with a sentence", async () => {
    const taken = await deployment.run(["serve", "--port", String(await freePort())], {
      METRICS_PORT: new URL(metricsUrl).port,
      DATA_DIR: join(workshop, "elsewhere"),
    });
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain(`METRICS_PORT ${new URL(metricsUrl).port} is taken`);
  });

  test("ends in time though neither collector answers any more", async () => {
    await Promise.all([collector.stop(), sentry.stop()]);
    await fetch(`${server.url}/api/v1/plans`);
    const { code, ms } = await server.end("SIGTERM");
    expect(code).toBe(0);
    expect(ms).toBeLessThan(6_000);
  });
});
