import type { RefusalCode } from "./refusals.ts";

/**
 * Three kinds of failure exist. A `Refusal` is an answer that a person can act on. A `ProviderFailure` is somebody
 * else's fault and says whether trying again makes sense. Everything else that is thrown is a bug: the client gets a
 * bare 500 with the request id, the cause stands only in the log.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  /** Extra members of the problem document, such as `required` and `available`. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, details: Readonly<Record<string, unknown>> = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/**
 * Why a provider did not do what was asked.
 * - `unavailable`: outage, time-out before sending, 5xx, paused: may be tried again
 * - `rate_limited`: come back after `retryAfterMs`
 * - `unknown`: the request may have been carried out; it must not be repeated blindly
 * - `out_of_funds`: our account is empty, the owner has to act
 * - `unauthorized`: our key is refused, the owner has to act
 * - `moderated`: the input was refused by policy; trying again gives the same
 * - `rejected`: the provider refuses this input or our request is wrong; trying again gives the same
 * - `input_unreachable`: the provider could not read our picture; new links may help
 */
export type ProviderFailureKind =
  | "unavailable"
  | "rate_limited"
  | "unknown"
  | "out_of_funds"
  | "unauthorized"
  | "moderated"
  | "rejected"
  | "input_unreachable";

export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";
  readonly provider: string;
  readonly kind: ProviderFailureKind;
  readonly retryAfterMs: number | undefined;
  /** The owner has to hear of it (key refused, no funds, blocked at the edge). */
  readonly alert: boolean;

  constructor(
    provider: string,
    kind: ProviderFailureKind,
    message: string,
    options: { retryAfterMs?: number; alert?: boolean; cause?: unknown } = {},
  ) {
    super(`${provider}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.provider = provider;
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
    this.alert = options.alert ?? (kind === "out_of_funds" || kind === "unauthorized");
  }
}

/** Stops the program with a sentence for the operator: what is wrong and what to do. Never a stack trace. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** Asserts what must be true whatever comes from outside; a failure is a bug, never a refusal. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant violated: ${message}`);
}
