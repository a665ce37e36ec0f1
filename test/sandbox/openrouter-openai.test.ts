import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type OpenRouterEmulator, startOpenRouterEmulator } from "../../src/sandbox/openrouter.ts";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import { until } from "../support/until.ts";
import { HAIKU, NEWER_HAIKU, SCHEMA, type Variants } from "./openrouter-lane.ts";

/** A client that we did not write, so that emulator and client cannot be wrong in the same way. */
let emulator: OpenRouterEmulator;
let openai: OpenAI;
beforeAll(async () => {
  emulator = await startOpenRouterEmulator({ answerMs: 1, deltaMs: 0 });
  openai = new OpenAI({ baseURL: emulator.apiUrl, apiKey: emulator.apiKey, maxRetries: 0, timeout: 20_000 });
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.stop());

const MESSAGES = [{ role: "user" as const, content: "<wish>make the sky pink</wish>" }];
const FORMAT = { type: "json_schema" as const, json_schema: { ...SCHEMA, strict: true } };
const ask = { model: HAIKU, max_tokens: 1_500, messages: MESSAGES };

/** What the other client throws. */
async function thrownBy(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the openai client against the emulator", () => {
  test("completes with variants that fit the schema, and with figures", async () => {
    const { data, response } = await openai.chat.completions
      .create({ ...ask, response_format: FORMAT, user: "u_1" })
      .withResponse();
    const { variants } = JSON.parse(data.choices[0]?.message.content ?? "") as Variants;
    expect(variants).toHaveLength(3);
    expect(data).toMatchObject({ model: HAIKU, choices: [{ finish_reason: "stop" }] });
    expect(data.usage?.total_tokens).toBe((data.usage?.prompt_tokens ?? 0) + (data.usage?.completion_tokens ?? 0));
    expect(data.usage).toHaveProperty("cost");
    expect(response.headers.get("x-generation-id")).toBe(data.id);
    expect(emulator.stats().requests.at(-1)).toMatchObject({ user: "u_1", answeredBy: HAIKU });
  });

  test("says a plain sentence where no schema is asked for", async () => {
    const { choices } = await openai.chat.completions.create(ask);
    expect(choices[0]?.message.content).toContain("make the sky pink");
    expect(choices[0]?.message.content).not.toContain("{");
  });

  for (const [what, fault] of [
    ["as it is", undefined],
    ["with its lines cut", { name: "openrouter.stream", mode: "split" }],
    ["with comments first", { name: "openrouter.stream", mode: "slow_start", delayMs: 120 }],
    ["with figures beside no choice", { name: "openrouter.usage", mode: "empty_choices" }],
  ] as const) {
    test(`streams ${what}`, async () => {
      if (fault !== undefined) {
        const { name, ...spec } = fault;
        emulator.faults.set(name, spec);
      }
      let text = "";
      let frames = 0;
      let total = 0;
      for await (const chunk of await openai.chat.completions.create({
        ...ask,
        response_format: FORMAT,
        stream: true,
      })) {
        frames += 1;
        text += chunk.choices[0]?.delta.content ?? "";
        total += chunk.usage?.total_tokens ?? 0;
      }
      expect(JSON.parse(text)).toHaveProperty("variants.2.changes");
      expect(frames).toBeGreaterThan(10);
      expect(total).toBeGreaterThan(0);
    });
  }

  test("meets an error in the middle of a stream as an error", async () => {
    emulator.faults.set("openrouter.stream", { mode: "mid_error" });
    const stream = await openai.chat.completions.create({ ...ask, stream: true });
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    };
    expect((await thrownBy(read())).message).toContain("Provider disconnected");
  });

  test("meets refusals with their status, and retries what says when to come again", async () => {
    const of = async (more: object, client = openai): Promise<number | undefined> =>
      (await thrownBy(client.chat.completions.create({ ...ask, ...more }))).status;
    expect(await of({}, new OpenAI({ baseURL: emulator.apiUrl, apiKey: "wrong", maxRetries: 0 }))).toBe(401);
    expect(await of({ model: "anthropic/claude-haiku-9" })).toBe(400);
    expect(await of({ model: "anthropic/claude-3.5-haiku" })).toBe(404);
    expect(await of({ messages: [] })).toBe(400);
    expect(await of({ temperature: 0.5, top_p: 0.9 })).toBe(400);
    expect(await of({ model: NEWER_HAIKU, temperature: 0.5 })).toBe(400);
    expect(await of({ model: NEWER_HAIKU, temperature: 0.5, provider: { require_parameters: true } })).toBe(404);
    expect(await of({ provider: { only: ["amazon-bedrock"] } })).toBe(404);
    emulator.faults.set("openrouter.chat", { mode: "http_429" });
    const limited = await thrownBy(openai.chat.completions.create(ask));
    expect(limited.headers?.get("x-ratelimit-remaining")).toBe("0");
    emulator.faults.set("openrouter.chat", { mode: "http_503_retry_after", times: 1 });
    expect((await openai.chat.completions.create(ask, { maxRetries: 1 })).model).toBe(HAIKU);
  });

  test("has what a model does not know dropped without a word, unless it is required", async () => {
    expect((await openai.chat.completions.create({ ...ask, seed: 7 })).model).toBe(HAIKU);
    const required = { ...ask, seed: 7, provider: { require_parameters: true } };
    expect((await thrownBy(openai.chat.completions.create(required))).status).toBe(404);
  });

  test("is refused a schema that is not strict, and a name that is too long", async () => {
    const loose = { type: "object", properties: { a: { type: "string" } } };
    for (const json_schema of [
      { name: "loose", strict: true, schema: loose },
      { ...SCHEMA, name: "x".repeat(65), strict: true },
    ]) {
      const call = openai.chat.completions.create({ ...ask, response_format: { type: "json_schema", json_schema } });
      expect((await thrownBy(call)).status).toBe(400);
    }
  });

  test("is refused pictures that are none, of another type, too large, or out of reach", async () => {
    const good = `data:image/png;base64,${Buffer.from(plainPng(8, 8, [1, 2, 3])).toString("base64")}`;
    const large = Buffer.concat([Buffer.from(plainPng(8, 8, [1, 2, 3])), Buffer.alloc(5_000_000)]).toString("base64");
    const withPicture = (url: string) =>
      openai.chat.completions.create({
        ...ask,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "x" },
              { type: "image_url", image_url: { url } },
            ],
          },
        ],
      });
    expect((await withPicture(good)).model).toBe(HAIKU);
    for (const [url, type] of [
      ["ftp://a.test/a.png", "invalid_image"],
      ["data:image/png;base64,AAAA", "invalid_image"],
      ["data:image/svg+xml;base64,AAAA", "unsupported_image_format"],
      [`data:image/png;base64,${large}`, "image_too_large"],
      ["http://127.0.0.1:1/a.png", "image_download_failed"],
    ] as const) {
      const refused = await thrownBy(withPicture(url));
      expect(refused).toMatchObject({ status: 400, error: { metadata: { error_type: type } } });
    }
  });

  test("finds the models in the list", async () => {
    const slugs: string[] = [];
    for await (const { id } of openai.models.list()) slugs.push(id);
    expect(slugs).toEqual([HAIKU, NEWER_HAIKU]);
  });
});

