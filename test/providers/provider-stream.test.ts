import { afterAll, describe, expect, test } from "bun:test";
import { ProviderFailure } from "../../src/platform/errors.ts";
import {
  type ProviderStream,
  type ProviderStreamRequest,
  providerStream,
} from "../../src/providers/provider-stream.ts";
import { failureOf, keptLog } from "../sandbox/openrouter-lane.ts";
import { within } from "../support/timing.ts";
import { until } from "../support/until.ts";
import { type BareServer, bareServer } from "./bare-server.ts";

const servers: BareServer[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n";
const TEXT = "é, мир, 🎨 — end";

async function serverThat(answer: Parameters<typeof bareServer>[0]): Promise<BareServer> {
  const server = await bareServer(answer);
  servers.push(server);
  return server;
}

const { log, lines } = keptLog();

function call<T>(
  url: string,
  read: (answer: ProviderStream) => Promise<T>,
  more: Partial<ProviderStreamRequest> = {},
): Promise<T> {
  const rest = { provider: "somebody", method: "POST", timeoutMs: 1_000, bytesMax: 1_000, repeatable: true } as const;
  return providerStream({ url, body: "{}", log, ...rest, ...more }, read);
}

async function whole(answer: ProviderStream): Promise<string> {
  let text = "";
  for await (const piece of answer.pieces) text += piece;
  return text;
}

describe("an answer read while it is written", () => {
  test("keeps its characters whole wherever they are cut", async () => {
    const server = await serverThat(async (socket) => {
      socket.setNoDelay(true);
      socket.write(HEAD);
      for (const byte of new TextEncoder().encode(TEXT)) {
        await Bun.sleep(3);
        socket.write(Uint8Array.of(byte));
      }
      socket.end();
    });
    let pieces = 0;
    const text = await call(server.url, async (answer) => {
      let joined = "";
      for await (const piece of answer.pieces) {
        expect(piece).not.toContain("\uFFFD");
        joined += piece;
        pieces += 1;
      }
      return joined;
    });
    expect(text).toBe(TEXT);
    expect(pieces).toBeGreaterThan(5);
  });

  test("may be left before its end; the connection is closed and nothing more is read", async () => {
    let closed = false;
    const server = await serverThat((socket) => {
      socket.on("close", () => {
        closed = true;
      });
      socket.write(`${HEAD}enough`);
    });
    const first = await call(server.url, async ({ pieces }) => {
      for await (const piece of pieces) return piece;
      return "";
    });
    expect(first).toBe("enough");
    await until(() => closed, "the connection is closed");
  });

  test("F9 is given up at its deadline, however lively it is", async () => {
    const server = await serverThat((socket) => {
      socket.write(HEAD);
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const startedAt = performance.now();
    expect(await failureOf(call(server.url, whole, { timeoutMs: 250, idleMs: 100 }))).toMatchObject({
      kind: "unavailable",
      message: "somebody: no whole answer within 250 ms",
    });
    expect(performance.now() - startedAt).toBeLessThan(within(600, 8_000));
  });

  test("F9 is given up after a silence, before its head as well", async () => {
    for (const head of ["", HEAD, `${HEAD}x`]) {
      const server = await serverThat((socket) => void (head === "" || socket.write(head)));
      const failure = await failureOf(call(server.url, whole, { idleMs: 80 }));
      expect(failure.message).toBe("somebody: silent for 80 ms");
    }
  });

  test("J2 that is lost may have been carried out, where repeating does harm", async () => {
    const head = HEAD.replace("\r\n\r\n", "\r\ncontent-length: 8\r\n\r\n");
    const server = await serverThat((socket) => socket.write(`${head}half`, () => socket.destroy()));
    expect(await failureOf(call(server.url, whole, { repeatable: false }))).toMatchObject({ kind: "unknown" });
    expect(await failureOf(call("http://127.0.0.1:1/", whole, { repeatable: false }))).toMatchObject({
      kind: "unavailable",
    });
  });

  test("has no more than so many bytes", async () => {
    const server = await serverThat((socket) => socket.end(HEAD + "x".repeat(1_001)));
    expect(await failureOf(call(server.url, whole))).toMatchObject({ kind: "unavailable" });
  });

  test("ends with the caller's reason when the caller leaves", async () => {
    const server = await serverThat((socket) => socket.write(`${HEAD}x`));
    const signal = AbortSignal.timeout(50);
    const error = await call(server.url, whole, { signal }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBe(signal.reason);
  });

  test("lets through what its reader throws, and leaves one line in the log, without body or query", async () => {
    const server = await serverThat((socket) => socket.end(`${HEAD}a private answer`));
    lines.length = 0;
    const refused = new ProviderFailure("somebody", "moderated", "no");
    const throwing = call(`${server.url}/path?key=secret`, async () => Promise.reject(refused));
    expect(await failureOf(throwing)).toBe(refused);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ path: "/path", status: 200, failure: "moderated" });
    expect(JSON.stringify(lines)).not.toMatch(/secret|private/);
  });
});
