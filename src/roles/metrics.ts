import type { OpenContext } from "../context.ts";
import { ownGauges, storedGauges } from "../gauges.ts";
import { OperatorError } from "../platform/errors.ts";
import { type HealthCheck, outcomeOf } from "../platform/http/health.ts";
import type { GaugeSource } from "../platform/telemetry/gauge.ts";
import { createStoredGauges } from "../platform/telemetry/stored-gauges.ts";

export interface MetricsListener {
  port: number;
  stop(): Promise<void>;
}

export interface MetricsOptions {
  /** What the other parts of this process count. */
  gauges: readonly GaugeSource[];
  isStopping: () => boolean;
  /** In place of METRICS_PORT, for tests that cannot know a free one. */
  port?: number;
  /** How long what was read of the database is shown again; for tests, whose clock stands still. */
  storedKeptMs?: number;
}

/** A scraper sends a line and some headers. */
const BODY_BYTES_MAX = 1024;
const IDLE_SECONDS_MAX = 30;
const NOT_STORED = { "cache-control": "no-store" };

/**
 * Opens the listener of metrics and health, in whatever role: `/metrics`, `/health/live`, `/health/ready`. Undefined while
 * metrics are off. It stays open until everything else has stopped, so that the end of a process is seen too.
 */
export function startMetricsListener(open: OpenContext, options: MetricsOptions): MetricsListener | undefined {
  const { ctx, database } = open;
  const { meters } = ctx.telemetry;
  if (meters === null) return undefined;
  const stored = createStoredGauges(storedGauges(ctx), { log: ctx.log, keptMs: options.storedKeptMs });
  for (const gauge of [...stored.sources, ...ownGauges(ctx), ...options.gauges]) meters.addGauge(gauge);
  const check: HealthCheck = { name: "database", check: () => database.raw("select 1 as one") };

  const server = listen(ctx.settings.METRICS_HOST, options.port ?? ctx.settings.METRICS_PORT, {
    "/metrics": async () => {
      await stored.refresh();
      return new Response(await meters.page(), { headers: { "content-type": meters.contentType, ...NOT_STORED } });
    },
    "/health/live": async () => Response.json({ status: "ok" }, { headers: NOT_STORED }),
    "/health/ready": async () => {
      const { name, ok } = await outcomeOf(check);
      const isReady = ok && !options.isStopping();
      const answer = { status: isReady ? "ready" : "not_ready", checks: { [name]: ok ? "ok" : "failed" } };
      return Response.json(answer, { status: isReady ? 200 : 503, headers: NOT_STORED });
    },
  });
  ctx.log.info("metrics are served", { port: server.port });
  return {
    port: server.port ?? 0,
    async stop() {
      meters.stop();
      await server.stop(true);
    },
  };
}

function listen(hostname: string, port: number, pages: Readonly<Record<string, () => Promise<Response>>>) {
  try {
    return Bun.serve({
      hostname,
      port,
      reusePort: false,
      maxRequestBodySize: BODY_BYTES_MAX,
      idleTimeout: IDLE_SECONDS_MAX,
      async fetch(request) {
        const page = pages[new URL(request.url).pathname];
        if (!page) return new Response("Not found\n", { status: 404 });
        if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405 });
        return page();
      },
      error: () => new Response("The metrics could not be gathered\n", { status: 500 }),
    });
  } catch (error) {
    if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
    throw new OperatorError(
      `METRICS_PORT ${port} is taken by another program. Each process needs its own: choose another, or 0 for none.`,
    );
  }
}
