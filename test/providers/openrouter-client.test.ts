import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { OperatorError } from "../../src/platform/errors.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { chatBody } from "../../src/providers/openrouter/chat-body.ts";
import { failureOf as classify } from "../../src/providers/openrouter/classify.ts";
import { createOpenRouterClient } from "../../src/providers/openrouter/client.ts";
import {
  failureOf,
  HAIKU,
  NEWER_HAIKU,
  type OpenRouterLane,
  order,
  SCHEMA,
  startOpenRouterLane,
} from "../sandbox/openrouter-lane.ts";
import { bareServer } from "./bare-server.ts";

let lane: OpenRouterLane;
beforeAll(async () => {
  lane = await startOpenRouterLane();
});
afterAll(() => lane.emulator.stop());

describe("the body of a completion", () => {
  test("pins the host, forbids dropping parameters and storing data, and asks for the strict schema", () => {
    const { messages } = order("x");
    expect(chatBody([HAIKU], order("x", { endUserHash: "u_1" }), false)).toEqual({
      model: HAIKU,
      messages: [...messages],
      max_tokens: 1_500,
      user: "u_1",
      response_format: { type: "json_schema", json_schema: { ...SCHEMA, strict: true } },
      provider: { order: ["anthropic"], require_parameters: true, data_collection: "deny" },
    });
  });

  test("names the fallbacks behind the first model, and holds no sampling parameter that one of them refuses", () => {
    const body = chatBody([HAIKU, NEWER_HAIKU], order("x"), true);
    expect(body).toMatchObject({ model: HAIKU, models: [HAIKU, NEWER_HAIKU], stream: true });
    for (const parameter of ["temperature", "top_p", "top_k", "seed"]) expect(body).not.toHaveProperty(parameter);
  });

  test("is what an endpoint of each model takes", async () => {
    for (const model of [HAIKU, NEWER_HAIKU, "~anthropic/claude-haiku-latest"]) {
      expect((await lane.clientWith({ models: [model] }).complete(order("x"))).finishReason).toBe("stop");
    }
  });
});

