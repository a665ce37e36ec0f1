import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../../platform/clock.ts";
import type { ProviderFailureKind } from "../../platform/errors.ts";
import { Envelope } from "./wire.ts";

/** Surplus is rejected, not queued; the provider asks to wait a whole window of its limit. */
export const RATE_LIMIT_WAIT_MS = 10 * SECOND_MS;
const MESSAGE_CHARACTERS_MAX = 200;

/** The part of an answer that is judged. */
export interface KieAnswer {
  status: number;
  /** undefined when the body is not JSON. */
  json: unknown;
  text: string;
}

export interface FailureClass {
  kind: ProviderFailureKind;
  message: string;
  retryAfterMs?: number;
  alert?: boolean;
}

const CREDITS = /credit|balance|top up/i;
const WRONG_PARAMETER = /required|not within|not supported/i;
const MODERATED =
  /sensitive|policy|policies|prohibited|filtered|CONTENT_POLICY_BLOCKED|content could not be processed|violat/i;
const EDGE_BLOCK = /error code:\s*10\d\d/i;

/** The body as an envelope, or undefined when it is something else (an HTML page of the edge, a bare string). */
export function envelopeOf(answer: KieAnswer): Envelope | undefined {
  return Value.Check(Envelope, answer.json) ? answer.json : undefined;
}

/** The code that counts: the body's, where it has one. kie.ai says HTTP 200 to nearly everything. */
export function effectiveCode(answer: KieAnswer): number {
  return bodyCode(envelopeOf(answer)) ?? answer.status;
}

/** The provider's own words, cut to a length that fits a log line. */
export function messageOf(envelope: Envelope | undefined): string {
  return (envelope?.msg ?? envelope?.message ?? "").slice(0, MESSAGE_CHARACTERS_MAX);
}

/**
 * What went wrong with a call; undefined when it went well. `unknown` says that the request may have been carried out:
 * a caller that may repeat itself reads it as `unavailable`.
 *
 * Once kie.ai's own program has answered with a code, nothing was started and nothing is charged, its "Server
 * exception" included. An answer of the edge in front of it (5xx without a code) says nothing about what happened behind.
 */
export function failureOf(answer: KieAnswer): FailureClass | undefined {
  const envelope = envelopeOf(answer);
  const code = bodyCode(envelope);
  if (code !== undefined) return code === 200 ? undefined : codeFailure(code, messageOf(envelope));
  if (answer.status >= 200 && answer.status < 300 && envelope !== undefined) return undefined;
  return edgeFailure(answer, messageOf(envelope));
}

function codeFailure(code: number, text: string): FailureClass {
  const message = `code ${code}: ${text}`;
  switch (code) {
    case 400:
      return { kind: MODERATED.test(text) ? "moderated" : "rejected", message };
    case 401:
      return { kind: "unauthorized", message };
    case 402:
      return { kind: "out_of_funds", message };
    case 403:
      return { kind: "unauthorized", message };
    case 404:
    case 505:
      // A path or a feature that is not there concerns every request, so the owner hears of it.
      return { kind: "rejected", message, alert: true };
    case 422:
      if (/model/i.test(text) && /not supported/i.test(text)) return { kind: "rejected", message, alert: true };
      return { kind: MODERATED.test(text) ? "moderated" : "rejected", message };
    case 429:
      return { kind: "rate_limited", message, retryAfterMs: RATE_LIMIT_WAIT_MS };
    case 433:
      return { kind: "out_of_funds", message };
    case 451:
      return { kind: "input_unreachable", message };
    case 455:
      return { kind: "unavailable", message };
    case 500:
      return serverCode(text, message);
    case 501:
      return MODERATED.test(text) ? { kind: "moderated", message } : { kind: "unavailable", message };
    default:
      return code > 400 && code < 500 && code !== 408 ? { kind: "rejected", message } : { kind: "unknown", message };
  }
}

/** Code 500 means an outage, a wrong parameter or an empty account alike; only the text tells. */
function serverCode(text: string, message: string): FailureClass {
  if (CREDITS.test(text)) return { kind: "out_of_funds", message };
  if (WRONG_PARAMETER.test(text)) return { kind: "rejected", message };
  return { kind: "unavailable", message };
}

/** An answer without a code: from the edge, or from a proxy on the way. */
function edgeFailure(answer: KieAnswer, text: string): FailureClass {
  const { status } = answer;
  const message = `HTTP ${status} without a code${text === "" ? "" : `: ${text}`}`;
  if (status === 403 || EDGE_BLOCK.test(answer.text.slice(0, 1_000))) {
    return { kind: "unavailable", message: `blocked at the edge (HTTP ${status})`, alert: true };
  }
  if (status === 401) return { kind: "unauthorized", message };
  if (status === 402) return { kind: "out_of_funds", message };
  if (status === 429) return { kind: "rate_limited", message, retryAfterMs: RATE_LIMIT_WAIT_MS };
  if (status >= 300 && status < 400) return { kind: "unavailable", message, alert: true };
  if (status === 404) return { kind: "rejected", message, alert: true };
  if (status >= 400 && status < 500 && status !== 408) return { kind: "rejected", message };
  return { kind: "unknown", message };
}

function bodyCode(envelope: Envelope | undefined): number | undefined {
  const code = envelope?.code;
  if (typeof code === "number" && Number.isInteger(code)) return code;
  return typeof code === "string" && /^\d{3}$/.test(code) ? Number(code) : undefined;
}

/**
 * Why a task failed.
 * - `moderated`: refused by policy; the same input gives the same
 * - `input_unreachable`: our link could not be read; a new one may help
 * - `transient`: their fault; once or twice more makes sense, failed tasks cost nothing
 * - `refused`: the model could not follow the prompt; the person has to rephrase
 * - `rejected`: our request was wrong
 */
export type TaskFailureKind = "moderated" | "input_unreachable" | "transient" | "refused" | "rejected";

const INPUT_UNREACHABLE = /image fetch failed|access settings|could not be downloaded/i;
const SOFT_REFUSAL = /could not generate an image|different prompt|rephrase/i;

/** The class of a failed task. The text is asked first: the codes are strings of little order (moderation has several). */
export function taskFailureKind(failCode: string, failMessage: string): TaskFailureKind {
  if (INPUT_UNREACHABLE.test(failMessage) || failCode === "451") return "input_unreachable";
  if (MODERATED.test(failMessage)) return "moderated";
  if (SOFT_REFUSAL.test(failMessage)) return "refused";
  if (WRONG_PARAMETER.test(failMessage)) return "rejected";
  if (failCode === "422") return "moderated";
  if (failCode === "408" || failCode === "429" || failCode === "455") return "transient";
  return /^4\d\d$/.test(failCode) || failCode === "505" ? "rejected" : "transient";
}
