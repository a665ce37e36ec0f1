import { opentelemetry } from "@elysiajs/opentelemetry";

/**
 * The framework's own spans of each request and its steps, into the tracer that `telemetry/traces.ts` has put in place.
 * Loaded only where traces are on. It writes whole requests and answers onto its spans; `telemetry/span-attributes.ts`
 * takes them off before anything leaves.
 */
export function traceRequests() {
  return opentelemetry();
}

export type TracingPlugin = ReturnType<typeof traceRequests>;
