import { type Attributes, SpanKind } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";

/** What a span may say. Whatever else a library puts on it (addresses, headers, bodies) stays here. */
const ALLOWED = new Set([
  "http.request.method",
  "http.route",
  "http.response.status_code",
  "error.type",
  "atelier.request_id",
  "atelier.job.kind",
  "atelier.job.id",
  "atelier.provider",
  "atelier.operation",
  "atelier.outcome",
  "atelier.retries",
]);
/** Ids, route templates, names of classes, kinds and operations. */
const VALUE = /^[\w.:/*-]{1,120}$/;
/** Steps of the framework and names of functions. */
const STEP = /^[\w$. ]{1,80}$/;

/** The span without anything that is not on the list: no further attributes, no events with messages and stacks, no links. */
export function allowedSpan(span: ReadableSpan): ReadableSpan {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(span.attributes)) {
    if (!ALLOWED.has(name)) continue;
    if (typeof value === "number" || (typeof value === "string" && VALUE.test(value))) attributes[name] = value;
  }
  return {
    name: nameOf(span, attributes),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: { code: span.status.code },
    attributes,
    links: [],
    events: [],
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** A request is named by the template of its route: where there was none, its path is a stranger's own writing. */
function nameOf(span: ReadableSpan, attributes: Attributes): string {
  if (span.kind === SpanKind.SERVER) {
    return `${attributes["http.request.method"] ?? "HTTP"} ${attributes["http.route"] ?? "unmatched"}`;
  }
  return STEP.test(span.name) || span.kind !== SpanKind.INTERNAL ? span.name : "step";
}
