import { Elysia } from "elysia";
import { currentScope } from "../telemetry/scope.ts";
import { noTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { addressNetwork, clientAddress, type TrustedProxies } from "./client-address.ts";
import type { RequestsInHand } from "./in-hand.ts";
import { createArrivingBodies } from "./json-body.ts";
import { requestIdOf } from "./request-id.ts";
import { watchRequests } from "./watch-requests.ts";

/** Nobody's: the connection is gone, or is none that has an address. No proxy to trust, and one allowance for them all. */
const UNKNOWN_ADDRESS = "unknown";

export interface ScopeOptions {
  trustedProxies: TrustedProxies;
  isStopping: () => boolean;
  /** Headers of every answer to this request. */
  headersOf(request: Request): Readonly<Record<string, string>>;
  inHand: RequestsInHand;
  /** The server that requests come through; null where they come from this very process. */
  connections(): Connections | null;
  /** How large the JSON body of a request may be, in bytes, where that is not the usual. */
  jsonBytesMax?(request: Request, path: string): number | undefined;
  /** Where metrics or traces are on: who counts requests and follows them. */
  watchers?: Pick<Telemetry, "meters" | "traces">;
}

export interface Connections {
  requestIP(request: Request): { address: string } | null;
}

/**
 * What every request gets before anything else: its number, the address it came from, and the headers of its answer.
 * JSON bodies are read here under limits of size, time and number. Those that a route is found for are counted in;
 * balancers ask for health at any time and are not.
 */
export function requestScope(options: ScopeOptions) {
  const { trustedProxies, isStopping, headersOf, inHand, connections, jsonBytesMax, watchers = noTelemetry } = options;
  const bodies = createArrivingBodies();
  const addressOf = (request: Request) => {
    const server = connections();
    return clientAddress({
      // Without a server a request comes from this very process: a test's, or a page's of ours.
      peer: server === null ? "127.0.0.1" : (server.requestIP(request)?.address ?? UNKNOWN_ADDRESS),
      forwardedFor: request.headers.get("x-forwarded-for"),
      trustedProxies,
    });
  };
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
      .derive({ as: "global" }, ({ request, set, path, route }) => {
        noteRoute(route);
        if (!path.startsWith("/health/")) inHand.enter(request);
        return { requestId: String(set.headers["x-request-id"]), address: addressOf(request) };
      })
  );
}

/** Only the template: the path itself may hold a token. */
function noteRoute(route: string): void {
  const scope = currentScope();
  if (scope) scope.route = route.length > 1 && route.endsWith("/") ? route.slice(0, -1) : route;
}
