import type { Settings } from "../config/settings.ts";
import type { FaultReports } from "./faults.ts";
import type { Log } from "./log.ts";
import type { Meters } from "./meters.ts";
import type { Traces } from "./traces.ts";

/**
 * Who watches what the program does. Each is null while it is switched off, and then its library is not even loaded:
 * whoever has something to tell asks `telemetry.meters?.` and pays one comparison.
 */
export interface Telemetry {
  readonly meters: Meters | null;
  readonly traces: Traces | null;
  readonly faults: FaultReports | null;
  /** Sends what is still to be sent, in two seconds at most, and lets go of everything. Never throws. */
  stop(): Promise<void>;
}

/** Nobody watches: what commands and most tests run with. */
export const noTelemetry: Telemetry = { meters: null, traces: null, faults: null, stop: async () => {} };

export interface TelemetryOptions {
  /** Which part this process plays, as reports and traces name it. */
  role: string;
  log: Log;
}

type TelemetrySettings = Pick<
  Settings,
  | "METRICS_PORT"
  | "OTEL_EXPORTER_OTLP_ENDPOINT"
  | "OTEL_EXPORTER_OTLP_HEADERS"
  | "TRACES_PERCENT"
  | "SENTRY_DSN"
  | "SENTRY_ENVIRONMENT"
>;

/** Loads and starts what the settings switch on. */
export async function startTelemetry(settings: TelemetrySettings, options: TelemetryOptions): Promise<Telemetry> {
  const [meters, traces, faults] = await Promise.all([
    settings.METRICS_PORT === 0 ? null : import("./meters.ts").then(({ createMeters }) => createMeters(options.role)),
    settings.OTEL_EXPORTER_OTLP_ENDPOINT === ""
      ? null
      : import("./traces.ts").then(({ startTraces }) =>
          startTraces({
            endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
            headers: settings.OTEL_EXPORTER_OTLP_HEADERS,
            percent: settings.TRACES_PERCENT,
            ...options,
          }),
        ),
    settings.SENTRY_DSN === ""
      ? null
      : import("./faults.ts").then(({ startFaultReports }) =>
          startFaultReports({ dsn: settings.SENTRY_DSN, environment: settings.SENTRY_ENVIRONMENT, ...options }),
        ),
  ]);
  return {
    meters,
    traces,
    faults,
    async stop() {
      await Promise.all([traces?.stop(), faults?.stop()]);
    },
  };
}
