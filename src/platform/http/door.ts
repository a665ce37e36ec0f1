import { Elysia } from "elysia";
import { Refusal } from "../errors.ts";
import { type RequestsInHand, TOO_MANY_IN_HAND } from "./in-hand.ts";
import { problemResponse } from "./problem.ts";
import { repeatedProblem } from "./repeated-problem.ts";
import { requestIdOf } from "./request-id.ts";
import { nextTurn } from "./turn.ts";

/** Path and query together. Nothing of ours comes near; the signed links are the longest. */
export const ADDRESS_LENGTH_MAX = 8_192;
/** No text of ours holds it, and Postgres stores and compares none that does: such an address leads to nothing. */
const NUL_IN_ADDRESS = /%00/;
/** Of `https://`; a host follows. */
const ORIGIN_LENGTH_MIN = 8;
/**
 * What is announced larger is sent away before anybody asks who it is. Each route has its own limit far below, and first
 * says 401 to strangers.
 */
export const BODY_BYTES_MAX = 64 * 1024 * 1024;

export interface DoorOptions {
  /** Headers of every answer to this request. */
  headersOf(request: Request): Readonly<Record<string, string>>;
  inHand: RequestsInHand;
  /** What the refusal of an upload names as the limit of one file. */
  uploadBytesMax: number;
}

/**
 * What stands in front of the router: requests that no route would take are sent away unread, and whoever came in is
 * counted out at the end, whatever way that comes. `wrap` is the one place that every request passes on its way in and
 * out, those too that Bun's own router finds.
 */
export function door({ headersOf, inHand, uploadBytesMax }: DoorOptions) {
  return new Elysia({ name: "door" }).wrap((handle) => (request: Request, ...rest: unknown[]) => {
    const refusal = refusalOf(request, uploadBytesMax);
    if (refusal !== null) return sentAway(refusal, request, headersOf(request));
    if (inHand.isFull && !isHealth(request.url)) return tooMany(request, headersOf(request));
    const answerIt = () => (handle as (request: Request, ...rest: unknown[]) => unknown)(request, ...rest);
    const turn = nextTurn();
    const answer = turn ? inHand.keepPlace(turn, answerIt) : answerIt();
    if (!(answer instanceof Promise)) {
      inHand.leave(request);
      return answer;
    }
    return answer.then(
      (response) => {
        inHand.leave(request);
        return response;
      },
      (error) => {
        inHand.leave(request);
        throw error;
      },
    );
  });
}

function refusalOf(request: Request, uploadBytesMax: number): Refusal | null {
  if (request.url.length > ADDRESS_LENGTH_MAX) return new Refusal("address_too_long");
  if (NUL_IN_ADDRESS.test(request.url)) return new Refusal("not_found");
  const announced = request.headers.get("content-length");
  if (announced === null || Number(announced) <= BODY_BYTES_MAX) return null;
  const isUpload = /^multipart\//i.test(request.headers.get("content-type") ?? "");
  return isUpload ? new Refusal("file_too_large", { bytes_max: uploadBytesMax }) : new Refusal("body_too_large");
}

/** The path begins at the first slash behind `http://`. */
const isHealth = (url: string): boolean => url.startsWith("/health/", url.indexOf("/", ORIGIN_LENGTH_MIN));

/**
 * While too many are in hand, whoever comes is sent away with this: the less a refusal costs, the more of a flood's time is
 * left for those who are in. Balancers ask for health at any time.
 */
const tooMany = repeatedProblem(TOO_MANY_IN_HAND);

function sentAway(refusal: Refusal, request: Request, headers: Readonly<Record<string, string>>): Response {
  return problemResponse(refusal, request, requestIdOf(request), headers);
}
