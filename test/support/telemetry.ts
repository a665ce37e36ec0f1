import { createLog } from "../../src/platform/telemetry/log.ts";
import { startTelemetry, type Telemetry } from "../../src/platform/telemetry/telemetry.ts";

export const quietLog = createLog({ level: "silent", format: "json", write: () => {} });

/** What the settings switch on when only these are set. */
export function telemetryWith(
  settings: {
    METRICS_PORT?: number;
    OTEL_EXPORTER_OTLP_ENDPOINT?: string;
    TRACES_PERCENT?: number;
    SENTRY_DSN?: string;
  } = {},
): Promise<Telemetry> {
  return startTelemetry(
    {
      METRICS_PORT: 0,
      OTEL_EXPORTER_OTLP_ENDPOINT: "",
      OTEL_EXPORTER_OTLP_HEADERS: [],
      TRACES_PERCENT: 100,
      SENTRY_DSN: "",
      SENTRY_ENVIRONMENT: "test",
      ...settings,
    },
    { role: "all", log: quietLog },
  );
}
