import { ProviderFailure } from "../platform/errors.ts";
import { noteRetry } from "../platform/telemetry/scope.ts";

/** Every outside call gets three tries, if trying again makes sense. */
export const PROVIDER_TRIES = 3;
const BACKOFF_MS_MAX = 10_000;

export interface RetryOptions {
  /** Calls in all, the first one included. */
  tries: number;
  /** The first wait is random between 0 and this; each further limit is twice the one before. */
  baseMs: number;
  /** A number in [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Whether a call of unknown outcome may be made again, as it is safe to carry out twice. */
  repeatable?: boolean;
  /** No new try starts once this much time has passed: whoever polls will come again anyway. */
  totalMs?: number;
}

/**
 * Calls until it succeeds, with exponential backoff and full jitter. Only `unavailable` is tried again (and `unknown`
 * when the call is repeatable); every other failure, and the last one, is thrown as it is.
 */
export async function withRetries<T>(call: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= options.tries || !isWorthAnotherTry(error, options.repeatable === true)) throw error;
      if (options.totalMs !== undefined && performance.now() - startedAt >= options.totalMs) throw error;
      await options.sleep(backoffMs(attempt, options));
      noteRetry();
    }
  }
}

/** The wait after the failed `attempt` (1, 2, ...): full jitter, so that callers that fail together do not return together. */
export function backoffMs(attempt: number, options: Pick<RetryOptions, "baseMs" | "random">): number {
  return Math.floor(options.random() * Math.min(BACKOFF_MS_MAX, options.baseMs * 2 ** (attempt - 1)));
}

function isWorthAnotherTry(error: unknown, repeatable: boolean): boolean {
  if (!(error instanceof ProviderFailure)) return false;
  return error.kind === "unavailable" || (repeatable && error.kind === "unknown");
}
