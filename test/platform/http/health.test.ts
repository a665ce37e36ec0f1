import { describe, expect, test } from "bun:test";
import type { HealthCheck } from "../../../src/platform/http/health.ts";
import { createApp } from "../../../src/routes.ts";
import { startTestApp } from "../../support/app.ts";
import { createTestDatabase, openTestDatabase } from "../../support/database.ts";
import { within } from "../../support/timing.ts";

const product = await startTestApp();

function ask(path: string, checks: HealthCheck[], isStopping = false): Promise<Response> {
  const { app, hub } = createApp(product.ctx, { healthChecks: checks, isStopping: () => isStopping });
  return Promise.resolve(app.handle(new Request(`http://localhost${path}`))).finally(() => hub.stop());
}

const good: HealthCheck = { name: "good", check: async () => "fine" };
const bad: HealthCheck = { name: "bad", check: () => Promise.reject(new Error("password=hunter2 at 10.0.0.5")) };

describe("readiness", () => {
  test("is green while all that is needed is there", async () => {
    const answer = await ask("/health/ready", [good, { ...good, name: "better" }]);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { good: "ok", better: "ok" } },
    ]);
  });

  test("is red when one thing is away, names it and tells nothing else", async () => {
    const answer = await ask("/health/ready", [good, bad]);
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: "not_ready", checks: { good: "ok", bad: "failed" } },
    ]);
  });

  test("stays green where all processes miss the same thing, and says what", async () => {
    const answer = await ask("/health/ready", [good, { ...bad, name: "storage", shownOnly: true }]);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { status: "ready", checks: { good: "ok", storage: "failed" } },
    ]);
    expect((await ask("/health/ready", [bad, { ...good, shownOnly: true }])).status).toBe(503);
  });

  test("is red when a check throws at once instead of failing later", async () => {
    const check = (): never => {
      throw new Error("at once");
    };
    expect((await ask("/health/ready", [{ name: "thrower", check }])).status).toBe(503);
  });

  test("is red after two seconds when a check hangs", async () => {
    const begun = performance.now();
    const answer = await ask("/health/ready", [good, { name: "hanging", check: () => new Promise(() => {}) }]);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ checks: { good: "ok", hanging: "failed" } });
    expect(performance.now() - begun).toBeWithin(1_900, within(4_000, 15_000));
  });

  test("is red while the server stops", async () => {
    const answer = await ask("/health/ready", [good], true);
    expect([answer.status, await answer.json()]).toEqual([503, { status: "not_ready", checks: { good: "ok" } }]);
  });

  test("looks at the database for real", async () => {
    const files = await createTestDatabase();
    const database = await openTestDatabase(files);
    const check: HealthCheck = { name: "database", check: () => database.raw("select 1 as one") };
    expect((await ask("/health/ready", [check])).status).toBe(200);
    await database.close();
    expect((await ask("/health/ready", [check])).status).toBe(503);
    await files.remove();
  });
});

describe("liveness", () => {
  test("stays green whatever is away, and asks nobody to sign in", async () => {
    const answer = await ask("/health/live", [bad], true);
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });
});
