import { describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { KIE_PATHS } from "../../src/providers/kie/wire.ts";
import { KIE_FAULTS } from "../../src/sandbox/kie-faults.ts";
import { download, failureOf, HASTY, PERSON, rawCall, useKieLane } from "./kie-lane.ts";

const lane = useKieLane();

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
      const before = lane().emulator.stats();
      for (const how of ["code", "http"]) {
        lane().emulator.faults.set("kie.create", { mode: `${how}_${mode}` });
        expect(await failureOf(lane().client.createTask(order))).toMatchObject({ kind, alert });
      }
      const after = lane().emulator.stats();
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
      const before = lane().emulator.stats().tasks.length;
      const client = mode.endsWith("hang") ? lane().clientWith({ timeouts: HASTY }) : lane().client;
      lane().emulator.faults.set("kie.create", { mode });
      expect((await failureOf(client.createTask(order))).kind).toBe(kind);
      expect(lane().emulator.stats().tasks.length - before).toBe(tasksMade);
      expect(lane().emulator.faults.active()["kie.create"]).toBeDefined();
    });
  }

  test("J6 every mode of the switch is one that these tests have tried", () => {
    const tried = [...codes.flatMap(([mode]) => [`code_${mode}`, `http_${mode}`]), ...transport.map(([mode]) => mode)];
    expect([...(KIE_FAULTS["kie.create"]?.modes ?? [])].sort()).toEqual([...tried, "delay"].sort());
  });

  test("F9 that is only delayed goes through", async () => {
    lane().emulator.faults.set("kie.create", { mode: "delay", delayMs: 100 });
    expect(await lane().client.createTask(order)).toHaveProperty("taskId");
  });

  test("J10 blocked at the edge is a provider's failure that somebody hears of", async () => {
    lane().emulator.faults.set("kie.edge", { mode: "edge_1010" });
    expect(await failureOf(lane().client.createTask(order))).toMatchObject({ kind: "unavailable", alert: true });
    expect(await failureOf(lane().client.credits())).toMatchObject({ kind: "unavailable", alert: true });
  });

  test("J10 an edge that blocks the agents of runtimes lets all of our calls through", async () => {
    lane().emulator.faults.set("kie.edge", { mode: "default_agents" });
    expect((await fetch(lane().emulator.url, { keepalive: false })).status).toBe(403);
    const task = await lane().run("x");
    expect(await download(lane(), task.resultUrls[0] ?? "")).toEqual(PERSON);
    expect(await lane().client.credits()).toBeNumber();
  });

  test("J6 with a wrong key is unauthorized at both hosts", async () => {
    const client = lane().clientWith({ apiKey: "wrong" });
    expect((await failureOf(client.createTask(order))).kind).toBe("unauthorized");
    expect((await failureOf(client.getTask("x"))).kind).toBe("unauthorized");
    expect((await failureOf(client.uploadImage({ bytes: PERSON, mime: "image/png" }))).kind).toBe("unauthorized");
  });

  test("J6 a refusal arrives as HTTP 200 with a code, and under its own status when that is switched on", async () => {
    const wrong = { headers: { authorization: "Bearer wrong" } };
    expect(await rawCall(lane(), KIE_PATHS.credit, wrong)).toMatchObject({ status: 200, body: { code: 401 } });
    lane().emulator.faults.set("kie.status", { mode: "mirror" });
    expect(await rawCall(lane(), KIE_PATHS.credit, wrong)).toMatchObject({ status: 401, body: { code: 401 } });
  });
});
