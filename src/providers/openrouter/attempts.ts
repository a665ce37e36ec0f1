import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { noteRetry } from "../../platform/telemetry/scope.ts";
import { PROVIDER_TRIES } from "../retry.ts";

const FIRST_WAIT_MS_MAX = 2 * SECOND_MS;
const WAIT_MS_MAX = 4 * SECOND_MS;
/** A try that begins with less of the whole time than this would be paid for and not waited for. */
const SHARE_OF_TIME_MIN = 0.1;

export interface Attempts {
  /** For all tries and the waits between them. */
  totalMs: number;
  /** A number in [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Ends the waits between tries; each try has to look at it itself. */
  signal?: AbortSignal | undefined;
  /** Whether another try is still possible after the failed one, such as when nothing of it has been shown. */
  mayRestart: () => boolean;
}

/**
 * Calls until it succeeds, three times at most, with 1 to 2 and then 2 to 4 seconds between, or what the provider asks.
 * A doubled answer costs a little and does nothing else, so lost answers are asked for again. `call` gets what is left
 * of the time, in milliseconds.
 */
export async function withAttempts<T>(call: (leftMs: number) => Promise<T>, options: Attempts): Promise<T> {
  const startedAt = performance.now();
  const leftMs = (): number => options.totalMs - (performance.now() - startedAt);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(leftMs());
    } catch (error) {
      if (attempt >= PROVIDER_TRIES || !isPassing(error) || !options.mayRestart()) throw error;
      const waitMs = Math.max(jitteredMs(attempt, options.random), error.retryAfterMs ?? 0);
      if (leftMs() - waitMs < options.totalMs * SHARE_OF_TIME_MIN) throw error;
      await wait(waitMs, options);
      noteRetry();
    }
  }
}

function isPassing(error: unknown): error is ProviderFailure {
  return error instanceof ProviderFailure && (error.kind === "unavailable" || error.kind === "rate_limited");
}

/** The wait after the failed `attempt`: half of its limit surely, the other half by chance. */
function jitteredMs(attempt: number, random: () => number): number {
  const limitMs = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS_MAX * 2 ** (attempt - 1));
  return Math.floor((limitMs / 2) * (1 + random()));
}

async function wait(ms: number, { sleep, signal }: Attempts): Promise<void> {
  if (signal === undefined) return sleep(ms);
  signal.throwIfAborted();
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([sleep(ms), left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
