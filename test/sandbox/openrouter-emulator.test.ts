import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ProviderFailureKind } from "../../src/platform/errors.ts";
import { UnusableAnswer, type UnusableReason } from "../../src/providers/openrouter/completion.ts";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import { until } from "../support/until.ts";
import {
  failureOf,
  HAIKU,
  NEWER_HAIKU,
  type OpenRouterLane,
  order,
  startOpenRouterLane,
  type Variants,
} from "./openrouter-lane.ts";

const WISH = "make the leather jacket red";
let lane: OpenRouterLane;
beforeAll(async () => {
  lane = await startOpenRouterLane();
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.setBalance(10_000_000);
  lane.lines.length = 0;
  lane.waits.length = 0;
});
afterAll(() => lane.emulator.stop());

const asked = (): number => lane.emulator.stats().requests.length;
const lastAsked = () => lane.emulator.stats().requests.at(-1);
const alerts = (): unknown[] => lane.lines.filter(({ level, alert }) => level === "error" && alert === true);

/** Streams, keeping the deltas. */
async function streamed(more: Parameters<typeof order>[1] = {}) {
  const deltas: string[] = [];
  const call = lane.client.complete(order(WISH, { onDelta: (text) => deltas.push(text), ...more }));
  return { deltas, call };
}

describe("an answer", () => {
  test("holds three variants of different strength, made of the wish, with model, figures and price", async () => {
    const completion = await lane.client.complete(order(WISH));
    const { reply, variants } = JSON.parse(completion.text) as Variants;
    expect(reply).toContain(WISH);
    expect(variants).toHaveLength(3);
    expect(new Set(variants.map(({ prompt }) => prompt)).size).toBe(3);
    for (const { title, prompt, changes } of variants) {
      expect(title.split(" ").length).toBeLessThanOrEqual(5);
      expect(prompt).toContain(WISH);
      expect(changes).toHaveLength(3);
    }
    expect(completion).toMatchObject({ model: HAIKU, finishReason: "stop" });
    expect(completion.generationId).toMatch(/^gen-\d+-/);
    const { inputTokens, outputTokens, costMicrodollars } = completion.usage;
    expect(costMicrodollars).toBe(inputTokens + 5 * outputTokens);
    expect(lane.emulator.stats().spentMicrodollars).toBeGreaterThanOrEqual(costMicrodollars ?? Number.NaN);
    expect(alerts()).toEqual([]);
  });

  test("is Russian where the wish is", async () => {
    const { text } = await lane.client.complete(order("сделай куртку красной"));
    const { reply, variants } = JSON.parse(text) as Variants;
    expect(reply).toMatch(/^Три варианта/);
    for (const { title, prompt } of variants) expect(title + prompt).not.toMatch(/[A-Za-z]/);
  });

  const marks: [what: string, text: string][] = [
    ["angle brackets", `Rules first. <<<${WISH}>>> Nothing else.`],
    ["angle brackets with a word", `<<<wish-7>>>${WISH}<<<end>>>`],
    ["a tag", `Rules first. <wish>${WISH}</wish>`],
    ["three quotes", `Rules first. """${WISH}"""`],
    ["nothing", WISH],
  ];
  for (const [what, text] of marks) {
    test(`is made of the wish between ${what}, without the words around it`, async () => {
      const messages = [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
      const { variants } = JSON.parse((await lane.client.complete(order("", { messages }))).text) as Variants;
      expect(variants[1]?.prompt).toContain(`: ${WISH}.`);
      expect(variants[1]?.prompt).not.toContain("Rules");
    });
  }

  test("still knows the wish when the last message only asks for a repair", async () => {
    const { messages } = order(WISH);
    const repair = [...messages, { role: "user" as const, content: "That could not be used. Give the JSON again." }];
    const { text } = await lane.client.complete(order("", { messages: repair }));
    expect(text).toContain(WISH);
  });

  test("fills whatever other schema it is asked for", async () => {
    const { text } = await lane.client.complete(
      order(WISH, {
        schema: {
          name: "mood",
          schema: {
            type: "object",
            additionalProperties: false,
            required: ["mood", "score", "sure", "note", "tags"],
            properties: {
              mood: { enum: ["calm", "wild"] },
              score: { type: "integer", minimum: 3 },
              sure: { type: "boolean" },
              note: { anyOf: [{ type: "null" }, { $ref: "#/$defs/note" }] },
              tags: { type: "array", items: { type: "string" }, maxItems: 2 },
            },
            $defs: { note: { type: "string", maxLength: 4 } },
          },
        },
      }),
    );
    expect(JSON.parse(text)).toEqual({ mood: "calm", score: 3, sure: true, note: "make", tags: [WISH, WISH] });
  });

  test("in a stream is the same text, in many pieces", async () => {
    const { deltas, call } = await streamed();
    const completion = await call;
    expect(deltas.length).toBeGreaterThan(10);
    expect(deltas.join("")).toBe(completion.text);
    expect(completion.text).toBe((await lane.client.complete(order(WISH))).text);
    expect(completion.usage.costMicrodollars).toBeGreaterThan(0);
    expect(lastAsked()).toMatchObject({ streamed: false });
    expect(lane.emulator.stats().requests.at(-2)).toMatchObject({ streamed: true, outcome: "answered" });
  });

  test("counts the pictures that came along, and the rest is told without a word of what was said", async () => {
    const picture = plainPng(64, 64, [20, 40, 200]);
    const url = `data:image/png;base64,${Buffer.from(picture).toString("base64")}`;
    const content = [
      { type: "text" as const, text: WISH },
      { type: "image_url" as const, image_url: { url } },
    ];
    await lane.client.complete(
      order("", { messages: [{ role: "user", content }], endUserHash: "u_5f0c", requestId: "r-1" }),
    );
    expect(lastAsked()).toMatchObject({
      model: HAIKU,
      messages: 1,
      maxTokens: 1_500,
      imageBytes: picture.byteLength,
      streamed: false,
      user: "u_5f0c",
      requestId: "r-1",
      outcome: "answered",
      answeredBy: HAIKU,
    });
    const told = await (await fetch(`${lane.emulator.url}/_stats`)).text();
    expect(told).not.toContain("jacket");
    expect(JSON.stringify(lane.lines)).not.toMatch(/jacket|base64/);
  });
});

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

describe("the price", () => {
  for (const mode of ["negative", "not_a_number", "missing_cost", "no_usage"]) {
    test(`C6 that is told as ${mode} is refused and alerts, and the answer still counts`, async () => {
      lane.emulator.faults.set("openrouter.usage", { mode });
      const { call } = await streamed();
      const completion = await call;
      expect(completion.usage.costMicrodollars).toBeNull();
      expect(completion.text).toContain(WISH);
      expect(alerts()).toHaveLength(1);
      expect(alerts()[0]).toMatchObject({ generationId: completion.generationId, model: HAIKU });
    });
  }

  test("comes with a frame of no choices as well", async () => {
    lane.emulator.faults.set("openrouter.usage", { mode: "empty_choices" });
    expect((await (await streamed()).call).usage.costMicrodollars).toBeGreaterThan(0);
  });

  test("is that of the model that answered, when the first one failed", async () => {
    const client = lane.clientWith({ models: [HAIKU, NEWER_HAIKU] });
    lane.emulator.faults.set("openrouter.fallback", { mode: "first_fails" });
    const { model, usage } = await client.complete(order(WISH));
    expect(model).toBe(NEWER_HAIKU);
    expect(usage.costMicrodollars).toBe(Math.round(0.1 * usage.inputTokens + 0.5 * usage.outputTokens));
    expect(lastAsked()).toMatchObject({ model: HAIKU, models: [HAIKU, NEWER_HAIKU], answeredBy: NEWER_HAIKU });
    lane.emulator.faults.set("openrouter.fallback", { mode: "all_fail" });
    expect(await failureOf(client.complete(order(WISH)))).toMatchObject({ kind: "unavailable" });
  });

  test("that the account cannot pay is refused, for all or for what max_tokens would allow", async () => {
    lane.emulator.setBalance(0);
    expect((await failureOf(lane.client.complete(order(WISH)))).message).toContain("no credits are left");
    lane.emulator.setBalance(3_000);
    const failure = await failureOf(lane.client.complete(order(WISH)));
    expect(failure).toMatchObject({ kind: "out_of_funds", alert: true });
    expect(failure.message).toContain("max_tokens");
    expect((await lane.client.complete(order(WISH, { maxTokens: 500 }))).model).toBe(HAIKU);
  });
});

describe("a stream", () => {
  test("that fails in the middle is not begun anew, as a part was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const before = asked();
      const { deltas, call } = await streamed();
      expect(await failureOf(call)).toMatchObject({ kind: "unavailable" });
      expect(deltas.length).toBeGreaterThan(1);
      expect(asked() - before).toBe(1);
    }
  });

  test("that fails in the middle begins anew for a caller that can forget what it was shown", async () => {
    for (const mode of ["mid_error", "mid_error_word", "cut", "not_json", "hang"]) {
      lane.emulator.faults.set("openrouter.stream", { mode, times: 2 });
      let shown = "";
      let restarts = 0;
      const client = mode === "hang" ? lane.clientWith({ timeouts: { idleMs: 1_000 } }) : lane.client;
      const completion = await client.complete(
        order(WISH, {
          onDelta: (text) => {
            shown += text;
          },
          onRestart: () => {
            shown = "";
            restarts += 1;
          },
        }),
      );
      expect(restarts).toBe(2);
      expect(shown).toBe(completion.text);
    }
  });

  test("whose only frame is an error is asked for again, as nothing was shown", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "only_error", times: 2 });
    const before = asked();
    const { call } = await streamed();
    await call;
    expect(asked() - before).toBe(3);
  });

  test("that a filter stops in the middle is moderated", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "mid_moderation" });
    expect(await failureOf((await streamed({ onRestart: () => {} })).call)).toMatchObject({ kind: "moderated" });
  });

  test("that breaks off behind the finish reason is whole; only its price is missing", async () => {
    lane.emulator.faults.set("openrouter.stream", { mode: "cut_before_usage" });
    const { call } = await streamed();
    const completion = await call;
    expect(JSON.parse(completion.text)).toHaveProperty("variants");
    expect(completion.usage.costMicrodollars).toBeNull();
    expect(alerts()).toHaveLength(1);
  });

  test("reads the same with its lines cut anywhere, and without the last word", async () => {
    for (const mode of ["split", "no_done"]) {
      lane.emulator.faults.set("openrouter.stream", { mode });
      const { deltas, call } = await streamed();
      const { text, usage } = await call;
      expect(deltas.join("")).toBe(text);
      expect(JSON.parse(text)).toHaveProperty("variants.2");
      expect(usage.costMicrodollars).toBeGreaterThan(0);
    }
  });

  test("that is slow to begin is kept alive by its comments, and that only comments ends at the deadline", async () => {
    const patient = lane.clientWith({ timeouts: { idleMs: 1_000 } });
    lane.emulator.faults.set("openrouter.stream", { mode: "slow_start", delayMs: 2_500 });
    await patient.complete(order(WISH, { onDelta: () => {} }));
    lane.emulator.faults.set("openrouter.stream", { mode: "comments" });
    const client = lane.clientWith({ timeouts: { idleMs: 1_000, totalMs: 900 } });
    const startedAt = performance.now();
    const failure = await failureOf(client.complete(order(WISH, { onDelta: () => {} })));
    expect(failure).toMatchObject({ kind: "unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  test("is dropped when the caller leaves: at once, in the middle, and between two tries", async () => {
    const gone = AbortSignal.abort(new Error("nobody listens"));
    await expect(lane.client.complete(order(WISH, { signal: gone }))).rejects.toThrow("nobody listens");

    const leaving = new AbortController();
    lane.emulator.faults.set("openrouter.pace", { mode: "pace", delayMs: 20 });
    const onDelta = (): void => leaving.abort(new Error("the page was closed"));
    const spent = lane.emulator.stats().spentMicrodollars;
    await expect(lane.client.complete(order(WISH, { onDelta, signal: leaving.signal }))).rejects.toThrow(
      "page was closed",
    );
    await until(() => lastAsked()?.outcome !== "open", "the emulator sees it");
    expect(lastAsked()).toMatchObject({ outcome: "left", costMicrodollars: 0 });
    expect(lane.emulator.stats().spentMicrodollars).toBe(spent);

    lane.emulator.faults.set("openrouter.chat", { mode: "http_502" });
    const waiting = new AbortController();
    const sleeper = lane.clientWith({ sleep: Bun.sleep, random: () => 0 });
    setTimeout(() => waiting.abort(new Error("enough")), 50);
    await expect(sleeper.complete(order(WISH, { signal: waiting.signal }))).rejects.toThrow("enough");
  });

  test("what a caller's own code throws goes through as it is, and is not tried again", async () => {
    const before = asked();
    const onDelta = (): void => {
      throw new TypeError("a bug");
    };
    await expect(lane.client.complete(order(WISH, { onDelta, onRestart: () => {} }))).rejects.toThrow(TypeError);
    expect(asked() - before).toBe(1);
  });
});

describe("the emulator's account", () => {
  test("knows the most requests at once, in all and for each person", async () => {
    const fresh = await startOpenRouterLane({ answerMs: 700 });
    try {
      const ask = (endUserHash: string, more = {}) => fresh.client.complete(order(WISH, { endUserHash, ...more }));
      await Promise.all([ask("a"), ask("a"), ask("b", { onDelta: () => {} })]);
      await ask("a");
      expect(fresh.emulator.stats().atOnce).toEqual({ overall: 3, byUser: { a: 2, b: 1 } });
      expect(fresh.emulator.stats().outcomes).toEqual({ answered: 4 });
    } finally {
      await fresh.emulator.stop();
    }
  });

  test("takes and shows its switches over HTTP", async () => {
    const put = await fetch(`${lane.emulator.url}/_faults`, {
      method: "PUT",
      body: JSON.stringify({ "openrouter.chat": { mode: "http_402" } }),
    });
    expect(put.status).toBe(200);
    expect(await failureOf(lane.client.complete(order(WISH)))).toMatchObject({ kind: "out_of_funds" });
  });
});
