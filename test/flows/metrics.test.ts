import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { type MetricsListener, startMetricsListener } from "../../src/roles/metrics.ts";
import { useTestApp } from "../support/app.ts";
import { bought, notify, remoteId } from "../support/buying.ts";
import { finish, ordered } from "../support/fitting.ts";
import { metricsOf, type Series } from "../support/prometheus.ts";
import { telemetryWith } from "../support/telemetry.ts";

const telemetry = await telemetryWith({ METRICS_PORT: 1 });
const app = useTestApp({ telemetry, settings: { FREE_ACTIONS_PER_MONTH: "0" } });

let listener: MetricsListener;
let isStopping = false;
const address = (path: string) => `http://127.0.0.1:${listener.port}${path}`;
beforeAll(() => {
  const options = { gauges: [], isStopping: () => isStopping, port: 0, storedKeptMs: 0 };
  listener = startMetricsListener(app().open, options) as MetricsListener;
});
afterAll(() => listener.stop());

async function scrape(): Promise<Series[]> {
  const response = await fetch(address("/metrics"));
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  return metricsOf(await response.text());
}

/** The value of the one series with these labels; undefined where there is none. */
function value(series: readonly Series[], name: string, labels: Record<string, string> = {}): number | undefined {
  const found = series.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
  );
  expect(found.length, `series of ${name}`).toBeLessThanOrEqual(1);
  return found[0]?.value;
}

