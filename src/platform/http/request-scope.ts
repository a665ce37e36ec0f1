import { Elysia } from "elysia";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { currentScope } from "../telemetry/scope.ts";
import { noTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { clientAddress, type TrustedProxies } from "./client-address.ts";
import { nextTurn } from "./turn.ts";
import { watchRequests } from "./watch-requests.ts";

/** A JSON body of any route of ours fits well into this. */
export const JSON_BODY_BYTES_MAX = 64 * 1024;
/** A body that trickles in slower than this is not a client of ours. */
const JSON_BODY_MS_MAX = 15_000;
const REQUEST_ID = /^[\w.-]{8,64}$/;

/**
 * What every request gets before anything else: a number that follows it through jobs and provider calls (the client's
 * own `X-Request-Id` if it is a sane one), the address it came from, and security headers on its answer. JSON bodies are
 * read here under a size and time limit.
 */
export function requestScope(
  trustedProxies: TrustedProxies,
  isStopping: () => boolean,
  /** Paths whose JSON bodies may be larger than others, in bytes. */
  jsonBytesMax: Readonly<Record<string, number>> = {},
  watchers: Pick<Telemetry, "meters" | "traces"> = noTelemetry,
) {
  return (
    new Elysia({ name: "request-scope" })
      .wrap(watchRequests(watchers))
      .onRequest(async ({ request, set }) => {
        const given = request.headers.get("x-request-id");
        const requestId = given !== null && REQUEST_ID.test(given) ? given : newId();
        set.headers["x-request-id"] = requestId;
        const scope = currentScope();
        if (scope) scope.requestId = requestId;
        scope?.nameSpan?.(requestId);
        set.headers["x-content-type-options"] = "nosniff";
        set.headers["referrer-policy"] = "no-referrer";
        set.headers["cache-control"] = "no-store";
        // Whoever keeps its connection must not send the next request into one that is about to be closed.
        if (isStopping()) set.headers.connection = "close";
        const turn = nextTurn();
        if (turn) await turn;
      })
      // Any other content stays unread: upload routes stream it, all others refuse an empty object by their schema.
      .onParse({ as: "global" }, ({ request, contentType, path, route }) => {
        noteRoute(route);
        return contentType === "application/json" ? readJson(request, jsonBytesMax[path]) : {};
      })
      .derive({ as: "global" }, ({ request, server, set, route }) => {
        noteRoute(route);
        return {
          requestId: String(set.headers["x-request-id"]),
          address: clientAddress({
            peer: server?.requestIP(request)?.address ?? "127.0.0.1",
            forwardedFor: request.headers.get("x-forwarded-for"),
            trustedProxies,
          }),
        };
      })
  );
}

/** Only the template: the path itself may hold a token. */
function noteRoute(route: string): void {
  const scope = currentScope();
  if (scope) scope.route = route.length > 1 && route.endsWith("/") ? route.slice(0, -1) : route;
}

/** Reads a JSON body chunk by chunk, so that neither a huge nor a slow one costs more than its limit. */
export async function readJson(request: Request, bytesMax: number = JSON_BODY_BYTES_MAX): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw new Refusal("body_too_large");
  const reader = request.body?.getReader();
  if (!reader) throw new Refusal("malformed_body");
  const deadline = setTimeout(() => void reader.cancel().catch(() => {}), JSON_BODY_MS_MAX);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > bytesMax) {
        await reader.cancel().catch(() => {});
        throw new Refusal("body_too_large");
      }
      text += decoder.decode(value, { stream: true });
    }
    return JSON.parse(text + decoder.decode());
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("malformed_body");
  } finally {
    clearTimeout(deadline);
  }
}
