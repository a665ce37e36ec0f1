import { inScope, type Scope } from "../telemetry/scope.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** What stands in place of the route where there is none: the path is a stranger's own writing and has no end of values. */
const UNMATCHED = "unmatched";
const SERVER_ERROR = 500;
/** The answer to a socket's opening is the runtime's. */
const SWITCHING_PROTOCOLS = 101;

type Handle = (...input: unknown[]) => unknown;

/**
 * Gives each request a scope of its own, and counts it where metrics are on. Where traces are on, the framework's plugin
 * stands around this and has opened the request's span.
 */
export function watchRequests({ meters, traces }: Pick<Telemetry, "meters" | "traces">) {
  return (handle: Handle, request: Request): Handle => {
    const scope: Scope = { requestId: "" };
    const run: Handle = (...input) => {
      if (traces) {
        scope.traceParent = traces.current();
        scope.nameSpan = traces.naming();
      }
      return inScope(scope, () => handle(...input));
    };
    if (meters === null) return run;
    const startedAt = performance.now();
    const seen = (status: number): void =>
      meters.request(request.method, scope.route ?? UNMATCHED, status, (performance.now() - startedAt) / 1000);
    return (...input) => {
      const answer = run(...input);
      if (!(answer instanceof Promise)) {
        seen(statusOf(answer));
        return answer;
      }
      return answer.then(
        (response) => {
          seen(statusOf(response));
          return response;
        },
        (error) => {
          seen(SERVER_ERROR);
          throw error;
        },
      );
    };
  };
}

function statusOf(answer: unknown): number {
  return answer instanceof Response ? answer.status : SWITCHING_PROTOCOLS;
}
