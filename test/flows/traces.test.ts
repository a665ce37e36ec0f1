import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { TEST_BOT_TOKEN, useTestApp } from "../support/app.ts";
import { type CollectedSpan, startOtlpCollector } from "../support/collectors.ts";
import { finish, uploadPhotos } from "../support/fitting.ts";
import { telemetryWith } from "../support/telemetry.ts";

const NAME = "Zacharias-of-the-planted-name";
const WISH = "planted words of a wish";
const QUERY = "planted-query-value";
const REQUEST_ID = "traced-request-0001";
const STRANGERS_TRACE = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const collector = startOtlpCollector();
const telemetry = await telemetryWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
const app = useTestApp({ telemetry, settings: { KIE_INPUTS: "upload" } });

let spans: CollectedSpan[] = [];
let secrets: string[] = [];
let fittingId = "";

beforeAll(async () => {
  const person = await app().signIn({ firstName: NAME });
  const photos = await uploadPhotos(app(), person);
  const response = await app().request("/fitting/generate", {
    method: "POST",
    as: person,
    json: { user_photo_id: photos.user_photo.id, item_photo_id: photos.item_photo.id, zone: "top", note: WISH },
    headers: {
      "x-request-id": REQUEST_ID,
      traceparent: `00-${STRANGERS_TRACE}-bbbbbbbbbbbbbbbb-01`,
      cookie: "planted-cookie=1",
      "user-agent": "planted-agent",
    },
  });
  expect(response.status).toBe(202);
  fittingId = ((await response.json()) as { id: string }).id;
  expect((await finish(app(), person, fittingId)).status).toBe("succeeded");
  await app().work();
  await app().request("/balance");
  await app().request(`/generations?cursor=${QUERY}`, { as: person });
  await app().request(`/planted-path-of-a-stranger?words=${QUERY}`);
  await app().request("/auth/telegram", { method: "POST", json: { init_data: "planted-init-data&hash=00" } });
  await app().request("/health/live");
  secrets = [
    person.token,
    person.refreshToken,
    photos.user_photo.url,
    "planted",
    NAME,
    WISH,
    QUERY,
    TEST_BOT_TOKEN,
    STRANGERS_TRACE,
    app().kie.apiKey,
    "Bearer",
    "init_data",
    "127.0.0.1",
  ];
  // The framework ends a request's span after its answer.
  await Bun.sleep(300);
  await telemetry.stop();
  spans = collector.spans();
}, 60_000);

afterAll(() => collector.stop());

describe("traces", () => {
  const one = (name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect(found, name).toHaveLength(1);
    return found[0] as CollectedSpan;
  };

  test("lead from a request to its jobs and on to the calls of providers, in one trace", () => {
    const request = one("POST /api/v1/fitting/generate");
    expect(request).toMatchObject({
      kind: 2,
      attributes: { "http.response.status_code": 202, "atelier.request_id": REQUEST_ID },
    });
    expect(request.parentSpanId || undefined).toBeUndefined();
    const ours = spans.filter((span) => span.traceId === request.traceId);
    const jobs = ours.filter((span) => span.name === "job generation.run");
    expect(jobs.length).toBeGreaterThan(1);
    expect(jobs.every((job) => job.kind === 5 && job.parentSpanId === request.spanId)).toBeTrue();
    expect(jobs.map((job) => job.attributes["atelier.outcome"])).toContain("done");
    const create = one("kie.ai createTask");
    expect(create).toMatchObject({
      kind: 3,
      traceId: request.traceId,
      attributes: { "atelier.outcome": "ok", "atelier.retries": 0 },
    });
    expect(jobs.map((job) => job.spanId)).toContain(String(create.parentSpanId));
    // What a job enqueues belongs to the trace too, below that job.
    const ended = one("job generation.ended");
    expect(jobs.map((job) => job.spanId)).toContain(String(ended.parentSpanId));
    const ids = [request, ...jobs, create, ended].map((span) => span.attributes["atelier.request_id"]);
    expect(new Set(ids)).toEqual(new Set([REQUEST_ID]));
  });

  test("give each request a trace of its own and the status that was answered", () => {
    expect(one("GET /api/v1/balance/").attributes["http.response.status_code"]).toBe(401);
    expect(one("GET /api/v1/balance/").status).not.toBe(2);
    const requests = spans.filter((span) => span.kind === 2);
    expect(new Set(requests.map((span) => span.traceId)).size).toBe(requests.length);
    // 404, without the path.
    expect(requests.some((span) => span.name.endsWith(" unmatched"))).toBeTrue();
    expect(spans.filter((span) => span.name.includes("health"))).toEqual([]);
  });

  test("hold no query, body, token, prompt, name or address, and take no trace from a stranger", () => {
    const wire = collector.bodies.join("\n");
    expect(secrets.filter((secret) => wire.includes(secret))).toEqual([]);
    expect(wire).toContain(REQUEST_ID);
  });

  test("name nothing but what is on the list", () => {
    expect([...new Set(spans.flatMap((span) => Object.keys(span.attributes)))].sort()).toEqual([
      "atelier.job.id",
      "atelier.job.kind",
      "atelier.operation",
      "atelier.outcome",
      "atelier.provider",
      "atelier.request_id",
      "atelier.retries",
      "error.type",
      "http.request.method",
      "http.response.status_code",
      "http.route",
    ]);
    expect(collector.bodies.join("\n")).not.toContain('"exception"');
  });

  test("are off without a collector, and then a job carries none", async () => {
    const { jobs } = await import("../../src/platform/queue/tables.ts");
    const off = await telemetryWith();
    expect(off).toMatchObject({ meters: null, traces: null, faults: null });
    const person = await app().signIn();
    const photos = await uploadPhotos(app(), person);
    const before = collector.bodies.length;
    const json = { user_photo_id: photos.user_photo.id, item_photo_id: photos.item_photo.id, zone: "top" };
    await app().request("/fitting/generate", { method: "POST", as: person, json });
    // The provider of traces was stopped above: what is enqueued now belongs to none.
    const rows = await app().ctx.db.select({ traceParent: jobs.traceParent }).from(jobs);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => row.traceParent !== null)).toEqual([]);
    expect(collector.bodies).toHaveLength(before);
  });
});
