import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { createLog } from "../../src/platform/telemetry/log.ts";
import { fetchResult } from "../../src/providers/fetch-result.ts";
import type { TaskFailureKind } from "../../src/providers/kie/classify.ts";
import { KIE_PATHS } from "../../src/providers/kie/wire.ts";
import { KIE_FAULTS } from "../../src/sandbox/kie-faults.ts";
import { failureOf, ITEM, type KieLane, MODEL, PERSON, recordingMaker, startKieLane } from "./kie-lane.ts";

const maker = recordingMaker();
let lane: KieLane;
beforeAll(async () => {
  lane = await startKieLane({ images: maker });
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.faults.set("kie.limits", { mode: "off" });
  lane.emulator.setCredits(1_000);
});
afterAll(() => lane.emulator.stop());

/** A call to the API as anybody could make it, with the key. */
async function raw(path: string, init: RequestInit = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = {
    authorization: `Bearer ${lane.emulator.apiKey}`,
    "content-type": "application/json",
    ...init.headers,
  };
  const response = await fetch(lane.emulator.url + path, { ...init, headers, keepalive: false });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const download = (url: string, bytesMax = 1_000_000): Promise<Uint8Array> =>
  fetchResult(url, { hosts: [lane.emulator.resultHost], loopbackAllowed: true, bytesMax, timeoutMs: 500 });

describe("a task", () => {
  test("goes from upload to picture, with its place taken from the prompt", async () => {
    const task = await lane.run("first image is the person; zone: face; keep the pose");
    expect(task).toMatchObject({ state: "succeeded", rawState: "success", creditsConsumed: 4 });
    expect(task.resultUrls).toHaveLength(1);
    expect(await download(task.resultUrls[0] ?? "")).toEqual(PERSON);
    expect(maker.orders.at(-1)).toMatchObject({ label: "SANDBOX", item: ITEM, box: { top: 0.17 } });
  });

  test("J5 is seen waiting, then generating, then ended, with an id of 32 hex digits", async () => {
    lane.emulator.faults.set("kie.pace", { mode: "pace", delayMs: 400 });
    const { taskId } = await lane.client.createTask({ prompt: "x", imageUrls: await lane.inputs() });
    expect(taskId).toMatch(/^[0-9a-f]{32}$/);
    expect(await lane.client.getTask(taskId)).toMatchObject({ state: "pending", rawState: "waiting", resultUrls: [] });
    await Bun.sleep(200);
    expect(await lane.client.getTask(taskId)).toMatchObject({ rawState: "generating", creditsConsumed: 4 });
    expect(await lane.untilEnded(taskId)).toMatchObject({ state: "succeeded" });
  });

  test("J5 reads the same in the shapes of April, of September and of the documentation", async () => {
    const { taskId } = await lane.client.createTask({
      prompt: "x",
      imageUrls: await lane.inputs(),
      callbackUrl: "http://127.0.0.1:1/kie",
    });
    const ended = await lane.untilEnded(taskId);
    expect(ended.callbackUrl).toBe("http://127.0.0.1:1/kie");
    for (const mode of ["april", "documentation"]) {
      lane.emulator.faults.set("kie.shape", { mode });
      const { creditsConsumed: _, ...withoutCost } = ended;
      expect(await lane.client.getTask(taskId)).toEqual(withoutCost);
    }
  });

  test("the record on the wire is what was recorded: JSON in text, parameters encoded twice, seconds", async () => {
    const { taskId } = await lane.client.createTask({ prompt: "x", imageUrls: await lane.inputs() });
    const pending = (await raw(`${KIE_PATHS.recordInfo}?taskId=${taskId}`)).body.data as Record<string, unknown>;
    expect(pending).toMatchObject({ state: "waiting", resultJson: "", failCode: null, failMsg: null, costTime: null });
    const param = JSON.parse(String(pending.param)) as Record<string, string>;
    expect(param).not.toHaveProperty("callBackUrl");
    expect(JSON.parse(param.input ?? "")).toMatchObject({ prompt: "x", output_format: "png" });
    await lane.untilEnded(taskId);
    const ended = (await raw(`${KIE_PATHS.recordInfo}?taskId=${taskId}`)).body.data as Record<string, unknown>;
    expect(ended.response).toEqual(JSON.parse(String(ended.resultJson)));
    expect(ended).toMatchObject({ costTime: 0, successFlag: 1, operationType: MODEL });
  });

  test("J5 that is not there yet is told apart from one that failed", async () => {
    expect(await lane.client.getTask("0".repeat(32))).toMatchObject({ state: "not_found_yet" });
    lane.emulator.faults.set("kie.lag", { mode: "record_null", times: 1, delayMs: 60 });
    const { taskId } = await lane.client.createTask({ prompt: "x", imageUrls: await lane.inputs() });
    expect(await lane.client.getTask(taskId)).toMatchObject({ state: "not_found_yet" });
    expect(await lane.untilEnded(taskId)).toMatchObject({ state: "succeeded" });
    for (const mode of ["record_null", "http_404_task", "code_404"]) {
      lane.emulator.faults.set("kie.query", { mode, times: 1 });
      expect(await lane.client.getTask(taskId)).toMatchObject({ state: "not_found_yet" });
    }
  });

  test("J5 in a state that nobody documented is still running", async () => {
    lane.emulator.faults.set("kie.outcome", { mode: "never", times: 1 });
    const { taskId } = await lane.client.createTask({ prompt: "x", imageUrls: await lane.inputs() });
    for (const [mode, rawState] of [
      ["unknown_state", "polishing"],
      ["queuing", "queuing"],
    ] as const) {
      lane.emulator.faults.set("kie.query", { mode, times: 1 });
      expect(await lane.client.getTask(taskId)).toMatchObject({ state: "pending", rawState });
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
      const imageUrls = await lane.inputs();
      expect((await lane.run(`dress her, sandbox:${outcome}.`, imageUrls)).failure?.kind).toBe(kind);
      lane.emulator.faults.set("kie.outcome", { mode: outcome, times: 1 });
      expect((await lane.run("dress her", imageUrls)).failure?.kind).toBe(kind);
      expect((await lane.run("dress her", imageUrls)).state).toBe("succeeded");
    });
  }

  test("F9 that never ends stays pending, and a slow one takes its time", async () => {
    const imageUrls = await lane.inputs();
    const { taskId } = await lane.client.createTask({ prompt: "sandbox:never", imageUrls });
    lane.emulator.faults.set("kie.outcome", { mode: "slow", times: 1, delayMs: 200 });
    const startedAt = performance.now();
    await lane.run("slowly", imageUrls);
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    expect((await lane.client.getTask(taskId)).rawState).toBe("generating");
  });

  test("J9 whose input cannot be fetched, is no picture or is too large fails as such", async () => {
    const [person] = await lane.inputs();
    const text = await lane.client.uploadImage({ bytes: new TextEncoder().encode("<html>"), mime: "image/png" });
    const large = new Uint8Array(10_000_001);
    large.set(PERSON);
    const tooLarge = await lane.client.uploadImage({ bytes: large, mime: "image/png" });
    for (const bad of [`${lane.emulator.filesUrl}/gone.png`, "http://127.0.0.1:1/x.png", text.url, tooLarge.url]) {
      const task = await lane.run("x", [person ?? "", bad]);
      expect(task.failure).toMatchObject({ kind: "input_unreachable", code: "400" });
    }
  });

  test("C6 with an impossible cost is read without it, and somebody is told", async () => {
    const lines: string[] = [];
    const told: unknown[] = [];
    const log = createLog({ level: "error", format: "json", write: (line) => lines.push(line) });
    const client = lane.clientWith({ log, onBadCost: (_, cost) => told.push(cost) });
    for (const outcome of ["bad_cost", "nan_cost"]) {
      const { taskId } = await client.createTask({ prompt: `sandbox:${outcome}`, imageUrls: await lane.inputs() });
      await lane.untilEnded(taskId);
      const task = await client.getTask(taskId);
      expect(task.state).toBe("succeeded");
      expect(task).not.toHaveProperty("creditsConsumed");
    }
    expect(told).toEqual([-4, "NaN"]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"alert":true');
  });
});

describe("a create", () => {
  const order = { prompt: "x", imageUrls: ["http://127.0.0.1:1/a.png"] };
  const codes: [mode: string, kind: ProviderFailureKind, alert: boolean][] = [
    ["400", "rejected", false],
    ["401", "unauthorized", true],
    ["402", "out_of_funds", true],
    ["404", "rejected", true],
    ["408", "unknown", false],
    ["422", "rejected", true],
    ["429", "rate_limited", false],
    ["433", "out_of_funds", true],
    ["451", "input_unreachable", false],
    ["455", "unavailable", false],
    ["500", "unavailable", false],
    ["500_parameter", "rejected", false],
    ["500_credits", "out_of_funds", true],
    ["500_paused", "unavailable", false],
    ["500_file_type", "rejected", false],
    ["501", "unavailable", false],
    ["505", "rejected", true],
  ];
  for (const [mode, kind, alert] of codes) {
    test(`J6 refused with ${mode} is ${kind}, said in the body or by HTTP, and is not sent again`, async () => {
      const before = lane.emulator.stats();
      for (const how of ["code", "http"]) {
        lane.emulator.faults.set("kie.create", { mode: `${how}_${mode}` });
        expect(await failureOf(lane.client.createTask(order))).toMatchObject({ kind, alert });
      }
      const after = lane.emulator.stats();
      expect(after.creates.accepted).toBe(before.creates.accepted);
      for (const how of ["code", "http"]) expect(after.creates.disturbed[`${how}_${mode}`]).toBe(1);
    });
  }

  const transport: [mode: string, kind: ProviderFailureKind, tasksMade: number][] = [
    ["reset", "unknown", 0],
    ["hang", "unknown", 0],
    ["not_json", "unknown", 0],
    ["edge_502", "unknown", 0],
    ["edge_504", "unknown", 0],
    ["edge_1010", "unavailable", 0],
    ["half_body", "unknown", 1],
    ["executed_reset", "unknown", 1],
    ["executed_hang", "unknown", 1],
    ["executed_edge_502", "unknown", 1],
    ["no_task_id", "unknown", 1],
  ];
  for (const [mode, kind, tasksMade] of transport) {
    test(`J2 F9 under ${mode} is ${kind} and leaves ${tasksMade} tasks behind`, async () => {
      const before = lane.emulator.stats().tasks.length;
      lane.emulator.faults.set("kie.create", { mode });
      expect((await failureOf(lane.client.createTask(order))).kind).toBe(kind);
      expect(lane.emulator.stats().tasks.length - before).toBe(tasksMade);
      expect(lane.emulator.faults.active()["kie.create"]).toBeDefined();
    });
  }

  test("J6 every mode of the switch is one that these tests have tried", () => {
    const tried = [...codes.flatMap(([mode]) => [`code_${mode}`, `http_${mode}`]), ...transport.map(([mode]) => mode)];
    expect([...(KIE_FAULTS["kie.create"]?.modes ?? [])].sort()).toEqual([...tried, "delay"].sort());
  });

  test("F9 that is only delayed goes through", async () => {
    lane.emulator.faults.set("kie.create", { mode: "delay", delayMs: 100 });
    expect(await lane.client.createTask(order)).toHaveProperty("taskId");
  });

  test("J10 blocked at the edge is a provider's failure that somebody hears of", async () => {
    lane.emulator.faults.set("kie.edge", { mode: "edge_1010" });
    expect(await failureOf(lane.client.createTask(order))).toMatchObject({ kind: "unavailable", alert: true });
    expect(await failureOf(lane.client.credits())).toMatchObject({ kind: "unavailable", alert: true });
  });

  test("J10 an edge that blocks the agents of runtimes lets all of our calls through", async () => {
    lane.emulator.faults.set("kie.edge", { mode: "default_agents" });
    expect((await fetch(lane.emulator.url, { keepalive: false })).status).toBe(403);
    const task = await lane.run("x");
    expect(await download(task.resultUrls[0] ?? "")).toEqual(PERSON);
    expect(await lane.client.credits()).toBeNumber();
  });

  test("J6 with a wrong key is unauthorized at both hosts", async () => {
    const client = lane.clientWith({ apiKey: "wrong" });
    expect((await failureOf(client.createTask(order))).kind).toBe("unauthorized");
    expect((await failureOf(client.getTask("x"))).kind).toBe("unauthorized");
    expect((await failureOf(client.uploadImage({ bytes: PERSON, mime: "image/png" }))).kind).toBe("unauthorized");
  });

  test("J6 a refusal arrives as HTTP 200 with a code, and under its own status when that is switched on", async () => {
    const wrong = { headers: { authorization: "Bearer wrong" } };
    expect(await raw(KIE_PATHS.credit, wrong)).toMatchObject({ status: 200, body: { code: 401 } });
    lane.emulator.faults.set("kie.status", { mode: "mirror" });
    expect(await raw(KIE_PATHS.credit, wrong)).toMatchObject({ status: 401, body: { code: 401 } });
  });
});

describe("reading and uploading", () => {
  for (const mode of ["reset", "edge_502", "half_body", "not_json", "code_500", "http_500", "code_455"]) {
    test(`F9 goes through after two times of ${mode}`, async () => {
      for (const name of ["kie.query", "kie.credit", "kie.upload"]) lane.emulator.faults.set(name, { mode, times: 2 });
      expect(await lane.client.getTask("0".repeat(32))).toMatchObject({ state: "not_found_yet" });
      expect(await lane.client.credits()).toBe(1_000);
      expect(await lane.client.uploadImage({ bytes: PERSON, mime: "image/png" })).toHaveProperty("url");
    });
  }

  test("F9 gives up after three tries, and a hang is not waited for three times", async () => {
    lane.emulator.faults.set("kie.query", { mode: "edge_502", times: 4 });
    expect((await failureOf(lane.client.getTask("x"))).kind).toBe("unavailable");
    expect(lane.emulator.faults.active()["kie.query"]?.times).toBe(1);
    lane.emulator.faults.set("kie.credit", { mode: "hang", times: 4 });
    expect((await failureOf(lane.client.credits())).kind).toBe("unavailable");
    expect(lane.emulator.faults.active()["kie.credit"]?.times).toBe(3);
  });

  test("J6 a query that is refused for good is refused, and 501 and 408 are failed tasks", async () => {
    const kinds: [mode: string, kind: ProviderFailureKind][] = [
      ["code_401", "unauthorized"],
      ["code_402", "out_of_funds"],
      ["code_429", "rate_limited"],
      ["code_433", "out_of_funds"],
      ["code_505", "rejected"],
      ["edge_1010", "unavailable"],
    ];
    for (const [mode, kind] of kinds) {
      lane.emulator.faults.set("kie.query", { mode });
      expect((await failureOf(lane.client.getTask("x"))).kind).toBe(kind);
    }
    for (const mode of ["code_501", "code_408"]) {
      lane.emulator.faults.set("kie.query", { mode });
      expect(await lane.client.getTask("x")).toMatchObject({ state: "failed", failure: { kind: "transient" } });
    }
  });

  test("C6 an impossible balance is refused aloud", async () => {
    for (const mode of ["negative", "not_a_number"]) {
      lane.emulator.faults.set("kie.credit", { mode });
      expect(await failureOf(lane.client.credits())).toMatchObject({ kind: "rejected", alert: true });
    }
  });

  test("J8 a hundred uploads of one name get a hundred links", async () => {
    const upload = async (): Promise<string> =>
      (await lane.client.uploadImage({ bytes: PERSON, mime: "image/png", name: "Person Photo.PNG" })).url;
    const links = new Set<string>();
    for (let index = 0; index < 100; index += 1) links.add(await upload());
    expect(links.size).toBe(100);
    for (const link of links) expect(link).toMatch(/\/atelier\/person-photo-png-[\w-]{22}\.png$/);
  });
});

describe("a result's download", () => {
  const kinds: [mode: string, kind: ProviderFailureKind][] = [
    ["http_404", "unavailable"],
    ["http_500", "unavailable"],
    ["http_503", "unavailable"],
    ["edge_1010", "unavailable"],
    ["edge_502", "unavailable"],
    ["reset", "unavailable"],
    ["hang", "unavailable"],
    ["half_body", "unavailable"],
    ["html", "rejected"],
    ["not_json", "rejected"],
    ["too_large", "rejected"],
    ["endless", "rejected"],
    ["redirect_loop", "rejected"],
    ["redirect_private", "rejected"],
    ["redirect_foreign", "rejected"],
  ];
  test("J9 F9 each fault of the file host is of the right class", async () => {
    const url = (await lane.run("x")).resultUrls[0] ?? "";
    for (const [mode, kind] of kinds) {
      lane.emulator.faults.set("kie.result", { mode });
      expect({ mode, kind: (await failureOf(download(url))).kind }).toEqual({ mode, kind });
    }
    for (const mode of ["redirect_once", "garbage", "delay"]) {
      lane.emulator.faults.set("kie.result", { mode, times: 1, delayMs: 10 });
      expect((await download(url)).byteLength).toBeGreaterThan(10);
    }
    lane.emulator.faults.clear("kie.result");
    expect(await download(url)).toEqual(PERSON);
  });

  test("J9 links to other hosts and to private addresses are not followed", async () => {
    for (const outcome of ["foreign_result", "private_result"]) {
      const task = await lane.run(`sandbox:${outcome}`);
      expect(task.state).toBe("succeeded");
      expect((await failureOf(download(task.resultUrls[0] ?? ""))).kind).toBe("rejected");
    }
  });
});