describe("a request on the wire", () => {
  test("carries the key, the site and the request's id", async () => {
    const server = await bareServer((socket) => socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"));
    const client = lane.clientWith({
      apiUrl: `${server.url}/`,
      apiKey: "sk-or-v1-secret",
      siteUrl: "https://app.test",
    });
    const failure = await failureOf(client.complete(order("x", { requestId: "request-7" })));
    server.close();
    const [head] = (server.hits[0] ?? "").toLowerCase().split("\r\n\r\n");
    expect(head).toStartWith("post /api/v1/chat/completions http/1.1");
    for (const line of [
      "authorization: bearer sk-or-v1-secret",
      "http-referer: https://app.test",
      "x-openrouter-title: atelier",
      "x-request-id: request-7",
    ]) {
      expect(head).toContain(line);
    }
    expect(failure).toMatchObject({ kind: "unauthorized", alert: true });
    expect(JSON.stringify(lane.lines)).not.toContain("secret");
  });
});

describe("the classes of refusals", () => {
  const words: [code: unknown, type: string, kind: string][] = [
    ["server_error", "", "unavailable"],
    ["rate_limit_exceeded", "", "rate_limited"],
    ["something_new", "", "unavailable"],
    ["429", "", "rate_limited"],
    [undefined, "payment_required", "out_of_funds"],
    [undefined, "authentication", "unauthorized"],
    [undefined, "provider_overloaded", "unavailable"],
    [undefined, "context_length_exceeded", "rejected"],
    [200, "content_policy_violation", "moderated"],
    [400, "refusal", "moderated"],
    [400, "image_download_failed", "input_unreachable"],
    [418, "", "rejected"],
  ];
  for (const [code, type, kind] of words) {
    test(`under HTTP 200 the code ${String(code)} with the type "${type}" is ${kind}`, () => {
      expect(classify({ code, message: "x", metadata: { error_type: type } }, { status: 200 }).kind).toBe(
        kind as never,
      );
    });
  }

  test("nothing of their sentences and metadata is repeated, as they quote what people wrote", () => {
    const error = {
      code: 403,
      message: "flagged: my private wish",
      metadata: { error_type: "my private wish", flagged_input: "my private wish", reasons: ["my private wish"] },
    };
    for (const status of [200, 400, 403, 422, 500]) {
      expect(classify(error, { status }).message).not.toContain("private");
    }
  });

  test("a wait is taken from the header where it is a number of seconds, and is never longer than an hour", () => {
    const waitOf = (retryAfter: string | null) => classify({ code: 429 }, { status: 429, retryAfter }).retryAfterMs;
    expect([waitOf("7"), waitOf("0.5"), waitOf("999999"), waitOf("soon"), waitOf(null)]).toEqual([
      7_000, 500, 3_600_000, 4_000, 4_000,
    ]);
  });

  test("a redirect is not followed, as the key would travel along, and alerts", () => {
    expect(classify(undefined, { status: 302 })).toMatchObject({ kind: "unavailable", alert: true });
  });
});

describe("the account", () => {
  test("shows what the key may still spend, or that it has no limit", async () => {
    expect(await lane.client.key()).toEqual({
      limitRemaining: 10 - lane.emulator.stats().spentMicrodollars / 1_000_000,
      limit: 10,
      used: lane.emulator.stats().spentMicrodollars / 1_000_000,
      isFreeTier: false,
      expiresAt: null,
    });
    lane.emulator.faults.set("openrouter.key", { mode: "unlimited", times: 1 });
    expect(await lane.client.key()).toMatchObject({ limit: null, limitRemaining: null });
    lane.emulator.faults.set("openrouter.key", { mode: "used_up", times: 1 });
    expect(await lane.client.key()).toMatchObject({ limitRemaining: 0 });
  });

  test("a passing failure is tried again, a wrong key and an unknown shape are told", async () => {
    lane.emulator.faults.set("openrouter.key", { mode: "http_502", times: 2 });
    expect((await lane.client.key()).limit).toBe(10);
    expect(await failureOf(lane.clientWith({ apiKey: "other" }).key())).toMatchObject({ kind: "unauthorized" });
    lane.emulator.faults.set("openrouter.key", { mode: "unknown_shape", times: 3 });
    expect(await failureOf(lane.client.key())).toMatchObject({ kind: "unavailable" });
  });

  test("shows a model that is gone, that is going, or that is of no use", async () => {
    const models = [HAIKU, `${NEWER_HAIKU}:beta`, "anthropic/claude-3.5-haiku", "~anthropic/claude-haiku-latest"];
    const client = lane.clientWith({ models });
    const states = async () => (await client.models()).map(({ state }) => state);
    expect(await states()).toEqual(["live", "live", "missing", "alias"]);
    lane.emulator.faults.set("openrouter.models", { mode: "retired", times: 1 });
    expect(await states()).toEqual(["missing", "live", "missing", "alias"]);
    lane.emulator.faults.set("openrouter.models", { mode: "no_structured_outputs", times: 1 });
    expect((await states()).slice(0, 2)).toEqual(["no_structured_outputs", "no_structured_outputs"]);
    lane.emulator.faults.set("openrouter.models", { mode: "expiring", times: 1 });
    expect((await client.models())[0]).toEqual({ slug: HAIKU, state: "expiring", expiresAt: "2026-12-31" });
  });
});

describe("a client", () => {
  const make = (more: Record<string, unknown>) => () =>
    createOpenRouterClient({
      apiUrl: "https://openrouter.ai/api/v1",
      apiKey: "key",
      models: [HAIKU],
      log: silentLog,
      loopbackAllowed: false,
      ...more,
    });

  test("is made from the real address, and from loopback only when that is allowed", () => {
    expect(make({})()).toHaveProperty("complete");
    expect(make({ apiUrl: "http://127.0.0.1:1", loopbackAllowed: true })()).toHaveProperty("complete");
    expect(make({ apiUrl: "http://127.0.0.1:1" })).toThrow(OperatorError);
    expect(make({ apiUrl: "http://openrouter.ai/api/v1", loopbackAllowed: true })).toThrow(OperatorError);
    expect(make({ apiUrl: "openrouter.ai" })).toThrow("OPENROUTER_API_URL");
  });

  test("wants at least one model, spelt as author/slug", () => {
    for (const models of [[], [""], ["claude-haiku-4.5"], [HAIKU, "a b/c"]]) {
      expect(make({ models })).toThrow("OPENROUTER_MODELS");
    }
  });
});
