import { describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { UnusableAnswer, type UnusableReason } from "../../src/providers/openrouter/completion.ts";
import { failureOf, HAIKU, order, useOpenRouterLane, type Variants, WISH } from "./openrouter-lane.ts";

const { asked, lane, streamed } = await useOpenRouterLane();

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
        const before = asked();
        const { deltas, call } = await streamed();
        const failure = await failureOf(call);
        expect(failure).toMatchObject({ kind, alert });
        expect(asked() - before).toBe(tries);
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
    const before = asked();
    const hasty = lane.clientWith({ timeouts: { totalMs: 2_100 } });
    expect(await failureOf(hasty.complete(order(WISH)))).toMatchObject({ kind: "rate_limited", retryAfterMs: 2_000 });
    expect(asked() - before).toBe(1);
  });

  test("J10 a page of the edge is their outage and no fault of the person's", async () => {
    lane.emulator.faults.set("openrouter.edge", { mode: "edge_1010" });
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "unavailable", alert: true });
    lane.emulator.faults.set("openrouter.edge", { mode: "edge_502" });
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "unavailable", alert: false });
  });

  for (const mode of ["reset", "half_body", "not_json", "executed_reset", "hang"]) {
    test(`F9 an answer lost by ${mode} is asked for again`, async () => {
      const client = mode === "hang" ? lane.clientWith({ timeouts: { answerMs: 1_500 } }) : lane.client;
      lane.emulator.faults.set("openrouter.chat", { mode, times: 1 });
      const before = asked();
      await client.complete(order(WISH));
      expect(asked() - before).toBe(2);
    });
  }

  test("F9 an answer that is slower than the deadline ends there, whatever tries are left", async () => {
    const client = lane.clientWith({ timeouts: { answerMs: 200, totalMs: 300 } });
    lane.emulator.faults.set("openrouter.chat", { mode: "delay", delayMs: 8_000 });
    const startedAt = performance.now();
    expect(await failureOf(client.complete(order(WISH)))).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });
});

describe("an unusable answer", () => {
  const rows: [mode: string, kind: ProviderFailureKind, reason: UnusableReason][] = [
    ["length", "rejected", "length"],
    ["empty", "rejected", "empty"],
    ["null_content", "rejected", "empty"],
    ["refusal", "moderated", "refusal"],
    ["content_filter", "moderated", "content_filter"],
  ];
  for (const [mode, kind, reason] of rows) {
    for (const form of ["whole", "streamed"]) {
      test(`by ${mode}, ${form}, says why and what it cost, and is not asked again`, async () => {
        lane.emulator.faults.set("openrouter.answer", { mode });
        const before = asked();
        const more = form === "streamed" ? { onDelta: () => {} } : {};
        const failure = await failureOf(lane.client.complete(order(WISH, more)));
        expect(failure).toBeInstanceOf(UnusableAnswer);
        expect(failure).toMatchObject({ kind, reason, alert: false, paid: { model: HAIKU } });
        expect((failure as UnusableAnswer).paid.usage.costMicrodollars).toBeGreaterThan(0);
        expect((failure as UnusableAnswer).paid).not.toHaveProperty("text");
        expect(asked() - before).toBe(1);
      });
    }
  }

  test("cut at max_tokens comes by itself when the ceiling is low", async () => {
    expect(await failureOf(lane.client.complete(order(WISH, { maxTokens: 20 })))).toMatchObject({ reason: "length" });
  });

  for (const mode of ["finish_error", "no_choices"]) {
    for (const form of ["whole", "streamed"]) {
      test(`by ${mode}, ${form}, is their failure and is asked for again`, async () => {
        lane.emulator.faults.set("openrouter.answer", { mode, times: 1 });
        const before = asked();
        const more = form === "streamed" ? { onDelta: () => {} } : {};
        expect((await lane.client.complete(order(WISH, more))).finishReason).toBe("stop");
        expect(asked() - before).toBe(2);
      });
    }
  }

  const shapes: [mode: string, check: (text: string) => void][] = [
    ["fenced", (text) => expect(text).toMatch(/^```json\n\{[\s\S]*\}\n```$/)],
    ["wrapped", (text) => expect(text).toMatch(/^face[\s\S]*\{[\s\S]*\}\n/)],
    ["prose_refusal", (text) => expect(text).toMatch(/^I'm sorry/)],
    ["invalid_json", (text) => expect(() => JSON.parse(text)).toThrow()],
    ["two_variants", (text) => expect((JSON.parse(text) as Variants).variants).toHaveLength(2)],
    ["four_variants", (text) => expect((JSON.parse(text) as Variants).variants).toHaveLength(4)],
    ["links", (text) => expect((JSON.parse(text) as Variants).variants[0]?.prompt).toContain("https://")],
  ];
  for (const [mode, check] of shapes) {
    test(`of the shape ${mode} is handed on as text, by switch or by a word in the wish`, async () => {
      lane.emulator.faults.set("openrouter.answer", { mode, times: 1 });
      check((await lane.client.complete(order(WISH))).text);
      check((await lane.client.complete(order(`${WISH} sandbox:${mode}`))).text);
      expect(JSON.parse((await lane.client.complete(order(WISH))).text)).toHaveProperty("variants.2");
    });
  }
});
