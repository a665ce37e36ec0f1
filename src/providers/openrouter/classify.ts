import { Value } from "@sinclair/typebox/value";
import { HOUR_MS, SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../platform/errors.ts";
import { ErrorMember } from "./wire.ts";

export const OPENROUTER = "OpenRouter";
/** An upstream that is overloaded, or a limit that names no time: wait as long as our own backoff ever does. */
export const SLOW_DOWN_WAIT_MS = 4 * SECOND_MS;
const RETRY_AFTER_MS_MAX = HOUR_MS;

/** Words of `metadata.error_type` for errors whose code is no number; every other known word means a bad request. */
const TYPE_CODES: Readonly<Record<string, number>> = {
  authentication: 401,
  payment_required: 402,
  permission_denied: 403,
  content_policy_violation: 403,
  refusal: 403,
  not_found: 404,
  payload_too_large: 413,
  unprocessable: 422,
  rate_limit_exceeded: 429,
  server: 500,
  server_error: 500,
  provider_unavailable: 502,
  timeout: 504,
  provider_overloaded: 529,
  invalid_request: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
};
const MODERATED_TYPES = new Set(["content_policy_violation", "refusal"]);
const UNREACHABLE_TYPES = new Set(["image_download_failed", "image_not_found"]);

/**
 * What their sentences mean, in our own words. Theirs are never repeated: errors of moderation and of upstreams quote
 * what a person wrote, and that must reach no log.
 */
const MEANINGS: readonly (readonly [sentence: RegExp, meaning: string])[] = [
  [/not a valid model id/i, "the model is unknown"],
  [/no endpoints? found.*parameters/i, "no endpoint takes these parameters"],
  [/data policy/i, "no endpoint fits the data policy"],
  [/no endpoints? found/i, "no endpoint serves the model"],
  [/fewer max_tokens/i, "the balance does not cover max_tokens"],
  [/insufficient credits/i, "no credits are left"],
  [/extra inputs are not permitted/i, "the endpoint takes no structured outputs"],
  [/temperature|top_p|top_k/i, "a sampling parameter was refused"],
];

interface ReadError {
  code: number;
  type: string;
  meaning: string;
  /** What the error carries only when a filter looked at the input. */
  hasModerationReasons: boolean;
}

/**
 * The failure behind a refused call. `error` is the body's `error` member, wherever it stood; undefined when the answer
 * had none, as pages of the edge do. `retryAfter` is the header, in seconds.
 */
export function failureOf(error: unknown, about: { status: number; retryAfter?: string | null }): ProviderFailure {
  if (!Value.Check(ErrorMember, error)) return edgeFailure(about);
  const read = readError(error, about.status);
  const { kind, alert } = classOf(read);
  const retryAfterMs = waitOf(read.code, kind, about.retryAfter ?? null);
  const words = [`code ${read.code}`, read.type, read.meaning].filter((word) => word !== "").join(", ");
  return new ProviderFailure(OPENROUTER, kind, `refused the request: ${words}`, {
    ...(alert === undefined ? {} : { alert }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function classOf({ code, type, meaning, hasModerationReasons }: ReadError): {
  kind: ProviderFailureKind;
  alert?: boolean;
} {
  if (MODERATED_TYPES.has(type)) return { kind: "moderated" };
  if (UNREACHABLE_TYPES.has(type)) return { kind: "input_unreachable" };
  switch (code) {
    case 400:
      // A model's name is configuration: every request would fail like this one.
      return { kind: "rejected", alert: meaning === "the model is unknown" };
    case 401:
      return { kind: "unauthorized" };
    case 402:
      return { kind: "out_of_funds" };
    case 403:
      if (hasModerationReasons) return { kind: "moderated" };
      return { kind: type === "permission_denied" || type === "authentication" ? "unauthorized" : "moderated" };
    case 404:
      return { kind: "rejected", alert: true };
    case 408:
      return { kind: "unavailable" };
    case 429:
      return { kind: "rate_limited" };
    default:
      if (code >= 400 && code < 500) return { kind: "rejected" };
      return { kind: "unavailable", ...(code >= 300 && code < 400 ? { alert: true } : {}) };
  }
}

function readError(error: { code?: unknown; message?: unknown; metadata?: unknown }, status: number): ReadError {
  const metadata = typeof error.metadata === "object" && error.metadata !== null ? error.metadata : {};
  const named = "error_type" in metadata ? metadata.error_type : undefined;
  const type = typeof named === "string" && /^[a-z_]{1,40}$/.test(named) ? named : "";
  const message = typeof error.message === "string" ? error.message : "";
  return {
    code: codeOf(error.code, type, status),
    type,
    meaning: MEANINGS.find(([sentence]) => sentence.test(message))?.[1] ?? "",
    hasModerationReasons: "reasons" in metadata || "flagged_input" in metadata,
  };
}

/** HTTP's status counts where it speaks of a failure; under HTTP 200 the error's own code, which may be a word. */
function codeOf(code: unknown, type: string, status: number): number {
  if (status >= 300) return status;
  if (typeof code === "number" && Number.isInteger(code) && code >= 300) return code;
  if (typeof code === "string" && /^[345]\d\d$/.test(code)) return Number(code);
  return TYPE_CODES[type] ?? (typeof code === "string" ? TYPE_CODES[code] : undefined) ?? 502;
}

/** An answer that OpenRouter's own program did not write. */
function edgeFailure({ status, retryAfter }: { status: number; retryAfter?: string | null }): ProviderFailure {
  if (status === 403) {
    return new ProviderFailure(OPENROUTER, "unavailable", "blocked at the edge (HTTP 403)", { alert: true });
  }
  const { kind, alert } = classOf({ code: status, type: "", meaning: "", hasModerationReasons: false });
  const retryAfterMs = waitOf(status, kind, retryAfter ?? null);
  return new ProviderFailure(OPENROUTER, kind, `answered HTTP ${status} without an error of its own`, {
    ...(alert === undefined ? {} : { alert }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function waitOf(code: number, kind: ProviderFailureKind, retryAfter: string | null): number | undefined {
  if (kind !== "rate_limited" && kind !== "unavailable") return undefined;
  if (retryAfter !== null && /^\d{1,9}(\.\d+)?$/.test(retryAfter.trim())) {
    return Math.min(RETRY_AFTER_MS_MAX, Math.ceil(Number(retryAfter) * SECOND_MS));
  }
  return code === 429 || code === 529 ? SLOW_DOWN_WAIT_MS : undefined;
}
