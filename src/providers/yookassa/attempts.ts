import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure } from "../../platform/errors.ts";
import { noteRetry } from "../../platform/telemetry/scope.ts";
import { backoffMs, PROVIDER_TRIES } from "../retry.ts";
import { YOOKASSA, YooKassaFailure } from "./classify.ts";

/** Whoever is asked to wait longer than this comes again by its own clock. */
const WAIT_MS_MAX = 5 * SECOND_MS;

export interface Attempts {
  /** The first wait is random between 0 and this; each further limit is twice the one before. */
  baseMs: number;
  /** No new try starts once this much time has passed. */
  totalMs: number;
  /** A number in [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
}

/**
 * Makes one call up to three times: the very same one, with the same idempotence key, so that it moves money once at
 * most (P13). Tried again is what may pass: no answer, HTTP 5xx, 202 and 429.
 *
 * Once a try may have been carried out, later ones cannot take that back: if the last one could not even be sent, the
 * whole call is still `unknown`. Only the provider's own refusal of the same key and body proves that nothing was done.
 */
export async function withAttempts<T>(call: () => Promise<T>, options: Attempts): Promise<T> {
  const startedAt = performance.now();
  let mayBeDone = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      mayBeDone ||= error.kind === "unknown";
      const askedMs = error.retryAfterMs ?? 0;
      const isOver = attempt >= PROVIDER_TRIES || performance.now() - startedAt >= options.totalMs;
      if (isOver || !isPassing(error) || askedMs > WAIT_MS_MAX) throw mayBeDone ? asUnknown(error) : error;
      await options.sleep(Math.max(backoffMs(attempt, options), askedMs));
      noteRetry();
    }
  }
}

function isPassing({ kind }: ProviderFailure): boolean {
  return kind === "unavailable" || kind === "unknown" || kind === "rate_limited";
}

function asUnknown(error: ProviderFailure): ProviderFailure {
  const provesNothingDone =
    error.kind === "rejected" || (error instanceof YooKassaFailure && error.code === "forbidden");
  if (error.kind === "unknown" || provesNothingDone) return error;
  return new ProviderFailure(YOOKASSA, "unknown", `an earlier try may have been carried out; then: ${error.message}`, {
    alert: error.alert,
  });
}
