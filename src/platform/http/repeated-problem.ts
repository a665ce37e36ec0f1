import type { Refusal } from "../errors.ts";
import { refusalText } from "../refusals.ts";
import { languageOf, ownHeadersOf, problemOf } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";

/**
 * Writes the same refusal thousands of times a second: what does not depend on the request is written once. `everywhere` are
 * the headers of every answer, mostly the same object, for which they are gathered once as well.
 */
export function repeatedProblem(refusal: Refusal) {
  const { status } = refusalText(refusal.code);
  const bodies = { ru: cutBeforeId(refusal, "ru"), en: cutBeforeId(refusal, "en") };
  const gathered = new WeakMap<object, Headers>();
  return (request: Request, everywhere: Readonly<Record<string, string>>): Response => {
    const requestId = requestIdOf(request);
    let headers = gathered.get(everywhere);
    if (headers === undefined) {
      headers = new Headers({ ...everywhere, ...ownHeadersOf(refusal, status) });
      gathered.set(everywhere, headers);
    }
    // The answer takes a copy.
    headers.set("x-request-id", requestId);
    // An id is letters, digits and a few signs: nothing in it would have to be escaped.
    return new Response(`${bodies[languageOf(request)]}${requestId}"}`, { status, headers });
  };
}

const END = '"}';

/** The document up to where the request's id stands in it, which is its last member. */
function cutBeforeId(refusal: Refusal, language: "ru" | "en"): string {
  return JSON.stringify(problemOf(refusal, language, "")).slice(0, -END.length);
}