describe("metrics", () => {
  test("count requests by the template of their route, never by their path", async () => {
    const person = await app().signIn();
    await app().request("/balance", { as: person });
    await app().request("/balance");
    await app().request("/files/planted-token-of-a-link");
    await app().request("/planted/path");
    await app().request("/planted/path", { method: "PROPFIND" });
    const page = await scrape();
    const of = (labels: Record<string, string>) => value(page, "atelier_http_requests_total", labels);
    expect(of({ method: "GET", route: "/api/v1/balance", status: "200" })).toBe(1);
    expect(of({ method: "GET", route: "/api/v1/balance", status: "401" })).toBe(1);
    expect(of({ method: "GET", route: "/api/v1/files/:token", status: "404" })).toBe(1);
    expect(of({ method: "GET", route: "unmatched", status: "404" })).toBe(1);
    expect(of({ method: "OTHER", route: "unmatched" })).toBe(1);
    const seconds = { method: "GET", route: "/api/v1/balance" };
    expect(value(page, "atelier_http_request_duration_seconds_count", seconds)).toBe(2);
    expect(JSON.stringify(page)).not.toContain("planted");
  });

  test("follow a sale and a picture: payments, credits held, the queue, calls of providers and jobs", async () => {
    const person = await app().signIn();
    app().yooKassa.faults.set("yookassa.create", { mode: "executed_500", times: 1 });
    const payment = await bought(app(), person);
    expect(value(await scrape(), "atelier_payments_open", { kind: "payment" })).toBe(1);
    await notify(app(), app().yooKassa.pay(await remoteId(app(), payment.id)));
    const generation = await ordered(app(), person);
    const during = await scrape();
    expect(value(during, "atelier_credits_held", { work: "pictures" })).toBe(2);
    expect(value(during, "atelier_credits_held", { work: "chat" })).toBe(0);
    expect(value(during, "atelier_queue_jobs", { kind: "generation.run", state: "ready" })).toBe(1);
    expect(value(during, "atelier_payments_open", { kind: "payment" })).toBe(0);
    expect(value(during, "atelier_payments_ended_total", { status: "succeeded" })).toBe(1);
    expect(value(during, "atelier_payments_ended_total", { status: "cancelled" })).toBeUndefined();
    const bill = { provider: "yookassa", operation: "createPayment" };
    expect(value(during, "atelier_provider_calls_total", { ...bill, outcome: "ok" })).toBe(1);
    expect(value(during, "atelier_provider_retries_total", bill)).toBe(1);

    expect((await finish(app(), person, generation.id)).status).toBe("succeeded");
    await app().work();
    const after = await scrape();
    expect(value(after, "atelier_credits_held", { work: "pictures" })).toBe(0);
    expect(value(after, "atelier_queue_jobs", { kind: "generation.run", state: "ready" })).toBeUndefined();
    expect(value(after, "atelier_jobs_total", { kind: "generation.run", outcome: "done" })).toBe(1);
    const create = { provider: "kie.ai", operation: "createTask" };
    expect(value(after, "atelier_provider_calls_total", { ...create, outcome: "ok" })).toBe(1);
    expect(value(after, "atelier_provider_retries_total", create)).toBe(0);
    expect(value(after, "atelier_provider_call_duration_seconds_count", create)).toBe(1);
    expect(value(after, "atelier_provider_calls_total", { provider: "kie.ai", operation: "fetchResult" })).toBe(1);
    expect(value(after, "atelier_outbox_waiting", { lane: "texts" })).toBe(0);
    expect(
      value(after, "atelier_database_transaction_duration_seconds_count", { outcome: "committed" }),
    ).toBeGreaterThan(5);
    expect(value(after, "atelier_image_slots_in_use")).toBe(0);
  });

  test("show how long work has waited, dead letters, and kinds that nobody knows under one name", async () => {
    const { ctx, clock } = app();
    await ctx.transaction(async (tx) => {
      await enqueue(tx, "planted.kind.of.a.newer.version", {});
      await enqueue(tx, "planted.second.kind", {}, { runAt: new Date(clock.now().getTime() + 60_000) });
    });
    clock.advance(30_000);
    const page = await scrape();
    expect(value(page, "atelier_queue_oldest_due_seconds")).toBe(30);
    expect(value(page, "atelier_queue_jobs", { kind: "other", state: "ready" })).toBe(2);
    expect(JSON.stringify(page)).not.toContain("planted");
    await app().open.database.raw("update jobs set state = 'parked' where kind like 'planted%'");
    const parked = await scrape();
    expect(value(parked, "atelier_dead_letters")).toBe(2);
    expect(value(parked, "atelier_queue_oldest_due_seconds")).toBe(0);
    await app().open.database.raw("delete from jobs");
  });

  test("show an open breaker", async () => {
    expect(value(await scrape(), "atelier_provider_breaker_open", { provider: "kie.ai" })).toBe(0);
    const until = new Date(app().clock.now().getTime() + 20_000);
    const { providerStates } = await import("../../src/platform/limits/tables.ts");
    const row = { provider: "kie", failures: 5, openUntil: until, updatedAt: app().clock.now() };
    await app()
      .ctx.db.insert(providerStates)
      .values(row)
      .onConflictDoUpdate({ target: providerStates.provider, set: row });
    expect(value(await scrape(), "atelier_provider_breaker_open", { provider: "kie.ai" })).toBe(1);
    app().clock.advance(20_001);
    expect(value(await scrape(), "atelier_provider_breaker_open", { provider: "kie.ai" })).toBe(0);
  });

  test("tell of each failed transaction whether the database or its own work ended it", async () => {
    const { database } = app().open;
    await expect(database.transaction(() => Promise.reject(new Error("changed its mind")))).rejects.toThrow(
      "changed its mind",
    );
    const { users } = await import("../../src/features/profile/tables.ts");
    await expect(database.transaction((db) => db.insert(users).values({ id: "no id" } as never))).rejects.toThrow();
    const page = await scrape();
    const of = (outcome: string) => value(page, "atelier_database_transaction_duration_seconds_count", { outcome });
    expect(of("failed")).toBe(1);
    expect(of("rolled_back")).toBeGreaterThanOrEqual(1);
  });

  test("hold no id, token or address in any label, and few values of each", async () => {
    const page = await scrape();
    const values = new Map<string, Set<string>>();
    for (const { name, labels } of page) {
      for (const [label, text] of Object.entries(labels)) {
        if (name === "atelier_build_info") continue;
        expect(text).toMatch(/^[\w.:/+-]{1,60}$/);
        expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|\d{6}/);
        values.set(label, (values.get(label) ?? new Set()).add(text));
      }
    }
    for (const [label, texts] of values) expect(texts.size, label).toBeLessThan(40);
  });

  test("are served beside this process's health, and nothing else is", async () => {
    expect(await (await fetch(address("/health/live"))).json()).toEqual({ status: "ok" });
    const ready = await fetch(address("/health/ready"));
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", checks: { database: "ok" } }]);
    isStopping = true;
    const stopping = await fetch(address("/health/ready"));
    isStopping = false;
    expect([stopping.status, await stopping.json()]).toEqual([
      503,
      { status: "not_ready", checks: { database: "ok" } },
    ]);
    expect((await fetch(address("/api/v1/plans"))).status).toBe(404);
    expect((await fetch(address("/metrics"), { method: "POST" })).status).toBe(405);
    // And the public side knows nothing of metrics.
    expect((await app().request("/metrics")).status).toBe(404);
  });
});
