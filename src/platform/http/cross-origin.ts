import type { OriginRule } from "./origins.ts";

/** Browsers ask again after this time; the longest that they keep an answer. */
const PREFLIGHT_SECONDS = 7_200;
/** What our clients send beyond that which needs no leave. */
const REQUEST_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"].join(", ");
/** What pages may read of an answer beyond its body and the few headers that every page may. */
const ANSWER_HEADERS = [
  "Content-Disposition",
  "Idempotency-Replayed",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "X-Request-Id",
].join(", ");

/**
 * The headers of every answer: those that it has `everywhere`, and what CORS says to this request. Pages of the allowed origins read answers; to all others nothing is said, and so their
 * browsers keep the answer from them. Leave is given by name, never to all, and never for cookies: there are none, a
 * page that may speak for somebody holds that person's token.
 */
export function answerHeaders(
  everywhere: Readonly<Record<string, string>>,
  mayRead: OriginRule,
): (request: Request) => Readonly<Record<string, string>> {
  // Caches must not give one origin what was said to another.
  const toAll = Object.freeze({ ...everywhere, vary: "Origin" });
  return (request) => {
    const origin = request.headers.get("origin");
    if (origin === null || !mayRead(origin)) return toAll;
    return { ...toAll, "access-control-allow-origin": origin, "access-control-expose-headers": ANSWER_HEADERS };
  };
}

/** Whether a browser asks, before a page's request, if that page may send it. */
export function isPreflight(request: Request): boolean {
  return (
    request.method === "OPTIONS" &&
    request.headers.has("origin") &&
    request.headers.has("access-control-request-method")
  );
}

/** What the answer to that question adds, with the methods that the path takes. */
export function preflightHeaders(methods: readonly string[]): Record<string, string> {
  return {
    "access-control-allow-methods": methods.filter((method) => method !== "OPTIONS").join(", "),
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-max-age": String(PREFLIGHT_SECONDS),
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  };
}
