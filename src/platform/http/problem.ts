import { Elysia, ValidationError } from "elysia";
import { ProviderFailure, Refusal } from "../errors.ts";
import { type RefusalCode, refusalText } from "../refusals.ts";
import type { Log } from "../telemetry/log.ts";
import { databaseRefusal } from "./database-trouble.ts";
import type { MethodTable } from "./method-table.ts";

/** The media type of every refusal (RFC 9457). */
export const PROBLEM_TYPE = "application/problem+json";

/** A refusal as clients get it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: RefusalCode;
  request_id: string;
  [member: string]: unknown;
}

/** The language of a request whose person is known by now; otherwise its `Accept-Language` decides. */
const languages = new WeakMap<Request, "ru" | "en">();

/** Remembers the person's language for a refusal that may still come. */
export function rememberLanguage(request: Request, language: "ru" | "en"): void {
  languages.set(request, language);
}

/** The language for this request: the signed-in person's, or what the client asks for. */
export function languageOf(request: Request): "ru" | "en" {
  const known = languages.get(request);
  if (known) return known;
  return /^\s*(ru|be|uk|kk)\b/i.test(request.headers.get("accept-language") ?? "") ? "ru" : "en";
}

/** Writes a refusal as a problem document. */
export function problemOf(refusal: Refusal, language: "ru" | "en", requestId: string): Problem {
  const text = refusalText(refusal.code);
  return {
    ...refusal.details,
    type: `urn:atelier:problem:${refusal.code}`,
    title: text.title,
    status: text.status,
    detail: text[language],
    code: refusal.code,
    request_id: requestId,
  };
}

/** The answer that carries a refusal, with `Retry-After` where the refusal names a time. */
export function problemResponse(refusal: Refusal, request: Request, requestId: string): Response {
  const problem = problemOf(refusal, languageOf(request), requestId);
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE, "x-request-id": requestId };
  if (typeof refusal.details.retry_after === "number") headers["retry-after"] = String(refusal.details.retry_after);
  if (problem.status === 401) headers["www-authenticate"] = "Bearer";
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/**
 * The one place where what was thrown becomes an answer. A refusal says what it is; a fault of a provider is a 503
 * without its words; a bug is a bare 500 whose cause stands only in the log. Where the router found nothing, but has the
 * path, the method is wrong.
 */
export function problems(log: Log, methods: MethodTable) {
  return new Elysia({ name: "problems" }).onError({ as: "global" }, ({ error, code, request, set }) => {
    const requestId = String(set.headers["x-request-id"] ?? "");
    const allowed = code === "NOT_FOUND" ? methods.allowedAt(new URL(request.url).pathname) : [];
    if (allowed.length > 0 && request.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: { allow: allowed.join(", "), "x-request-id": requestId } });
    }
    // A method that the path does take brought nobody: GET of a socket that does not ask for one.
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      const answer = problemResponse(new Refusal("method_not_allowed"), request, requestId);
      answer.headers.set("allow", allowed.join(", "));
      return answer;
    }
    return problemResponse(refusalFor(error, code, { log, request, requestId }), request, requestId);
  });
}

function refusalFor(
  error: unknown,
  code: unknown,
  { log, request, requestId }: { log: Log; request: Request; requestId: string },
): Refusal {
  // What a body parser throws arrives wrapped.
  const cause = code === "PARSE" && error instanceof Error ? error.cause : error;
  if (cause instanceof Refusal) return cause;
  if (error instanceof ValidationError) {
    if (error.type === "response") {
      // The error's own message holds the whole answer, and so what belongs to the person alone.
      log.error("a bug answered with 500: an answer that is not as described", {
        request_id: requestId,
        faults: validationErrors(error, request),
      });
      return new Refusal("internal_error");
    }
    if (error.type === "body" && !isJson(request)) return new Refusal("media_type_unsupported");
    return new Refusal("validation_failed", { errors: validationErrors(error, request) });
  }
  if (code === "NOT_FOUND") return new Refusal("not_found");
  if (code === "PARSE") return new Refusal("malformed_body");
  if (error instanceof ProviderFailure) {
    log.error("a provider failed inside a request", { request_id: requestId, error });
    return new Refusal("busy", { retry_after: 5 });
  }
  const unavailable = databaseRefusal(error);
  if (unavailable) {
    log.warn("the database had no answer for a request", { request_id: requestId, error });
    return unavailable;
  }
  log.error("a bug answered with 500", { request_id: requestId, error });
  return new Refusal("internal_error");
}

/** A request without any body counts: then the fault is the missing body, not its type. */
function isJson(request: Request): boolean {
  const type = request.headers.get("content-type");
  return type === null || /^application\/json\s*(;|$)/i.test(type);
}

const ERRORS_SHOWN_MAX = 20;

/** Path and reason of each fault; never the value, which may be a secret or a person's words. */
function validationErrors(error: ValidationError, request: Request): Array<{ path: string; message: string }> {
  const seen = new Map<string, string>();
  const place = placeOf(error, request);
  for (const fault of error.all) {
    if (!("path" in fault)) continue;
    const path = `${place}${fault.path}`;
    if (!seen.has(path)) seen.set(path, fault.message);
  }
  return [...seen].slice(0, ERRORS_SHOWN_MAX).map(([path, message]) => ({ path, message }));
}

/**
 * The part of the request that is wrong. A number in the query is checked once more after it was read from its text, and
 * of that fault Elysia says neither where nor what it is called; only its value is known.
 */
function placeOf(error: ValidationError, request: Request): string {
  if (String(error.type) !== "property") return `/${error.type}`;
  const given = [...new URL(request.url).searchParams];
  const [name] = given.find(([, text]) => Number(text) === error.value) ?? [];
  return name === undefined ? "/query" : `/query/${name}`;
}
