import { AsyncLocalStorage } from "node:async_hooks";

/**
 * What the program is doing at this moment: answering one request or running one job. It follows the work through every
 * `await`, so that a line of the log written deep inside a client still names the request that caused it.
 */
export interface Scope {
  /** Empty until it is known. */
  requestId: string;
  /** The template of the route that answers, such as `/api/v1/files/:token`; undefined until one was found. */
  route?: string;
  jobKind?: string;
  /** Where further spans belong, as W3C's `traceparent`; only while traces are on. */
  traceParent?: string | undefined;
  /** Writes the request's id onto its span; only while traces are on. */
  nameSpan?: ((requestId: string) => void) | undefined;
  /** The call to a provider that is under way. */
  call?: CallScope;
}

/** One call to a provider with all its tries. */
export interface CallScope {
  provider: string;
  operation: string;
  /** Tries after the first. */
  retries: number;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs `work` inside `scope`. */
export function inScope<T>(scope: Scope, work: () => T): T {
  return scopes.run(scope, work);
}

/** The scope of the caller; undefined outside of any request and job. */
export function currentScope(): Scope | undefined {
  return scopes.getStore();
}

/** Counts another try of the call that is under way. */
export function noteRetry(): void {
  const call = scopes.getStore()?.call;
  if (call) call.retries += 1;
}
