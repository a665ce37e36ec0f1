import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../platform/errors.ts";
import type { ProviderAnswer } from "../provider-http.ts";
import { ErrorAnswer, IDEMPOTENCE_HEADER } from "./wire.ts";

/** Stands in every failure and every log line of this provider. */
export const YOOKASSA = "yookassa";

/** What the provider's own client waits when an answer asks to come again and names no time. */
export const PROCESSING_WAIT_MS = 1_800;
/** The limits are not published. */
export const RATE_LIMIT_WAIT_MS = 2 * SECOND_MS;
const WAIT_MS_MAX = 3_600_000;
const DESCRIPTION_CHARACTERS_MAX = 200;
/** Descriptions are not stable and nobody promises that they quote nothing: long numbers are left out. */
const LONG_NUMBER = /\d[\d ]{10,}\d/g;

/** A failure with the words that the provider sends with it; its kind says what to do. */
export class YooKassaFailure extends ProviderFailure {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Such as `invalid_request`; empty when the answer is no error of the provider's (a page of the edge). */
  readonly code: string;
  /** The field that the provider complains of, such as `amount.value`; may be empty. */
  readonly parameter: string;
  /**
   * The shop may not make recurring payments (HTTP 403). The whole payment was refused because of
   * `save_payment_method`: it may be made without it, under a new key.
   */
  readonly recurringRefused: boolean;

  constructor(
    kind: ProviderFailureKind,
    message: string,
    about: { status: number; code?: string; parameter?: string; recurringRefused?: boolean },
    options: { retryAfterMs?: number; alert?: boolean } = {},
  ) {
    super(YOOKASSA, kind, message, options);
    this.status = about.status;
    this.code = about.code ?? "";
    this.parameter = about.parameter ?? "";
    this.recurringRefused = about.recurringRefused ?? false;
  }
}

/**
 * What went wrong with a call; undefined for an answer of HTTP 200 that is no error. Where nobody knows whether the call
 * was carried out the kind is `unknown` for a call that moves money and `unavailable` for one that only reads.
 */
export function failureOf(answer: ProviderAnswer, call: { reads: boolean }): YooKassaFailure | undefined {
  const { status } = answer;
  const body = Value.Check(ErrorAnswer, answer.json) ? answer.json : undefined;
  const lost = call.reads ? "unavailable" : "unknown";
  if (body?.type === "processing" || status === 202) {
    const retryAfterMs = waitOf(body?.retry_after) ?? PROCESSING_WAIT_MS;
    return new YooKassaFailure(lost, "is still working on it (HTTP 202)", { status }, { retryAfterMs });
  }
  if (status === 200 && body === undefined) return undefined;
  if (body === undefined) return strangeAnswer(status, lost);
  const about = { status, code: body.code ?? "", parameter: body.parameter ?? "" };
  const message = `HTTP ${status} ${sentenceOf(body)}`;
  switch (status) {
    case 400:
      // A key that was used for something else is our own mistake, and the money may be elsewhere: the owner hears of it.
      return new YooKassaFailure("rejected", message, about, { alert: about.parameter === IDEMPOTENCE_HEADER });
    case 401:
      return new YooKassaFailure("unauthorized", message, about);
    case 403: {
      const recurringRefused = /recurring/i.test(body.description ?? "");
      return new YooKassaFailure("unauthorized", message, { ...about, recurringRefused }, { alert: !recurringRefused });
    }
    case 404:
      return new YooKassaFailure("rejected", message, about);
    case 429: {
      const retryAfterMs = waitOf(body.retry_after) ?? headerWait(answer.headers) ?? RATE_LIMIT_WAIT_MS;
      return new YooKassaFailure("rate_limited", message, about, { retryAfterMs });
    }
    default:
      if (status >= 400 && status < 500 && status !== 408) {
        return new YooKassaFailure("rejected", message, about, { alert: true });
      }
      return new YooKassaFailure(lost, message, about);
  }
}

/** Whether the provider itself says that it knows no such object; the 404 of a wrong address says nothing of the kind. */
export function isNotFound(answer: ProviderAnswer): boolean {
  return answer.status === 404 && Value.Check(ErrorAnswer, answer.json) && answer.json.code === "not_found";
}

/** No body of the provider's: its edge, a proxy on the way, or an address that is not YooKassa's at all. */
function strangeAnswer(status: number, lost: ProviderFailureKind): YooKassaFailure {
  const message = `HTTP ${status} without an error of its own`;
  if (status === 401) return new YooKassaFailure("unauthorized", message, { status });
  if (status === 429) {
    return new YooKassaFailure("rate_limited", message, { status }, { retryAfterMs: RATE_LIMIT_WAIT_MS });
  }
  // Nobody knows who answers here, so nothing is taken for refused; a redirect or a 404 will not mend itself.
  return new YooKassaFailure(lost, message, { status }, { alert: status >= 300 && status < 500 });
}

function sentenceOf(body: ErrorAnswer): string {
  const description = (body.description ?? "").replaceAll(LONG_NUMBER, "…").slice(0, DESCRIPTION_CHARACTERS_MAX);
  return [body.code ?? "", body.parameter ? `(${body.parameter})` : "", description].filter(Boolean).join(" ");
}

function waitOf(ms: number | undefined): number | undefined {
  return ms !== undefined && Number.isFinite(ms) && ms >= 0 ? Math.min(ms, WAIT_MS_MAX) : undefined;
}

function headerWait(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? waitOf(Number(seconds) * SECOND_MS) : undefined;
}
