import { describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { within } from "../support/timing.ts";
import { failureOf, order, useOpenRouterLane, WISH } from "./openrouter-lane.ts";

const lane = useOpenRouterLane();

describe("a refused call", () => {
  const rows: [mode: string, kind: ProviderFailureKind, tries: number, alert: boolean][] = [
    ["400", "rejected", 1, false],
    ["400_model", "rejected", 1, true],
    ["400_structured", "rejected", 1, false],
    ["400_prompt", "rejected", 1, false],
    ["401", "unauthorized", 1, true],
    ["402", "out_of_funds", 1, true],
    ["402_max_tokens", "out_of_funds", 1, true],
    ["403_moderation", "moderated", 1, false],
    ["403_key", "unauthorized", 1, true],
    ["404_model", "rejected", 1, true],
    ["404_parameters", "rejected", 1, true],
    ["404_policy", "rejected", 1, true],
    ["408", "unavailable", 3, false],
    ["413", "rejected", 1, false],
    ["422", "rejected", 1, false],
    ["429", "rate_limited", 3, false],
    ["429_retry_after", "rate_limited", 3, false],
    ["429_upstream", "rate_limited", 3, false],
    ["500", "unavailable", 3, false],
    ["502", "unavailable", 3, false],
    ["503", "unavailable", 3, false],
    ["503_retry_after", "unavailable", 3, false],
    ["504", "unavailable", 3, false],
    ["524", "unavailable", 3, false],
    ["529", "unavailable", 3, false],
  ];
  for (const [mode, kind, tries, alert] of rows) {
    for (const form of ["http", "body"]) {
      test(`J6 with ${mode} in ${form === "http" ? "its status" : "the body of HTTP 200"} is ${kind} after ${tries}`, async () => {
        lane.emulator.faults.set("openrouter.chat", { mode: `${form}_${mode}` });
        const before = lane.asked();
        const { deltas, call } = lane.streamed();
        const failure = await failureOf(call);
        expect(failure).toMatchObject({ kind, alert });
        expect(lane.asked() - before).toBe(tries);
        expect(deltas).toEqual([]);
        expect(failure.message + JSON.stringify(lane.lines)).not.toContain("jacket");
      });
    }
  }

  test("J6 a 429 that passes is waited out, as long as it asks for", async () => {
    lane.emulator.faults.set("openrouter.chat", { mode: "http_429_retry_after", times: 1 });
    await lane.client.complete(order(WISH));
    expect(lane.waits).toEqual([2_000]);
  });

  test("two waits of growing length lie between three tries, and an overload is given more", async () => {
    const patient = lane.clientWith({ random: () => 0.5, sleep: async (ms) => void lane.waits.push(ms) });
    lane.emulator.faults.set("openrouter.chat", { mode: "http_502", times: 2 });
    await patient.complete(order(WISH));
    lane.emulator.faults.set("openrouter.chat", { mode: "http_529", times: 1 });
    await patient.complete(order(WISH));
    expect(lane.waits).toEqual([1_500, 3_000, 4_000]);
  });

  test("a wait that the deadline has no room for is left to the caller", async () => {
    lane.emulator.faults.set("openrouter.chat", { mode: "http_429_retry_after" });
    const before = lane.asked();
    const hasty = lane.clientWith({ timeouts: { totalMs: 2_100 } });
    expect(await failureOf(hasty.complete(order(WISH)))).toMatchObject({ kind: "rate_limited", retryAfterMs: 2_000 });
    expect(lane.asked() - before).toBe(1);
  });

  test("J10 a page of the edge is their outage and no fault of the person's", async () => {
    lane.emulator.faults.set("openrouter.edge", { mode: "edge_1010" });
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "unavailable", alert: true });
    lane.emulator.faults.set("openrouter.edge", { mode: "edge_502" });
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "unavailable", alert: false });
  });

  for (const mode of ["reset", "half_body", "not_json", "executed_reset", "hang"]) {
    test(`F9 an answer lost by ${mode} is asked for again`, async () => {
      const client = lane.clientWith({ timeouts: { answerMs: 150 } });
      lane.emulator.faults.set("openrouter.chat", { mode, times: 1 });
      const before = lane.asked();
      await client.complete(order(WISH));
      expect(lane.asked() - before).toBe(2);
    });
  }

  test("F9 an answer that is slower than the deadline ends there, whatever tries are left", async () => {
    const client = lane.clientWith({ timeouts: { answerMs: 200, totalMs: 300 } });
    lane.emulator.faults.set("openrouter.chat", { mode: "delay", delayMs: 2_000 });
    const startedAt = performance.now();
    expect(await failureOf(client.complete(order(WISH)))).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(within(800, 1_900));
  });
});
