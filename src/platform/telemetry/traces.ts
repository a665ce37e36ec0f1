import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { buildInfo } from "../../build/build-info.ts";
import { flushInTime } from "./flush.ts";
import type { Log } from "./log.ts";
import { allowedSpan } from "./span-attributes.ts";

/** Spans of what the program does, sent to a collector. */
export interface Traces {
  /** Runs `work` as a span of its own below `parent` (a `traceparent` of ours), or as the beginning of a trace. */
  job<T>(span: JobSpan<T>, work: () => Promise<T>): Promise<T>;
  /** Writes down a call that has ended, below whatever is under way. */
  call(span: CallSpan): void;
  /** What names the span under way by its request, once that is known. */
  naming(): (requestId: string) => void;
  /** The span under way as W3C's `traceparent`; undefined when there is none. */
  current(): string | undefined;
  stop(): Promise<void>;
}

export interface JobSpan<T> {
  kind: string;
  jobId: string;
  requestId: string;
  parent: string | null;
  /** How the job ended, by what `work` returned. */
  outcomeOf(result: T): string;
}

export interface CallSpan {
  provider: string;
  operation: string;
  outcome: string;
  retries: number;
  requestId: string;
  startedAtMs: number;
}

export interface TraceOptions {
  /** The collector's base address; spans go to `/v1/traces` below it, as OTLP over HTTP with JSON. */
  endpoint: string;
  /** Each as `name=value`. */
  headers: readonly string[];
  /** How many of a hundred traces are sent. */
  percent: number;
  role: string;
  log: Log;
}

/** Spans wait for a batch this long, and no more of them than this; further ones are dropped. */
const BATCH_DELAY_MS = 2_000;
const QUEUE_SPANS_MAX = 2_048;
const EXPORT_MS_MAX = 5_000;
const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Starts sending spans. Trace headers of requests are not read: no propagator is set, so every trace begins here. */
export function startTraces(options: TraceOptions): Traces {
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    headers: Object.fromEntries(options.headers.map(headerOf)),
    timeoutMillis: EXPORT_MS_MAX,
  });
  const batches = new BatchSpanProcessor(exporter, {
    scheduledDelayMillis: BATCH_DELAY_MS,
    maxQueueSize: QUEUE_SPANS_MAX,
    exportTimeoutMillis: EXPORT_MS_MAX,
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      "service.name": "atelier",
      "service.version": `${buildInfo.version}+${buildInfo.commit}`,
      "atelier.role": options.role,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.percent / 100) }),
    spanProcessors: [scrubbing(batches)],
  });
  const contextManager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contextManager);
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer("atelier");

  return {
    job({ kind, jobId, requestId, parent, outcomeOf }, work) {
      const attributes = { "atelier.job.kind": kind, "atelier.job.id": jobId, ...requestAttribute(requestId) };
      const below = remoteParent(parent);
      const span = tracer.startSpan(`job ${kind}`, { kind: SpanKind.CONSUMER, attributes }, below);
      return context.with(trace.setSpan(below, span), async () => {
        try {
          const result = await work();
          const outcome = outcomeOf(result);
          end(span, outcome, outcome === "failed" || outcome === "given_up");
          return result;
        } catch (error) {
          end(span, "failed", true);
          throw error;
        }
      });
    },
    call({ provider: name, operation, outcome, retries, requestId, startedAtMs }) {
      const attributes = {
        "atelier.provider": name,
        "atelier.operation": operation,
        "atelier.retries": retries,
        ...requestAttribute(requestId),
      };
      const startTime = performance.timeOrigin + startedAtMs;
      end(
        tracer.startSpan(`${name} ${operation}`, { kind: SpanKind.CLIENT, startTime, attributes }),
        outcome,
        outcome !== "ok",
      );
    },
    naming() {
      const span = trace.getActiveSpan();
      return (requestId) => void span?.setAttributes(requestAttribute(requestId));
    },
    current() {
      const now = trace.getActiveSpan()?.spanContext();
      return now && `00-${now.traceId}-${now.spanId}-${now.traceFlags.toString(16).padStart(2, "0")}`;
    },
    async stop() {
      await flushInTime(provider.shutdown());
      trace.disable();
      context.disable();
    },
  };
}

function end(span: Span, outcome: string, isError: boolean): void {
  span.setAttribute("atelier.outcome", outcome);
  span.setStatus({ code: isError ? SpanStatusCode.ERROR : SpanStatusCode.OK });
  span.end();
}

/** What is not allowed to leave is taken off a span the moment it ends. */
function scrubbing(next: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, parent) => next.onStart(span, parent),
    onEnd: (span) => next.onEnd(allowedSpan(span)),
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

/** The context below a span of another process, or of none. */
function remoteParent(text: string | null): Context {
  const [, traceId, spanId, flags] = TRACE_PARENT.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? "0", 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function requestAttribute(requestId: string): Attributes {
  return requestId === "" ? {} : { "atelier.request_id": requestId };
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}
