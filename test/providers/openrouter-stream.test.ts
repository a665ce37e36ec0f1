import { afterAll, describe, expect, test } from "bun:test";
import { createOpenRouterClient } from "../../src/providers/openrouter/client.ts";
import type { Completion } from "../../src/providers/openrouter/completion.ts";
import { createEventReader } from "../../src/providers/openrouter/event-stream.ts";
import { failureOf, HAIKU, keptLog, order } from "../sandbox/openrouter-lane.ts";
import { within } from "../support/timing.ts";
import { type BareServer, bareServer } from "./bare-server.ts";

const servers: BareServer[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

const frame = (choices: unknown[], more: Record<string, unknown> = {}): string =>
  `data: ${JSON.stringify({ id: "gen-1-a", model: HAIKU, object: "chat.completion.chunk", choices, ...more })}\n\n`;
const delta = (content: string, finish: string | null = null): unknown => ({
  index: 0,
  delta: { role: "assistant", content },
  finish_reason: finish,
});
const USAGE = { prompt_tokens: 13, completion_tokens: 5, total_tokens: 18, cost: 0.000038 };
const END = frame([delta("", "stop")]) + frame([delta("", "stop")], { usage: USAGE });
const PIECES = ['{"reply":"', "Привет, ", "мир 🎨", ' — ok"}'];
const WHOLE = PIECES.join("");
const FRAMES = PIECES.map((piece) => frame([delta(piece)])).join("");

/** The silence after which a stream is given up. */
const IDLE_MS = 1_000;

/** Streams from a server that sends these bytes in these chunks, then closes. */
async function streamFrom(chunks: readonly Uint8Array[], pauseMs = 0) {
  const server = await bareServer(async (socket) => {
    socket.setNoDelay(true);
    for (const chunk of chunks) {
      await new Promise((resolve) => socket.write(chunk, resolve));
      if (pauseMs > 0) await Bun.sleep(pauseMs);
    }
    socket.end();
  });
  servers.push(server);
  const { log, lines } = keptLog();
  const client = createOpenRouterClient({
    apiUrl: server.url,
    apiKey: "key",
    models: [HAIKU],
    log,
    loopbackAllowed: true,
    timeouts: { idleMs: IDLE_MS },
    sleep: async () => {},
  });
  const deltas: string[] = [];
  const call: Promise<Completion> = client.complete(order("x", { onDelta: (text) => deltas.push(text) }));
  return { call, deltas, lines, hits: server.hits };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a stream read from bare bytes", () => {
  const forms: [what: string, body: string][] = [
    ["with the choice repeated beside the figures", `${FRAMES}${END}data: [DONE]\n\n`],
    [
      "with figures beside no choice",
      `${FRAMES}${frame([delta("", "stop")])}${frame([], { usage: USAGE })}data: [DONE]\n\n`,
    ],
    [
      "with comments everywhere",
      `: PROCESSING\n\n${FRAMES.replaceAll("\n\n", "\n\n: PROCESSING\n\n")}${END}data: [DONE]\n\n`,
    ],
    ["with lines that end in CR LF", `${FRAMES}${END}data: [DONE]\n\n`.replaceAll("\n", "\r\n")],
    ["without the last word", `${FRAMES}${END}`],
    ["without the last blank line", `${FRAMES}${END}`.slice(0, -2)],
    [
      "with fields and frames that nobody knows",
      `event: x\nid: 7\nretry: 5\n${FRAMES}data: {"type":"new"}\n\n${END}data: [DONE]\n\n`,
    ],
    [
      "with the finish reason beside the last text",
      FRAMES.replace(/null(?=[^n]*$)/, '"stop"') + frame([], { usage: USAGE }),
    ],
  ];
  for (const [what, body] of forms) {
    test(`${what} gives the text, the figures and the price`, async () => {
      const { call, deltas, lines } = await streamFrom([bytes(HEAD + body)]);
      expect(await call).toEqual({
        text: WHOLE,
        model: HAIKU,
        finishReason: "stop",
        generationId: "gen-1-a",
        usage: { inputTokens: 13, outputTokens: 5, costMicrodollars: 38 },
      });
      expect(deltas).toEqual(PIECES);
      expect(lines.filter(({ level }) => level === "error")).toEqual([]);
    });
  }

  test("is the same wherever TCP cuts it, inside lines and inside characters", async () => {
    const body = bytes(`${HEAD}: PROCESSING\n\n${FRAMES}${END}data: [DONE]\n\n`);
    // A pause behind each byte, or they would travel together.
    const alone = Array.from(body, (byte) => Uint8Array.of(byte));
    const { call, deltas } = await streamFrom(alone, 1);
    expect((await call).text).toBe(WHOLE);
    expect(deltas).toEqual(PIECES);
  });

  test("is the same cut in two at each byte", async () => {
    const text = `: c\n\ndata: {"a":"é🎨"}\r\n\r\ndata: [DONE]\n\n`;
    const body = bytes(text);
    for (let cut = 0; cut <= body.byteLength; cut += 1) {
      const decoder = new TextDecoder();
      const reader = createEventReader();
      const first = reader.push(decoder.decode(body.subarray(0, cut), { stream: true }));
      const second = reader.push(decoder.decode(body.subarray(cut), { stream: true }));
      expect([...first, ...second]).toEqual(['{"a":"é🎨"}', "[DONE]"]);
    }
  });

  test("ends at its last word, though the other side holds the connection open", async () => {
    const server = await bareServer((socket) => {
      socket.write(`${HEAD}${FRAMES}${END}data: [DONE]\n\n`);
    });
    servers.push(server);
    const { log } = keptLog();
    const client = createOpenRouterClient({
      apiUrl: server.url,
      apiKey: "k",
      models: [HAIKU],
      log,
      loopbackAllowed: true,
    });
    const startedAt = performance.now();
    expect((await client.complete(order("x", { onDelta: () => {} }))).text).toBe(WHOLE);
    expect(performance.now() - startedAt).toBeLessThan(within(500, 10_000));
  });

  test("is kept alive by comments alone, and given up after a silence", async () => {
    const comments = Array.from({ length: 8 }, () => bytes(": PROCESSING\n\n"));
    const alive = await streamFrom([bytes(HEAD), ...comments, bytes(`${FRAMES}${END}data: [DONE]\n\n`)], IDLE_MS / 4);
    expect((await alive.call).text).toBe(WHOLE);
    const silent = await streamFrom([bytes(HEAD + FRAMES), bytes(END)], 2 * IDLE_MS);
    expect(await failureOf(silent.call)).toMatchObject({ kind: "unavailable" });
    expect(silent.hits).toHaveLength(1);
  });

  const failures: [what: string, body: string, kind: string, deltaCount: number, hits: number][] = [
    ["breaks off between frames", FRAMES, "unavailable", 4, 1],
    ["breaks off inside a line", FRAMES + frame([delta("x")]).slice(0, 30), "unavailable", 4, 1],
    ["breaks off before the first word", ": PROCESSING\n\n", "unavailable", 0, 3],
    ["holds only an error", frame([], { error: { code: 429, message: "slow" } }), "rate_limited", 0, 3],
    ["holds an error of a word", frame([], { error: { code: "server_error", message: "oops" } }), "unavailable", 0, 3],
    [
      "ends in an error of the choice",
      FRAMES + frame([{ ...(delta("", "error") as object), error: { code: 400 } }]),
      "rejected",
      4,
      1,
    ],
    ["holds nothing but its last word", "data: [DONE]\n\n", "unavailable", 0, 3],
    ["has a frame that is no JSON", `${FRAMES}data: {oops\n\n${END}`, "unavailable", 4, 1],
    ["is longer than is read", frame([delta("x".repeat(2_000_100))]), "unavailable", 0, 3],
    [
      "declines in the way of the upstream",
      frame([{ ...(delta("no", "stop") as object), native_finish_reason: "refusal" }]),
      "moderated",
      1,
      1,
    ],
  ];
  for (const [what, body, kind, deltaCount, hits] of failures) {
    test(`that ${what} is ${kind}, after ${hits} of three tries`, async () => {
      const streamed = await streamFrom([bytes(`${HEAD}${body}`)]);
      expect(await failureOf(streamed.call)).toMatchObject({ kind });
      expect(streamed.deltas).toHaveLength(deltaCount);
      expect(streamed.hits).toHaveLength(hits);
    });
  }

  test("may turn out to be no stream: a whole answer is shown at once", async () => {
    const answer = JSON.stringify({
      id: "gen-1-b",
      model: HAIKU,
      choices: [{ message: { role: "assistant", content: "all of it" }, finish_reason: "stop" }],
      usage: USAGE,
    });
    const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    const { call, deltas } = await streamFrom([bytes(head + answer)]);
    expect(await call).toMatchObject({ text: "all of it", generationId: "gen-1-b" });
    expect(deltas).toEqual(["all of it"]);
  });
});
