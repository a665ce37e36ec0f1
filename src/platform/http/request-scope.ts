import { Elysia } from "elysia";
import { currentScope } from "../telemetry/scope.ts";
import { noTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { type AddressReader, addressNetwork } from "./client-address.ts";
import type { RequestsInHand } from "./in-hand.ts";
import { createArrivingBodies } from "./json-body.ts";
import { requestIdOf } from "./request-id.ts";
import { watchRequests } from "./watch-requests.ts";

export interface ScopeOptions {
  addressOf: AddressReader;
  isStopping: () => boolean;
  /** Headers of every answer to this request. */
  headersOf(request: Request): Readonly<Record<string, string>>;
  inHand: RequestsInHand;
  /** How large the JSON body of a request may be, in bytes, where that is not the usual. */
  jsonBytesMax?(request: Request, path: string): number | undefined;
  /** Where metrics or traces are on: who counts requests and follows them. */
  watchers?: Pick<Telemetry, "meters" | "traces">;
}

/**
 * What every request gets before anything else: its number and the headers of its answer.
 * JSON bodies are read here under limits of size, time and number. Those that a route is found for are counted in;
 * balancers ask for health at any time and are not.
 */
export function requestScope(options: ScopeOptions) {
  const { addressOf, isStopping, headersOf, inHand, jsonBytesMax, watchers = noTelemetry } = options;
  const bodies = createArrivingBodies();
  return (
    new Elysia({ name: "request-scope" })
      .wrap(watchRequests(watchers))
      .onRequest(({ request, set }) => {
        const requestId = requestIdOf(request);
        Object.assign(set.headers, headersOf(request));
        set.headers["x-request-id"] = requestId;
        const scope = currentScope();
        if (scope) scope.requestId = requestId;
        scope?.nameSpan?.(requestId);
        // Whoever keeps its connection must not send the next request into one that is about to be closed.
        if (isStopping()) set.headers.connection = "close";
      })
      // Any other content stays unread: upload routes stream it, all others refuse an empty object by their schema.
      .onParse({ as: "global" }, ({ request, contentType, path, route }) => {
        noteRoute(route);
        if (contentType.toLowerCase() !== "application/json") return {};
        return bodies.read(request, addressNetwork(addressOf(request)), {
          bytesMax: jsonBytesMax?.(request, path),
        });
      })
      .onTransform({ as: "global" }, ({ request, path, route }) => {
        noteRoute(route);
        if (!path.startsWith("/health/")) inHand.enter(request);
      })
  );
}

/** Only the template: the path itself may hold a token. */
function noteRoute(route: string): void {
  const scope = currentScope();
  if (scope) scope.route = route.length > 1 && route.endsWith("/") ? route.slice(0, -1) : route;
}
