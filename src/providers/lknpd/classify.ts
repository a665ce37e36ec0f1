import { Value } from "@sinclair/typebox/value";
import { MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../platform/errors.ts";
import type { ProviderAnswer } from "../provider-http.ts";
import { ErrorAnswer } from "./wire.ts";

/** Stands in every failure and every log line of this provider. */
export const LKNPD = "my tax";

/** The limits are not published. */
export const RATE_LIMIT_WAIT_MS = 5 * MINUTE_MS;
const WAIT_MS_MAX = 60 * MINUTE_MS;
const SENTENCE_CHARACTERS_MAX = 200;
/** Nobody promises that a message quotes nothing of a person: long numbers are left out. */
const LONG_NUMBER = /\d[\d ]{8,}\d/g;

/**
 * What a call does, because the same answer means different things: a refused `login` is about the password, a refused
 * `refresh` only asks for a login, and nobody knows what became of a `write` whose answer was lost.
 */
export type CallPurpose = "login" | "refresh" | "read" | "write";

export class LknpdFailure extends ProviderFailure {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Such as `receipt.not.found`; empty when the answer is no error of the cabinet's own. */
  readonly code: string;

  constructor(
    kind: ProviderFailureKind,
    message: string,
    about: { status: number; code?: string },
    options: { retryAfterMs?: number; alert?: boolean } = {},
  ) {
    super(LKNPD, kind, message, options);
    this.status = about.status;
    this.code = about.code ?? "";
  }
}

/** What went wrong with a call; undefined for an answer of HTTP 2xx, whose shape the caller looks at. */
export function failureOf(answer: ProviderAnswer, purpose: CallPurpose): LknpdFailure | undefined {
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  const { code, sentence } = wordsOf(answer.json);
  const about = { status, code };
  const message = [`HTTP ${status}`, code, sentence].filter(Boolean).join(" ");
  if (status === 429) {
    return new LknpdFailure("rate_limited", message, about, { retryAfterMs: waitOf(answer.headers) });
  }
  const isRefusal = status >= 400 && status < 500 && status !== 408;
  if (!isRefusal) return new LknpdFailure(purpose === "write" ? "unknown" : "unavailable", message, about);
  // A page of the edge is nobody's verdict on the login or the sale; nothing was done, and it may pass.
  const isOwnAnswer = code !== "" || sentence !== "";
  const isOfEdge = (status === 403 || status === 404) && !isOwnAnswer;
  // While the cabinet's login by password is under maintenance it says "not found".
  if (isOfEdge || (purpose === "login" && status === 404)) return new LknpdFailure("unavailable", message, about);
  if (purpose === "login" || status === 401 || status === 403) return new LknpdFailure("unauthorized", message, about);
  return new LknpdFailure("rejected", message, about);
}

/** Whether the cabinet itself says that it knows no such receipt. */
export function isNotFound(failure: LknpdFailure): boolean {
  return failure.code === "receipt.not.found" || (failure.status === 404 && failure.kind === "rejected");
}

/** An object with code and message is usual; a bare text occurs. */
function wordsOf(json: unknown): { code: string; sentence: string } {
  const body = typeof json === "string" ? { message: json } : json;
  if (!Value.Check(ErrorAnswer, body)) return { code: "", sentence: "" };
  const sentence = (body.message ?? "").replaceAll(LONG_NUMBER, "…").slice(0, SENTENCE_CHARACTERS_MAX);
  return { code: (body.code ?? "").slice(0, SENTENCE_CHARACTERS_MAX), sentence };
}

function waitOf(headers: Headers): number {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? Math.min(Number(seconds) * SECOND_MS, WAIT_MS_MAX) : RATE_LIMIT_WAIT_MS;
}
