import { describe, expect, test } from "bun:test";
import { createLog } from "../../src/platform/telemetry/log.ts";
import type { TaskFailureKind } from "../../src/providers/kie/classify.ts";
import { KIE_PATHS } from "../../src/providers/kie/wire.ts";
import { until } from "../support/until.ts";
import { download, ITEM, MODEL, PERSON, rawCall, recordingMaker, UNHURRIED, useKieLane } from "./kie-lane.ts";

const maker = recordingMaker();
const lane = useKieLane({ images: maker });

describe("a task", () => {
  test("goes from upload to picture, with its place taken from the prompt", async () => {
    const task = await lane().run("first image is the person; zone: face; keep the pose");
    expect(task).toMatchObject({ state: "succeeded", rawState: "success", creditsConsumed: 4 });
    expect(task.resultUrls).toHaveLength(1);
    expect(await download(lane(), task.resultUrls[0] ?? "")).toEqual(PERSON);
    expect(maker.orders.at(-1)).toMatchObject({ label: "SANDBOX", item: ITEM, box: { top: 0.17 } });
  });

  test("J5 is seen waiting, then generating, then ended, with an id of 32 hex digits", async () => {
    lane().emulator.faults.set("kie.pace", UNHURRIED);
    const { taskId } = await lane().client.createTask({ prompt: "x", imageUrls: await lane().inputs() });
    expect(taskId).toMatch(/^[0-9a-f]{32}$/);
    expect(await lane().client.getTask(taskId)).toMatchObject({
      state: "pending",
      rawState: "waiting",
      resultUrls: [],
    });
    await until(async () => (await lane().client.getTask(taskId)).rawState !== "waiting", "it waits no more");
    expect(await lane().client.getTask(taskId)).toMatchObject({ rawState: "generating", creditsConsumed: 4 });
    expect(await lane().untilEnded(taskId)).toMatchObject({ state: "succeeded" });
  });

  test("J5 reads the same in the shapes of April, of September and of the documentation", async () => {
    const { taskId } = await lane().client.createTask({
      prompt: "x",
      imageUrls: await lane().inputs(),
      callbackUrl: "http://127.0.0.1:1/kie",
    });
    const ended = await lane().untilEnded(taskId);
    expect(ended.callbackUrl).toBe("http://127.0.0.1:1/kie");
    for (const mode of ["april", "documentation"]) {
      lane().emulator.faults.set("kie.shape", { mode });
      const { creditsConsumed: _, ...withoutCost } = ended;
      expect(await lane().client.getTask(taskId)).toEqual(withoutCost);
    }
  });

  test("the record on the wire is what was recorded: JSON in text, parameters encoded twice, seconds", async () => {
    lane().emulator.faults.set("kie.pace", UNHURRIED);
    const { taskId } = await lane().client.createTask({ prompt: "x", imageUrls: await lane().inputs() });
    const pending = (await rawCall(lane(), `${KIE_PATHS.recordInfo}?taskId=${taskId}`)).body.data as Record<
      string,
      unknown
    >;
    expect(pending).toMatchObject({ state: "waiting", resultJson: "", failCode: null, failMsg: null, costTime: null });
    const param = JSON.parse(String(pending.param)) as Record<string, string>;
    expect(param).not.toHaveProperty("callBackUrl");
    expect(JSON.parse(param.input ?? "")).toMatchObject({ prompt: "x", output_format: "png" });
    await lane().untilEnded(taskId);
    const ended = (await rawCall(lane(), `${KIE_PATHS.recordInfo}?taskId=${taskId}`)).body.data as Record<
      string,
      unknown
    >;
    expect(ended.response).toEqual(JSON.parse(String(ended.resultJson)));
    expect(ended).toMatchObject({ successFlag: 1, operationType: MODEL });
    expect(ended.costTime).toBeWithin(3, 60);
  });

  test("J5 that is not there yet is told apart from one that failed", async () => {
    expect(await lane().client.getTask("0".repeat(32))).toMatchObject({ state: "not_found_yet" });
    lane().emulator.faults.set("kie.lag", { mode: "record_null", times: 1, delayMs: 1_000 });
    const { taskId } = await lane().client.createTask({ prompt: "x", imageUrls: await lane().inputs() });
    expect(await lane().client.getTask(taskId)).toMatchObject({ state: "not_found_yet" });
    expect(await lane().untilEnded(taskId)).toMatchObject({ state: "succeeded" });
    for (const mode of ["record_null", "http_404_task", "code_404"]) {
      lane().emulator.faults.set("kie.query", { mode, times: 1 });
      expect(await lane().client.getTask(taskId)).toMatchObject({ state: "not_found_yet" });
    }
  });

  test("J5 in a state that nobody documented is still running", async () => {
    lane().emulator.faults.set("kie.outcome", { mode: "never", times: 1 });
    const { taskId } = await lane().client.createTask({ prompt: "x", imageUrls: await lane().inputs() });
    for (const [mode, rawState] of [
      ["unknown_state", "polishing"],
      ["queuing", "queuing"],
    ] as const) {
      lane().emulator.faults.set("kie.query", { mode, times: 1 });
      expect(await lane().client.getTask(taskId)).toMatchObject({ state: "pending", rawState });
    }
  });

  const outcomes: [marker: string, kind: TaskFailureKind][] = [
    ["moderated", "moderated"],
    ["content_policy", "moderated"],
    ["content_400", "moderated"],
    ["prohibited", "moderated"],
    ["filtered", "moderated"],
    ["transient", "transient"],
    ["upstream_timeout", "transient"],
    ["refused", "refused"],
    ["input_unreachable", "input_unreachable"],
    ["no_urls", "transient"],
    ["empty_result", "transient"],
  ];
  for (const [outcome, kind] of outcomes) {
    test(`J5 marked sandbox:${outcome} fails as ${kind}, and so does one under the switch`, async () => {
      const imageUrls = await lane().inputs();
      expect((await lane().run(`dress her, sandbox:${outcome}.`, imageUrls)).failure?.kind).toBe(kind);
      lane().emulator.faults.set("kie.outcome", { mode: outcome, times: 1 });
      expect((await lane().run("dress her", imageUrls)).failure?.kind).toBe(kind);
      expect((await lane().run("dress her", imageUrls)).state).toBe("succeeded");
    });
  }

  test("F9 that never ends stays pending, and a slow one takes its time", async () => {
    const imageUrls = await lane().inputs();
    const { taskId } = await lane().client.createTask({ prompt: "sandbox:never", imageUrls });
    lane().emulator.faults.set("kie.outcome", { mode: "slow", times: 1, delayMs: 200 });
    const startedAt = performance.now();
    await lane().run("slowly", imageUrls);
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    expect((await lane().client.getTask(taskId)).rawState).toBe("generating");
  });

  test("J9 whose input cannot be fetched, is no picture or is too large fails as such", async () => {
    const [person] = await lane().inputs();
    const text = await lane().client.uploadImage({ bytes: new TextEncoder().encode("<html>"), mime: "image/png" });
    const large = new Uint8Array(10_000_001);
    large.set(PERSON);
    const tooLarge = await lane().client.uploadImage({ bytes: large, mime: "image/png" });
    for (const bad of [`${lane().emulator.filesUrl}/gone.png`, "http://127.0.0.1:1/x.png", text.url, tooLarge.url]) {
      const task = await lane().run("x", [person ?? "", bad]);
      expect(task.failure).toMatchObject({ kind: "input_unreachable", code: "400" });
    }
  });

  test("C6 with an impossible cost is read without it, and somebody is told", async () => {
    const lines: string[] = [];
    const told: unknown[] = [];
    const log = createLog({ level: "error", format: "json", write: (line) => lines.push(line) });
    const client = lane().clientWith({ log, onBadCost: (_, cost) => told.push(cost) });
    for (const outcome of ["bad_cost", "nan_cost"]) {
      const { taskId } = await client.createTask({ prompt: `sandbox:${outcome}`, imageUrls: await lane().inputs() });
      await lane().untilEnded(taskId);
      const task = await client.getTask(taskId);
      expect(task.state).toBe("succeeded");
      expect(task).not.toHaveProperty("creditsConsumed");
    }
    expect(told).toEqual([-4, "NaN"]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"alert":true');
  });
});
