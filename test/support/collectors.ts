/** A span as the collector got it. */
export interface CollectedSpan {
  scope: string;
  name: string;
  /** 1 inside, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  /** 0 unset, 1 fine, 2 an error. */
  status: number;
  attributes: Record<string, string | number>;
}

export interface OtlpCollector {
  /** The endpoint as the setting takes it. */
  url: string;
  /** Everything that came over the wire, as text. */
  bodies: string[];
  headers: string[];
  spans(): CollectedSpan[];
  stop(): Promise<void>;
}

/** A collector of traces: OTLP over HTTP with JSON. */
export function startOtlpCollector(): OtlpCollector {
  const bodies: string[] = [];
  const headers: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    async fetch(request) {
      if (new URL(request.url).pathname !== "/v1/traces") return new Response(null, { status: 404 });
      headers.push(JSON.stringify(Object.fromEntries(request.headers)));
      bodies.push(await bodyOf(request));
      return Response.json({ partialSuccess: {} });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    bodies,
    headers,
    spans: () => bodies.flatMap((body) => spansOf(JSON.parse(body))),
    stop: () => server.stop(true),
  };
}

interface OtlpValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
}

interface OtlpExport {
  resourceSpans: Array<{
    scopeSpans: Array<{
      scope: { name: string };
      spans: Array<
        Omit<CollectedSpan, "attributes" | "status" | "scope"> & {
          status: { code?: number };
          attributes: Array<{ key: string; value: OtlpValue }>;
        }
      >;
    }>;
  }>;
}

function spansOf({ resourceSpans }: OtlpExport): CollectedSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        scope: scope.name,
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        status: span.status.code ?? 0,
        attributes: Object.fromEntries(
          span.attributes.map(({ key, value: { stringValue, intValue, doubleValue } }) => [
            key,
            stringValue ?? Number(intValue ?? doubleValue),
          ]),
        ),
      })),
    ),
  );
}

export interface SentryEvent {
  release: string;
  environment: string;
  fingerprint: string[];
  tags: Record<string, string>;
  exception: {
    values: Array<{ type: string; value: string; stacktrace?: { frames: Array<Record<string, unknown>> } }>;
  };
  [key: string]: unknown;
}

export interface SentryIngest {
  dsn: string;
  /** Whole envelopes with the headers of their requests, as text. */
  bodies: string[];
  events(): SentryEvent[];
  stop(): Promise<void>;
}

/** Where Sentry takes events. `isDead`: it takes the connection and never answers. */
export function startSentryIngest(options: { isDead?: boolean } = {}): SentryIngest {
  const bodies: string[] = [];
  const envelopes: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    idleTimeout: 60,
    async fetch(request) {
      const body = await bodyOf(request);
      envelopes.push(body);
      bodies.push(`${request.url}\n${JSON.stringify(Object.fromEntries(request.headers))}\n${body}`);
      if (options.isDead) await new Promise(() => {});
      return Response.json({ id: "0" });
    },
  });
  return {
    dsn: `http://publickey@127.0.0.1:${server.port}/7`,
    bodies,
    events: () => envelopes.flatMap((envelope) => eventsOf(envelope)),
    stop: () => server.stop(true),
  };
}

/** An envelope is lines of JSON: its head, then for each item a head and the item. */
function eventsOf(envelope: string): SentryEvent[] {
  const lines = envelope.split("\n").filter((line) => line !== "");
  const events: SentryEvent[] = [];
  for (let at = 1; at + 1 < lines.length; at += 2) {
    const head = JSON.parse(lines[at] ?? "{}") as { type?: string };
    if (head.type === "event") events.push(JSON.parse(lines[at + 1] ?? "{}") as SentryEvent);
  }
  return events;
}

async function bodyOf(request: Request): Promise<string> {
  const bytes = new Uint8Array(await request.bytes());
  return new TextDecoder().decode(request.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(bytes) : bytes);
}
