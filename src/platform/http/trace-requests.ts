import { opentelemetry } from "@elysiajs/opentelemetry";

/** Balancers ask every few seconds, and nobody wants to read of it. */
const IS_HEALTH = /^[a-z]+:\/\/[^/?]*\/health\//;

/**
 * The framework's own spans of each request and its steps, into the tracer that `telemetry/traces.ts` has put in place.
 * Loaded only where traces are on. It writes whole requests and answers onto its spans; `telemetry/span-attributes.ts`
 * takes them off before anything leaves.
 */
export function traceRequests() {
  return opentelemetry({ checkIfShouldTrace: (request) => !IS_HEALTH.test(request.url) });
}

export type TracingPlugin = ReturnType<typeof traceRequests>;
