import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { startWorker } from "../../src/platform/queue/work.ts";
import { TEST_BOT_TOKEN, useTestApp } from "../support/app.ts";
import { startSentryIngest } from "../support/collectors.ts";
import { uploadPhotos } from "../support/fitting.ts";
import { telemetryWith } from "../support/telemetry.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";

const ingest = startSentryIngest();
const telemetry = await telemetryWith({ SENTRY_DSN: ingest.dsn });
const app = useTestApp({ telemetry, settings: { KIE_API_KEY: "planted-key-that-is-refused" } });
afterAll(() => ingest.stop());

const INIT_DATA = "query_id=AAplanted&user=%7B%22first_name%22%3A%22PlantedName%22%7D&hash=0123456789abcdef";
const PLANTED = [
  `bot ${TEST_BOT_TOKEN}`,
  INIT_DATA,
  "Authorization: Bearer planted.access.token",
  "prompt: planted words of a wish",
  // Looks like a line of a stack.
  "\n    at plantedFunction (/home/src/planted.ts:1:1)\n",
].join(" | ");
const SECRETS = [TEST_BOT_TOKEN, "planted", "Planted", "Bearer", "query_id"];

/** Breaks what accepts photos, so that an upload meets a bug. */
async function uploadIntoABug(error: Error): Promise<string> {
  const whole = app().ctx.images;
  Object.assign(app().ctx, { images: { ...whole, acceptPhoto: () => Promise.reject(error) } });
  const person = await app().signIn({ firstName: "PlantedName" });
  const answer = await uploadPhotos(app(), person).catch((failure: Error) => failure.message);
  Object.assign(app().ctx, { images: whole });
  expect(String(answer)).toContain("500");
  return (JSON.parse(String(answer).replace(/^[^{]*/, "")) as { request_id: string }).request_id;
}

describe("reports of bugs", () => {
  let requestId = "";

  beforeAll(async () => {
    class PlannedError extends Error {
      override readonly name = "PlannedError";
    }
    requestId = await uploadIntoABug(new PlannedError(PLANTED, { cause: new Error(PLANTED) }));
    await until(() => ingest.events().length > 0, "the report of a bug");
  });

  test("X12 say once which bug, where, for which request and in what version", async () => {
    const [event, ...others] = ingest.events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      level: "error",
      environment: "test",
      tags: { role: "all", request_id: requestId, route: "/api/v1/fitting/upload" },
    });
    expect(event?.release).toMatch(/^atelier@\d+\.\d+\.\d+\+\w+$/);
    const [exception] = event?.exception.values ?? [];
    expect(exception).toMatchObject({ type: "PlannedError", value: "a bug answered with 500" });
    expect(event?.exception.values).toHaveLength(1);
  });

  test("hold nothing that a message, a request or this machine might tell", () => {
    const wire = ingest.bodies.join("\n");
    expect(SECRETS.filter((secret) => wire.includes(secret))).toEqual([]);
    const [event] = ingest.events();
    expect(Object.keys(event ?? {}).sort()).toEqual([
      "environment",
      "event_id",
      "exception",
      "fingerprint",
      "level",
      "platform",
      "release",
      "sdk",
      "tags",
      "timestamp",
    ]);
    expect(wire).not.toContain(`"${hostname()}"`);
    expect(wire).not.toContain(import.meta.dir);
  });

  test("name the program's functions and lines, with neither folders nor variables", async () => {
    const before = ingest.events().length;
    const thrownInside = () => Reflect.apply(ProviderFailure.prototype.toString, null, []);
    try {
      thrownInside();
    } catch (error) {
      telemetry.faults?.report({ what: "a test", error });
    }
    const found = new Error("planted: no frame of the message");
    found.stack = `Error: planted: no frame of the message
    at plantAFlower (/home/planted/src/features/garden.ts:12:34)
    at async /home/planted/node_modules/elysia/dist/index.mjs:5:6
    at <anonymous> (native)
    at planted words with spaces; and more (/home/planted/src/a.ts:1:1)
    at outside (/etc/planted:1:1)`;
    telemetry.faults?.report({ what: "a test of frames", error: found });
    await until(() => ingest.events().length >= before + 2, "both reports");
    const event = ingest.events().find((one) => one.exception.values[0]?.value === "a test of frames");
    expect(event?.exception.values[0]?.stacktrace?.frames).toEqual([
      { function: "?", filename: "src/a.ts", lineno: 1, colno: 1, in_app: true },
      {
        function: "?",
        filename: "node_modules/elysia/dist/index.mjs",
        lineno: 5,
        colno: 6,
        in_app: false,
      },
      { function: "plantAFlower", filename: "src/features/garden.ts", lineno: 12, colno: 34, in_app: true },
    ]);
  });

  test("tell once of a job that was parked, not of each of its tries", async () => {
    const before = ingest.events().length;
    const { ctx } = app();
    const fails = {
      triesMax: 3,
      run: async () => {
        throw new Error(PLANTED);
      },
    };
    await ctx.transaction((tx) => enqueue({ ...tx, requestId: "parked-request-01" }, "test.fails", {}));
    const worker = await startWorker(ctx, { concurrency: 1, handlers: new Map([["test.fails", fails]]) });
    await until(() => {
      app().clock.advance(60_000);
      return app().logLines.some((line) => line.includes("job parked after its last try"));
    }, "the job's end");
    await until(() => ingest.events().length > before, "the report of the job");
    await worker.stop(100);
    await Bun.sleep(50);
    const events = ingest.events().slice(before);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      tags: { job_kind: "test.fails", request_id: "parked-request-01" },
      exception: { values: [{ value: "a job was parked" }] },
    });
    const wire = ingest.bodies.join("\n");
    expect(SECRETS.filter((secret) => wire.includes(secret))).toEqual([]);
  });

  test("tell once of a key that is refused, however many calls meet it", async () => {
    const before = ingest.events().length;
    for (let call = 0; call < 3; call += 1) await expect(app().ctx.kie.credits()).rejects.toThrow();
    await until(() => ingest.events().length > before, "the report of the refused key");
    await Bun.sleep(50);
    const events = ingest.events().slice(before);
    expect(events).toHaveLength(1);
    expect(events[0]?.tags).toMatchObject({ provider: "kie.ai", failure: "unauthorized" });
  });

  test("say nothing of refusals, and nothing of a failure that will pass", async () => {
    const before = ingest.events().length;
    await app().request("/balance");
    await app().request("/auth/telegram", { method: "POST", json: { init_data: INIT_DATA } });
    await app().request("/nothing/here");
    await Bun.sleep(50);
    expect(ingest.events()).toHaveLength(before);
  });

  test("come no faster than thirty a minute", async () => {
    const before = ingest.events().length;
    for (let index = 0; index < 100; index += 1) telemetry.faults?.report({ what: "a flood", error: new Error("x") });
    await until(() => ingest.events().length > before, "the first of them");
    await Bun.sleep(300);
    const reports = ingest.events().length - before;
    expect(reports).toBeLessThanOrEqual(30);
  });
});

describe("a Sentry that does not answer", () => {
  test("slows neither an answer nor the end of the program", async () => {
    const dead = startSentryIngest({ isDead: true });
    const watching = await telemetryWith({ SENTRY_DSN: dead.dsn });
    const startedAt = performance.now();
    for (let index = 0; index < 20; index += 1) watching.faults?.report({ what: "a test", error: new Error("x") });
    expect(performance.now() - startedAt).toBeLessThan(within(100, 2_000));
    await until(() => dead.bodies.length > 0, "the first report on its way");
    const stoppedAt = performance.now();
    await watching.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(within(2_300, 15_000));
    await dead.stop();
  });
});
