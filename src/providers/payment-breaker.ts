import { type Clock, MINUTE_MS, SECOND_MS } from "../platform/clock.ts";
import { ProviderFailure } from "../platform/errors.ts";
import type { PaymentProvider } from "./payment-provider.ts";

/** Calls in a row that failed, within the window, after which the provider is left alone for a while. */
export const FAILURES_TO_OPEN = 5;
/** Long enough for one caller who asks one thing after the other and waits for each to the end. */
const WINDOW_MS = 5 * MINUTE_MS;
/** How long the provider is left alone; then one call finds out how it is. */
export const OPEN_MS = 10 * SECOND_MS;
/** A call that has no answer after this time counts as failed there and then, whatever becomes of it. */
const SLOW_MS = 15 * SECOND_MS;

/** A way to be paid that is left alone while it is out. */
export interface GuardedPaymentProvider extends PaymentProvider {
  /** For how many ms from now on calls fail at once; 0 when the provider may be asked. */
  pausedMs(): number;
  /**
   * Names the one who hears how the provider is: `isOut` at the beginning of an outage, and again each time it turns out
   * to go on; not `isOut` when it is over, and at the first answer of this process, which may have started in one.
   */
  onOutage(listener: (isOut: boolean) => void): void;
}

export interface BreakerOptions {
  clock: Clock;
  slowMs?: number;
}

/**
 * A circuit breaker: after several calls in a row without an answer the next ones fail at once, as `unavailable`; they
 * were not sent, so repeating them under the same key is safe. After some seconds one call is let through, and its
 * outcome decides for all. Each process has its own: what it knows of the provider is what its own calls have met.
 *
 * No answer is a failure of kind `unavailable` or `unknown`, or a long wait. A refusal is an answer. Being told to come
 * more slowly says neither.
 */
export function withBreaker(provider: PaymentProvider, options: BreakerOptions): GuardedPaymentProvider {
  const circuit = createCircuit(provider.name, options);
  const { guard } = circuit;
  return {
    name: provider.name,
    isLive: provider.isLive,
    create: (order) => guard(() => provider.create(order)),
    read: (paymentId) => guard(() => provider.read(paymentId)),
    refund: (order) => guard(() => provider.refund(order)),
    readRefund: (refundId) => guard(() => provider.readRefund(refundId)),
    paymentsSince: (since) => guardedItems(guard, () => provider.paymentsSince(since)),
    refundsSince: (since) => guardedItems(guard, () => provider.refundsSince(since)),
    pausedMs: circuit.pausedMs,
    onOutage: circuit.onOutage,
  };
}

type Guard = <T>(call: () => Promise<T>) => Promise<T>;

/** Each step may be a call for the next page. */
async function* guardedItems<T>(guard: Guard, list: () => AsyncIterable<T>): AsyncGenerator<T> {
  const items = list()[Symbol.asyncIterator]();
  for (;;) {
    const next = await guard(() => items.next());
    if (next.done) return;
    yield next.value;
  }
}

interface Circuit extends Pick<GuardedPaymentProvider, "pausedMs" | "onOutage"> {
  guard: Guard;
}

function createCircuit(name: string, { clock, slowMs = SLOW_MS }: BreakerOptions): Circuit {
  /** When the last calls failed; empty after an answer. */
  let failures: number[] = [];
  /** Undefined while the circuit is closed. */
  let openUntilMs: number | undefined;
  /** The one call that is let through an open circuit, while it is under way. */
  let probe: symbol | undefined;
  let lastSaid: boolean | undefined;
  let listener: (isOut: boolean) => void = () => {};
  const nowMs = () => clock.now().getTime();

  const answered = (): void => {
    failures = [];
    openUntilMs = undefined;
    if (lastSaid === false) return;
    lastSaid = false;
    listener(false);
  };
  const failed = (call: symbol): void => {
    // Calls that were under way when the circuit opened say nothing new.
    if (openUntilMs !== undefined && probe !== call) return;
    failures = [...failures.filter((at) => at > nowMs() - WINDOW_MS), nowMs()];
    if (openUntilMs === undefined && failures.length < FAILURES_TO_OPEN) return;
    openUntilMs = nowMs() + OPEN_MS;
    if (probe === call) probe = undefined;
    lastSaid = true;
    listener(true);
  };
  const pausedMs = (): number => {
    if (openUntilMs === undefined) return 0;
    const leftMs = openUntilMs - nowMs();
    // While one call finds out, the others wait for what it finds.
    return leftMs > 0 ? leftMs : probe === undefined ? 0 : SECOND_MS;
  };

  return {
    pausedMs,
    onOutage(next) {
      listener = next;
    },
    async guard(call) {
      const retryAfterMs = pausedMs();
      if (retryAfterMs > 0) {
        throw new ProviderFailure(name, "unavailable", "is not asked, as it has not been answering", { retryAfterMs });
      }
      const self = Symbol();
      if (openUntilMs !== undefined) probe = self;
      let isCounted = false;
      const slow = setTimeout(() => {
        isCounted = true;
        failed(self);
      }, slowMs);
      try {
        const result = await call();
        if (!isCounted) answered();
        return result;
      } catch (error) {
        if (!isCounted && error instanceof ProviderFailure && error.kind !== "rate_limited") {
          if (isNoAnswer(error)) failed(self);
          else answered();
        }
        throw error;
      } finally {
        clearTimeout(slow);
        if (probe === self) probe = undefined;
      }
    },
  };
}

function isNoAnswer({ kind }: ProviderFailure): boolean {
  return kind === "unavailable" || kind === "unknown";
}
