import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { callbackTaskId, verifyKieSignature } from "../../src/providers/kie/callback.ts";
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from "../../src/providers/kie/wire.ts";
import { until } from "../support/until.ts";
import { type KieLane, startKieLane, TASK_MS } from "./kie-lane.ts";

const KEY = "the-webhook-key";

interface Received {
  body: Record<string, unknown>;
  headers: Headers;
  at: number;
}

let received: Received[] = [];
const receiver = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  reusePort: false,
  async fetch(request) {
    received.push({
      headers: new Headers(request.headers),
      body: (await request.json()) as Record<string, unknown>,
      at: performance.now(),
    });
    return Response.json({ code: 200, msg: "success" });
  },
});
const callbackUrl = `http://127.0.0.1:${receiver.port}/kie/callback/token`;

let lane: KieLane;
beforeAll(async () => {
  lane = await startKieLane({ webhookKey: KEY });
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.faults.set("kie.limits", { mode: "off" });
  received = [];
});
afterAll(async () => {
  await lane.emulator.stop();
  await receiver.stop(true);
});

async function create(prompt: string): Promise<string> {
  return (await lane.client.createTask({ prompt, imageUrls: await lane.inputs(), callbackUrl })).taskId;
}

/** The one callback of a task made with `prompt`. */
async function callbackOf(prompt: string): Promise<Received & { taskId: string }> {
  const taskId = await create(prompt);
  await until(() => received.length > 0, "the callback");
  await Bun.sleep(30);
  expect(received).toHaveLength(1);
  const [first] = received;
  if (first === undefined) throw new Error("no callback came");
  return { ...first, taskId };
}

const isSigned = ({ headers, body }: Received, now = new Date()): boolean =>
  verifyKieSignature({
    key: KEY,
    taskId: callbackTaskId(body) ?? "",
    timestamp: headers.get(TIMESTAMP_HEADER) ?? "",
    signature: headers.get(SIGNATURE_HEADER) ?? "",
    now,
  });

describe("a callback", () => {
  test("J4 comes once, signed, when the task has ended, and says what recordInfo says", async () => {
    const callback = await callbackOf("x");
    expect(isSigned(callback)).toBe(true);
    expect(callbackTaskId(callback.body)).toBe(callback.taskId);
    expect(callback.body).toMatchObject({
      code: 200,
      msg: "Playground task completed successfully.",
      data: { taskId: callback.taskId, state: "success", creditsConsumed: 4 },
    });
    expect(callback.headers.get("content-type")).toBe("application/json");
    expect((await lane.client.getTask(callback.taskId)).state).toBe("succeeded");
  });

  test("J4 of a failure carries code 501 and no result", async () => {
    const { body } = await callbackOf("sandbox:transient");
    expect(body).toMatchObject({
      code: 501,
      msg: "Playground task failed.",
      data: { state: "fail", resultJson: null },
    });
  });

  test("J4 in the shape of the page about signatures names the same task", async () => {
    const callback = await callbackOf("sandbox:callback_signature_page");
    expect(callbackTaskId(callback.body)).toBe(callback.taskId);
    expect(callback.body.data).toEqual({ task_id: callback.taskId, callbackType: "task_completed" });
    expect(isSigned(callback)).toBe(true);
  });

  test("J7 with a wrong signature, a stale time or none at all does not pass", async () => {
    for (const mode of ["wrong_signature", "stale_timestamp", "unsigned"]) {
      lane.emulator.faults.set("kie.callback", { mode, times: 1 });
      expect(isSigned(await callbackOf("x"))).toBe(false);
      received = [];
    }
  });

  test("J7 with a good signature and other links in its body is only a hint", async () => {
    const callback = await callbackOf("sandbox:callback_other_urls");
    expect(isSigned(callback)).toBe(true);
    expect(JSON.stringify(callback.body)).toContain("attacker.example");
    const task = await lane.client.getTask(callback.taskId);
    expect(task.resultUrls[0]).toStartWith(lane.emulator.filesUrl);
  });

  test("J4 may be missing, while recordInfo knows the end", async () => {
    const taskId = await create("sandbox:callback_missing");
    expect((await lane.untilEnded(taskId)).state).toBe("succeeded");
    await Bun.sleep(50);
    expect(received).toHaveLength(0);
  });

  test("J4 may come twice, and may come late", async () => {
    const twice = await create("sandbox:callback_duplicate");
    await until(() => received.length === 2, "both callbacks");
    expect(received.map(({ body }) => callbackTaskId(body))).toEqual([twice, twice]);
    received = [];
    lane.emulator.faults.set("kie.callback", { mode: "late", times: 1, delayMs: 150 });
    const startedAt = performance.now();
    await create("x");
    await until(() => received.length === 1, "the callback");
    expect((received[0]?.at ?? 0) - startedAt).toBeGreaterThan(150 + TASK_MS);
  });

  test("J4 may come before the create is answered", async () => {
    const taskId = await create("sandbox:callback_before_reply");
    expect(received.map(({ body }) => callbackTaskId(body))).toEqual([taskId]);
  });

  test("J4 is counted, and is not repeated when nobody takes it", async () => {
    const before = lane.emulator.stats().callbacks;
    await callbackOf("x");
    await lane.client.createTask({ prompt: "x", imageUrls: await lane.inputs(), callbackUrl: "http://127.0.0.1:1/" });
    await until(() => lane.emulator.stats().callbacks.failed > before.failed, "nobody takes it");
    await Bun.sleep(50);
    const { sent, taken, failed } = lane.emulator.stats().callbacks;
    expect({ sent: sent - before.sent, taken: taken - before.taken, failed: failed - before.failed }).toEqual({
      sent: 2,
      taken: 1,
      failed: 1,
    });
  });
});

test("without a webhook key callbacks carry no signature at all", async () => {
  const unsigned = await startKieLane();
  await unsigned.client.createTask({ prompt: "x", imageUrls: await unsigned.inputs(), callbackUrl });
  await until(() => received.length === 1, "the callback");
  expect(received[0]?.headers.has(SIGNATURE_HEADER)).toBe(false);
  expect(received[0]?.headers.has(TIMESTAMP_HEADER)).toBe(false);
  await unsigned.emulator.stop();
});
