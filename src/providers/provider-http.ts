import packageJson from "../../package.json" with { type: "json" };
import { ProviderFailure } from "../platform/errors.ts";
import type { Log } from "../platform/telemetry/log.ts";

export { PROVIDER_TRIES, type RetryOptions, withRetries } from "./retry.ts";

/** Sent with every outside call: edges refuse the default agents of runtimes. */
export const USER_AGENT = `atelier/${packageJson.version}`;

export interface ProviderRequest {
  /** Name of the provider in failures and in the log, such as `kie.ai`. */
  provider: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | FormData;
  /** For the whole call: connecting, sending, and reading the last byte of the answer. */
  timeoutMs: number;
  /** The largest answer that is read. */
  bytesMax: number;
  /** Whether carrying the request out twice does no harm. If not, a lost answer is `unknown`. */
  repeatable: boolean;
  log: Log;
  /** Goes out as `x-request-id`, so that both sides' logs can be joined. */
  requestId?: string;
  /** What the log shows in place of the URL's path, where the path itself holds a secret. */
  loggedPath?: string;
}

export interface ProviderAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON; undefined when it is not JSON. */
  json: unknown;
}

/**
 * One outside call, whatever its status. Redirects are not followed: the key would travel along.
 *
 * Throws `ProviderFailure`: `unavailable` when the request cannot have reached the provider (refused connection, no such
 * name, failed TLS handshake) or when it may be repeated; `unknown` when it may have been carried out and its answer is
 * lost (time-out, reset, half a body, too large a body).
 */
export async function providerRequest(request: ProviderRequest): Promise<ProviderAnswer> {
  const startedAt = performance.now();
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Raced by hand: aborts have been seen not to fire while the other side is saturated.
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LostAnswer(`no answer within ${request.timeoutMs} ms`)), request.timeoutMs);
  });
  try {
    const exchange = exchangeOnce(request, controller.signal);
    exchange.catch(() => {});
    const answer = await Promise.race([exchange, deadline]);
    logCall(request, startedAt, { status: answer.status });
    return answer;
  } catch (error) {
    controller.abort();
    const failure = transportFailure(request, error);
    logCall(request, startedAt, { failure: failure.kind, reason: failure.message });
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}

/** The answer did not come whole; whether the request was carried out nobody knows. */
export class LostAnswer extends Error {}

async function exchangeOnce(request: ProviderRequest, signal: AbortSignal): Promise<ProviderAnswer> {
  const response = await sendRequest(request, signal);
  const text = await readText(response, request.bytesMax);
  return { status: response.status, headers: response.headers, text, json: parseJson(text) };
}

/** Sends the request and returns with the head of the answer. Throws what the runtime throws: see `transportFailure`. */
export function sendRequest(request: ProviderRequest, signal: AbortSignal): Promise<Response> {
  return fetch(request.url, {
    method: request.method,
    headers: {
      "user-agent": USER_AGENT,
      accept: "application/json",
      // A half-open connection that is used again can swallow a request without a word.
      connection: "close",
      ...(request.requestId === undefined ? {} : { "x-request-id": request.requestId }),
      ...request.headers,
    },
    ...(request.body === undefined ? {} : { body: request.body }),
    redirect: "manual",
    keepalive: false,
    signal,
  });
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      reader.cancel().catch(() => {});
      throw new LostAnswer(`the answer has more than ${bytesMax} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The text as JSON; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes of failures before the first byte of the request was sent, as Bun names them. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ERR_INVALID_URL",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);
const CERTIFICATE_REFUSED = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/;

/** Exported for its table test: a wrong "never sent" would pay for a picture twice. */
export function wasNeverSent(code: string, message: string): boolean {
  if (NEVER_SENT.has(code) || CERTIFICATE_REFUSED.test(code)) return true;
  return code === "EPROTO" && /handshake/i.test(message);
}

/** What the runtime threw, as a failure of the provider; without the runtime's own words, which may hold the URL. */
export function transportFailure(request: ProviderRequest, error: unknown): ProviderFailure {
  // The runtime's error is not kept as the cause: it carries the whole URL, which may hold a token.
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  if (wasNeverSent(code, message)) {
    return new ProviderFailure(request.provider, "unavailable", `could not be reached (${code})`);
  }
  const reason = error instanceof LostAnswer ? message : `the connection was lost (${code || "no code"})`;
  return new ProviderFailure(request.provider, request.repeatable ? "unavailable" : "unknown", reason);
}

/** The one line that each call leaves in the log: no query, no headers, no body. */
export function logCall(request: ProviderRequest, startedAt: number, outcome: Record<string, unknown>): void {
  request.log.debug("provider call", {
    provider: request.provider,
    method: request.method,
    path: request.loggedPath ?? pathOf(request.url),
    ms: Math.round(performance.now() - startedAt),
    ...outcome,
  });
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : "(not a URL)";
}
