import { Elysia, ValidationError } from "elysia";
import { ProviderFailure, Refusal } from "../errors.ts";
import { type RefusalCode, refusalText } from "../refusals.ts";
import { StorageFailure } from "../storage/storage.ts";
import type { FaultReports } from "../telemetry/faults.ts";
import type { Log } from "../telemetry/log.ts";
import { isPreflight, preflightHeaders } from "./cross-origin.ts";
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

/** Refusals of what is then still on its way; with the connection it stops coming. */
const CLOSING_STATUSES: ReadonlySet<number> = new Set([408, 413, 414]);

/**
 * The answer that carries a refusal, with `Retry-After` where the refusal names a time. `everywhere` are headers that it has
 * besides its own, for an answer that does not come from a route.
 */
export function problemResponse(
  refusal: Refusal,
  request: Request,
  requestId: string,
  everywhere: Readonly<Record<string, string>> = {},
): Response {
  const problem = problemOf(refusal, languageOf(request), requestId);
  const headers = { ...everywhere, ...ownHeadersOf(refusal, problem.status), "x-request-id": requestId };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** What stands on each answer with this refusal. */
export function ownHeadersOf(refusal: Refusal, status: number): Record<string, string> {
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE };
  if (typeof refusal.details.retry_after === "number") headers["retry-after"] = String(refusal.details.retry_after);
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (CLOSING_STATUSES.has(status)) headers.connection = "close";
  return headers;
}

/**
 * The one place where what was thrown becomes an answer. A refusal says what it is; a fault of a provider or of the storage is a 503
 * without its words; a bug is a bare 500 whose cause stands only in the log. Where the router found nothing, but has the
 * path, the method is wrong.
 */
export function problems(log: Log, methods: MethodTable, faults: FaultReports | null = null) {
  return new Elysia({ name: "problems" }).onError({ as: "global" }, ({ error, code, request, set }) => {
    const requestId = String(set.headers["x-request-id"] ?? "");
    const allowed = code === "NOT_FOUND" ? methods.allowedAt(new URL(request.url).pathname) : [];
    if (allowed.length > 0 && request.method === "OPTIONS") {
      // Strangers hear what the path takes and nothing that would let their pages send it.
      const mayAsk = isPreflight(request) && set.headers["access-control-allow-origin"] !== undefined;
      const headers = { allow: allowed.join(", "), "x-request-id": requestId };
      return new Response(null, { status: 204, headers: { ...headers, ...(mayAsk ? preflightHeaders(allowed) : {}) } });
    }
    // A method that the path does take brought nobody: GET of a socket that does not ask for one.
    if (allowed.length > 0 && !allowed.includes(request.method)) {
      const answer = problemResponse(new Refusal("method_not_allowed"), request, requestId);
      answer.headers.set("allow", allowed.join(", "));
      return answer;
    }
    const answer = problemResponse(refusalFor(error, code, { log, faults, request, requestId }), request, requestId);
    // For whoever watches the request: the framework has written down 500 for everything that was thrown.
    set.status = answer.status;
    return answer;
  });
}

function refusalFor(
  error: unknown,
  code: unknown,
  { log, faults, request, requestId }: { log: Log; faults: FaultReports | null; request: Request; requestId: string },
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
      faults?.report({ what: "an answer is not as described", error });
      return new Refusal("internal_error");
    }
    if (error.type === "body" && !isJson(request)) return new Refusal("media_type_unsupported");
    return new Refusal("validation_failed", { errors: validationErrors(error, request) });
  }
  if (code === "NOT_FOUND") return new Refusal("not_found");
  if (code === "PARSE") return new Refusal("malformed_body");
  if (error instanceof ProviderFailure) {
    log.error("a provider failed inside a request", { request_id: requestId, error });
    if (error.alert) faults?.report({ what: "a provider refuses us", error });
    return new Refusal("busy", { retry_after: 5 });
  }
  if (error instanceof StorageFailure) {
    log.error("the storage failed inside a request", { request_id: requestId, error });
    return new Refusal("storage_unavailable", { retry_after: 10 });
  }
  const unavailable = databaseRefusal(error);
  if (unavailable) {
    log.warn("the database had no answer for a request", { request_id: requestId, error });
    return unavailable;
  }
  log.error("a bug answered with 500", { request_id: requestId, error });
  faults?.report({ what: "a bug answered with 500", error });
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
    if (!seen.has(path)) seen.set(path, reasonOf(fault));
  }
  return [...seen].slice(0, ERRORS_SHOWN_MAX).map(([path, message]) => ({ path, message }));
}

/** For one of several words the validator names its own kind of schema, which tells a person nothing: here are the words. */
function reasonOf({ schema, message }: { schema: object; message: string }): string {
  return "enum" in schema && Array.isArray(schema.enum) ? `Expected one of: ${schema.enum.join(", ")}` : message;
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
