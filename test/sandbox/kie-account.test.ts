import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Clock } from "../../src/platform/clock.ts";
import { KIE_PATHS } from "../../src/providers/kie/wire.ts";
import { until } from "../support/until.ts";
import { failureOf, ITEM, type KieLane, MODEL, PERSON, startKieLane, UNHURRIED } from "./kie-lane.ts";

let now = new Date("2026-11-20T12:00:00Z");
const clock: Clock = { now: () => now };
const pass = (ms: number): void => {
  now = new Date(now.getTime() + ms);
};
let lane: KieLane;
beforeAll(async () => {
  lane = await startKieLane({ clock, credits: 100 });
});
afterEach(async () => {
  // A task that fails later would give its credits back to the next test.
  await until(
    () =>
      lane.emulator
        .stats()
        .tasks.every(({ state, markers }) => state === "success" || state === "fail" || markers.includes("never")),
    "all tasks end",
  );
  lane.emulator.faults.clear();
  lane.emulator.faults.set("kie.limits", { mode: "off" });
  lane.emulator.setCredits(100);
  pass(60_000);
});
afterAll(() => lane.emulator.stop());

async function raw(base: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(base + path, {
    method: "POST",
    headers: { authorization: `Bearer ${lane.emulator.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    keepalive: false,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

describe("the judgement of a create", () => {
  const image = "http://127.0.0.1:1/a.png";
  const good = { prompt: "x", image_urls: [image] };
  const outside = (field: string): string => `${field} is not within the range of allowed options`;
  const rows: [what: string, body: unknown, code: number, msg: string][] = [
    ["no body", "x", 500, "model is required"],
    ["no model", { input: good }, 500, "model is required"],
    ["an unknown model", { model: "nano-papaya", input: good }, 422, "The model name you specified is not supported"],
    ["no input", { model: MODEL }, 500, "This field is required"],
    ["no prompt", { model: MODEL, input: { image_urls: [image] } }, 500, "prompt is required"],
    ["an empty prompt", { model: MODEL, input: { ...good, prompt: "" } }, 500, "prompt is required"],
    ["a long prompt", { model: MODEL, input: { ...good, prompt: "x".repeat(5_001) } }, 500, outside("prompt")],
    ["no picture", { model: MODEL, input: { prompt: "x" } }, 500, "image_urls is required"],
    [
      "the field of another model",
      { model: MODEL, input: { prompt: "x", image_input: [image] } },
      500,
      "image_urls is required",
    ],
    [
      "many pictures",
      { model: MODEL, input: { ...good, image_urls: Array(11).fill(image) } },
      500,
      outside("image_urls"),
    ],
    [
      "a data URL",
      { model: MODEL, input: { ...good, image_urls: ["data:image/png;base64,AA"] } },
      500,
      "File type not supported",
    ],
    [
      "a GIF",
      { model: MODEL, input: { ...good, image_urls: ["https://a.test/a.gif"] } },
      500,
      "File type not supported",
    ],
    [
      "a ratio in pixels",
      { model: MODEL, input: { ...good, aspect_ratio: "1080:1080" } },
      500,
      outside("aspect_ratio"),
    ],
    ["an empty ratio", { model: MODEL, input: { ...good, aspect_ratio: "" } }, 500, outside("aspect_ratio")],
    ["an empty size", { model: MODEL, input: { ...good, image_size: "" } }, 500, outside("image_size")],
    ["jpg for jpeg", { model: MODEL, input: { ...good, output_format: "jpg" } }, 500, outside("output_format")],
    [
      "jpeg for jpg",
      { model: "nano-banana-2", input: { prompt: "x", output_format: "jpeg" } },
      500,
      outside("output_format"),
    ],
    ["8K", { model: "nano-banana-pro", input: { prompt: "x", resolution: "8K" } }, 500, outside("resolution")],
    ["no ratio for lite", { model: "nano-banana-2-lite", input: { prompt: "x" } }, 500, "aspect_ratio is required"],
  ];
  for (const [what, body, code, msg] of rows) {
    test(`J6 ${what} is code ${code} under HTTP 200, and nothing is reserved`, async () => {
      const answer = await raw(lane.emulator.url, KIE_PATHS.createTask, body);
      expect(answer).toMatchObject({ code, data: null });
      expect(answer.msg).toStartWith(msg);
      expect(lane.emulator.stats().credits.balance).toBe(100);
    });
  }

  test("the names of 2025 still work", async () => {
    const answer = await raw(lane.emulator.url, "/api/v1/playground/createTask", { model: MODEL, input: good });
    expect(answer.code).toBe(200);
  });

  test("a model without pictures paints on a blank sheet", async () => {
    const client = lane.clientWith({ model: "google/nano-banana" });
    const { taskId } = await client.createTask({ prompt: "a cup", imageUrls: [] });
    expect(await lane.untilEnded(taskId)).toMatchObject({ state: "succeeded" });
  });
});

describe("the limits", () => {
  const order = { prompt: "x", imageUrls: ["http://127.0.0.1:1/a.png"] };
  test("J6 the 21st create within ten seconds is turned away, and goes through a window later", async () => {
    lane.emulator.faults.clear("kie.limits");
    lane.emulator.setCredits(1_000);
    for (let index = 0; index < 20; index += 1) await lane.client.createTask(order);
    expect(await failureOf(lane.client.createTask(order))).toMatchObject({
      kind: "rate_limited",
      retryAfterMs: 10_000,
    });
    pass(9_999);
    expect((await failureOf(lane.client.createTask(order))).kind).toBe("rate_limited");
    pass(1);
    expect(await lane.client.createTask(order)).toHaveProperty("taskId");
  });

  test("J6 the eleventh query within a second is turned away, uploads never", async () => {
    lane.emulator.faults.clear("kie.limits");
    for (let index = 0; index < 10; index += 1) await lane.client.getTask("x");
    expect((await failureOf(lane.client.getTask("x"))).kind).toBe("rate_limited");
    for (let index = 0; index < 25; index += 1) await lane.client.uploadImage({ bytes: PERSON, mime: "image/png" });
    pass(1_000);
    expect(await lane.client.getTask("x")).toMatchObject({ state: "not_found_yet" });
  });
});

describe("the credits", () => {
  test("are reserved at the create, kept by a success and given back by a failure", async () => {
    const imageUrls = await lane.inputs();
    expect(await lane.client.credits()).toBe(100);
    lane.emulator.faults.set("kie.pace", UNHURRIED);
    const { taskId } = await lane.client.createTask({ prompt: "sandbox:moderated", imageUrls });
    expect(await lane.client.credits()).toBe(96);
    expect(await lane.untilEnded(taskId)).toMatchObject({ state: "failed", creditsConsumed: 0 });
    expect(await lane.client.credits()).toBe(100);
    await lane.run("x", imageUrls);
    expect(await lane.client.credits()).toBe(96);
  });

  test("cost what the model costs", async () => {
    for (const [model, cost] of [
      ["nano-banana-2", 8],
      ["nano-banana-pro", 18],
      ["nano-banana-2-lite", 4],
    ] as const) {
      lane.emulator.setCredits(100);
      await lane.clientWith({ model }).createTask({ prompt: "x", imageUrls: await lane.inputs() });
      expect(await lane.client.credits()).toBe(100 - cost);
    }
  });

  test("J6 that do not suffice stop a create, in both wordings", async () => {
    const order = { prompt: "x", imageUrls: ["http://127.0.0.1:1/a.png"] };
    lane.emulator.setCredits(3.5);
    expect(await failureOf(lane.client.createTask(order))).toMatchObject({ kind: "out_of_funds", alert: true });
    expect(await lane.client.credits()).toBe(3.5);
    lane.emulator.setCredits(100);
    for (const mode of ["empty_402", "empty_500"]) {
      lane.emulator.faults.set("kie.account", { mode });
      expect(await failureOf(lane.client.createTask(order))).toMatchObject({ kind: "out_of_funds", alert: true });
      expect(await lane.client.credits()).toBe(0);
    }
  });
});

describe("the upload host", () => {
  const fetched = async (url: unknown): Promise<Uint8Array> => {
    const response = await fetch(String(url), { keepalive: false });
    return response.ok ? response.bytes() : new Uint8Array();
  };
  const linkIn = (answer: Record<string, unknown>): unknown => (answer.data as Record<string, unknown>).downloadUrl;

  test("takes a picture in each of the three calls", async () => {
    const { uploadUrl } = lane.emulator;
    const base64Data = Buffer.from(PERSON).toString("base64");
    const byBase64 = await raw(uploadUrl, KIE_PATHS.uploadBase64, { base64Data, uploadPath: "a", fileName: "p.png" });
    expect(byBase64).toMatchObject({ success: true, code: 200, data: { fileName: "p.png", mimeType: "image/png" } });
    expect(await fetched(linkIn(byBase64))).toEqual(PERSON);
    const dataUrl = { base64Data: `data:image/png;base64,${base64Data}`, uploadPath: "a" };
    const unnamed = await raw(uploadUrl, KIE_PATHS.uploadBase64, dataUrl);
    expect(await fetched(linkIn(unnamed))).toEqual(PERSON);
    expect(linkIn(unnamed)).toMatch(/\/\d+-[\w-]+\.png$/);
    const byUrl = await raw(uploadUrl, KIE_PATHS.uploadUrl, { fileUrl: linkIn(byBase64), uploadPath: "b" });
    expect(await fetched(linkIn(byUrl))).toEqual(PERSON);
    const { url } = await lane.client.uploadImage({ bytes: ITEM, mime: "image/png" });
    expect(await fetched(url)).toEqual(ITEM);
  });

  test("J8 overwrites a file of the same name without a word", async () => {
    const put = (bytes: Uint8Array) => {
      const base64Data = Buffer.from(bytes).toString("base64");
      return raw(lane.emulator.uploadUrl, KIE_PATHS.uploadBase64, {
        base64Data,
        uploadPath: "a",
        fileName: "same.png",
      });
    };
    const first = await put(PERSON);
    const second = await put(ITEM);
    expect(linkIn(second)).toBe(linkIn(first));
    expect(await fetched(linkIn(first))).toEqual(ITEM);
  });

  test("says what is missing", async () => {
    const { uploadUrl } = lane.emulator;
    const rows: [path: string, body: unknown, msg: string][] = [
      [KIE_PATHS.uploadBase64, { base64Data: "AAAA" }, "Missing required parameter: uploadPath"],
      [KIE_PATHS.uploadBase64, { uploadPath: "a" }, "Missing required parameter: base64Data"],
      [KIE_PATHS.uploadBase64, { base64Data: "?", uploadPath: "a" }, "Base64 decoding failed: Invalid Base64 format"],
      [KIE_PATHS.uploadBase64, { base64Data: "AAAA", uploadPath: "/a" }, "Invalid uploadPath"],
      [KIE_PATHS.uploadBase64, { base64Data: "AAAA", uploadPath: "a", fileName: "../b" }, "Invalid fileName"],
      [KIE_PATHS.uploadUrl, { uploadPath: "a" }, "Missing required parameter: fileUrl"],
    ];
    for (const [path, body, msg] of rows) {
      expect(await raw(uploadUrl, path, body)).toMatchObject({ success: false, code: 400, msg });
    }
  });

  test("keeps uploads for a day and results for twenty minutes", async () => {
    const { url } = await lane.client.uploadImage({ bytes: ITEM, mime: "image/png" });
    const result = (await lane.run("x", [url])).resultUrls[0];
    pass(20 * 60_000 - 1);
    expect(await fetched(result)).toEqual(ITEM);
    pass(1);
    expect(await fetched(result)).toHaveLength(0);
    expect(await fetched(url)).toEqual(ITEM);
    pass(24 * 3_600_000);
    expect(await fetched(url)).toHaveLength(0);
  });

  test("lends a link of its own results only", async () => {
    const result = (await lane.run("x")).resultUrls[0];
    const ours = await raw(lane.emulator.url, KIE_PATHS.downloadUrl, { url: result });
    expect(ours).toMatchObject({ code: 200, data: result });
    const foreign = await raw(lane.emulator.url, KIE_PATHS.downloadUrl, { url: "https://a.test/x.png" });
    expect(foreign).toEqual({ code: 422, msg: "url is wrong", data: null });
  });
});

describe("the account that the emulator gives of itself", () => {
  test("J2 names each task with its callback, its prompt's hash and the request that made it", async () => {
    lane.emulator.faults.set("kie.create", { mode: "executed_reset", times: 1 });
    const order = {
      prompt: "a secret wish, sandbox:never",
      imageUrls: await lane.inputs(),
      callbackUrl: "http://127.0.0.1:1/kie?generation=7",
      requestId: "request-7",
    };
    expect((await failureOf(lane.client.createTask(order))).kind).toBe("unknown");
    const ask = async () => (await fetch(`${lane.emulator.url}/_stats`, { keepalive: false })).json();
    const ordered = () => lane.emulator.stats().tasks.find(({ callBackUrl }) => callBackUrl === order.callbackUrl);
    await until(() => ordered()?.state === "generating", "it is in work");
    const stats = (await ask()) as ReturnType<KieLane["emulator"]["stats"]>;
    expect(stats).toEqual(lane.emulator.stats());
    const mine = stats.tasks.filter((task) => task.callBackUrl === order.callbackUrl);
    expect(mine).toHaveLength(1);
    expect(mine[0]).toMatchObject({
      promptHash: createHash("sha256").update(order.prompt).digest("hex").slice(0, 16),
      requestId: "request-7",
      credits: 4,
      markers: ["never"],
    });
    expect(stats.markers.never).toBe(1);
    expect(JSON.stringify(stats)).not.toContain("secret wish");
  });
});
