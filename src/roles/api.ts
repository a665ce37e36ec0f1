import type { OpenContext } from "../context.ts";
import { OperatorError } from "../platform/errors.ts";
import { CLOSE_GOING_AWAY } from "../platform/live/socket.ts";
import type { GaugeSource } from "../platform/telemetry/gauge.ts";
import { createApp } from "../routes.ts";

const IDLE_SECONDS_MAX = 60;
/**
 * For so long a stopping server still takes requests: what was sent before anybody could know of the stop, connections
 * that wait to be accepted among it, is answered, and each answer asks its client to connect anew.
 */
const FAREWELL_MS = 300;
/** Requests in hand get this long to end when the server stops. */
const DRAIN_MS = 5_000;

export interface RunningApi {
  port: number;
  /** What only a process with an API can count. */
  gauges: readonly GaugeSource[];
  stop(): Promise<void>;
}

/** Starts the HTTP API: live events of other processes first, then the port, so that no early client misses one. */
export async function startApi(
  open: OpenContext,
  options: { sandbox?: ((request: Request) => Promise<Response>) | undefined } = {},
): Promise<RunningApi> {
  const { ctx, database } = open;
  let stopping = false;
  await ctx.wakeUps.start();
  await ctx.deltas.start();
  // Its library is large and loaded only where traces are on.
  const tracing = ctx.telemetry.traces && (await import("../platform/http/trace-requests.ts")).traceRequests();
  const { app, hub, sockets, signOuts } = createApp(ctx, {
    isStopping: () => stopping,
    healthChecks: [
      { name: "database", check: () => database.raw("select 1 as one") },
      { name: "images", check: () => ctx.images.prove() },
      { name: "storage", check: () => ctx.storage.ping(), shownOnly: true },
    ],
    sandbox: options.sandbox,
    tracing: tracing ?? undefined,
  });
  try {
    app.listen({
      port: ctx.settings.PORT,
      hostname: ctx.settings.HOST,
      // A second server on the port would silently take part of the traffic.
      reusePort: false,
      // The door refuses what is announced too large, in our words; Bun's own would be a bare 413. What is not announced
      // is streamed, and each route stops reading at its own limit.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: IDLE_SECONDS_MAX,
    });
  } catch (error) {
    hub.stop();
    const isTaken = (error as { code?: string }).code === "EADDRINUSE";
    if (!isTaken) throw error;
    throw new OperatorError(
      `Port ${ctx.settings.PORT} is taken by another program. Stop it, or choose another: --port 3001`,
    );
  }
  const port = app.server?.port ?? ctx.settings.PORT;
  ctx.log.info("listening", { port, url: ctx.settings.PUBLIC_URL });
  return {
    port,
    gauges: apiGauges({ sockets, hub }),
    async stop() {
      stopping = true;
      await Bun.sleep(FAREWELL_MS);
      await sockets.stop();
      // Those of conversations: what is being answered there goes on, and the same message watches it again.
      signOuts.stop(CLOSE_GOING_AWAY, "the server is stopping, come back and send the same message");
      hub.stop();
      await Promise.race([app.server?.stop(false), Bun.sleep(DRAIN_MS)]);
      await app.server?.stop(true);
    },
  };
}

/** What only a process with an API can count. */
export function apiGauges(counted: { sockets: { size: number }; hub: { size: number } }): GaugeSource[] {
  const gauge = (name: string, help: string, of: { size: number }): GaugeSource => ({
    name,
    help,
    labels: [],
    read: () => [{ value: of.size }],
  });
  return [
    gauge("atelier_live_sockets", "Open live sockets of this process.", counted.sockets),
    gauge("atelier_live_listeners", "Live sockets and long polls that wait for events.", counted.hub),
  ];
}
