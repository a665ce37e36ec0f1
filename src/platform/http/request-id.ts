import { newId } from "../ids.ts";

const REQUEST_ID = /^[\w.-]{8,64}$/;

/** The number that follows a request through jobs and provider calls: the client's own if it is a sane one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : newId();
}
