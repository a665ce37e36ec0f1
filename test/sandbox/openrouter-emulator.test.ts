import { describe, expect, test } from "bun:test";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import {
  failureOf,
  HAIKU,
  NEWER_HAIKU,
  order,
  startOpenRouterLane,
  useOpenRouterLane,
  type Variants,
  WISH,
} from "./openrouter-lane.ts";

const { alerts, lane, lastAsked, streamed } = await useOpenRouterLane();

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