describe("the other calls", () => {
  const get = async (path: string): Promise<{ status: number; body: { data: Record<string, unknown> } }> => {
    const headers = { authorization: `Bearer ${emulator.apiKey}` };
    const response = await fetch(emulator.apiUrl + path, { headers, keepalive: false });
    return { status: response.status, body: (await response.json()) as { data: Record<string, unknown> } };
  };

  test("a generation is unknown for a moment, then told with its price", async () => {
    let made = await openai.chat.completions.create(ask);
    let seen = await get(`/generation?id=${made.id}`);
    // On a machine that does a lot else the moment may be over before it can be looked at.
    for (let tries = 1; seen.status !== 404 && tries < 10; tries += 1) {
      made = await openai.chat.completions.create(ask);
      seen = await get(`/generation?id=${made.id}`);
    }
    expect(seen.status).toBe(404);
    const { id, usage } = made;
    await until(async () => (await get(`/generation?id=${id}`)).status === 200, "it is told");
    const { body } = await get(`/generation?id=${id}`);
    expect(body.data).toMatchObject({ id, model: HAIKU, finish_reason: "stop", streamed: false });
    expect(body.data.total_cost).toBe((usage as unknown as { cost: number }).cost);
  });

  test("the account's credits are not for an ordinary key, and unknown paths are told", async () => {
    expect((await get("/credits")).status).toBe(403);
    expect((await get("/nothing")).status).toBe(404);
  });
});
