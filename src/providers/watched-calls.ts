import { ProviderFailure } from "../platform/errors.ts";
import { type CallScope, currentScope, inScope, type Scope } from "../platform/telemetry/scope.ts";
import type { Telemetry } from "../platform/telemetry/telemetry.ts";

type Watchers = Pick<Telemetry, "meters" | "traces" | "faults">;

/**
 * The same client, with each of its calls counted, timed and traced under the name of its method. Itself, while nobody
 * watches. What returns no promise (a link, a fingerprint) is no call.
 */
export function watchedCalls<T extends object>(watchers: Watchers, provider: string, client: T): T {
  if (isNobody(watchers)) return client;
  const watched = Object.entries(client).map(([name, member]) => [
    name,
    typeof member === "function" ? watchedCall(watchers, provider, name, member as AnyFunction) : member,
  ]);
  return Object.fromEntries(watched) as T;
}

type AnyFunction = (...input: never[]) => unknown;

/** One function, watched the same way. */
export function watchedCall<F extends AnyFunction>(
  watchers: Watchers,
  provider: string,
  operation: string,
  work: F,
): F {
  if (isNobody(watchers)) return work;
  const watched = (...input: never[]): unknown => {
    const call: CallScope = { provider, operation, retries: 0 };
    const scope: Scope = { requestId: "", ...currentScope(), call };
    const startedAtMs = performance.now();
    const result = inScope(scope, () => work(...input));
    if (!(result instanceof Promise)) return result;
    return result.then(
      (value: unknown) => {
        seen(watchers, scope, call, startedAtMs, "ok");
        return value;
      },
      (error: unknown) => {
        seen(watchers, scope, call, startedAtMs, error instanceof ProviderFailure ? error.kind : "error");
        if (error instanceof ProviderFailure && error.alert) {
          inScope(scope, () => watchers.faults?.report({ what: "a provider refuses us", error }));
        }
        throw error;
      },
    );
  };
  return watched as F;
}

function isNobody({ meters, traces, faults }: Watchers): boolean {
  return meters === null && traces === null && faults === null;
}

function seen(watchers: Watchers, scope: Scope, call: CallScope, startedAtMs: number, outcome: string): void {
  const seconds = (performance.now() - startedAtMs) / 1000;
  watchers.meters?.providerCall({ ...call, outcome, seconds });
  watchers.traces?.call({ ...call, outcome, startedAtMs, requestId: scope.requestId });
}
