import { afterAll, describe, expect, test } from "bun:test";
import net from "node:net";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { createLog, silentLog } from "../../src/platform/telemetry/log.ts";
import { type ProviderRequest, providerRequest, wasNeverSent } from "../../src/providers/provider-http.ts";
import { backoffMs, withRetries } from "../../src/providers/retry.ts";
import { within } from "../support/timing.ts";

const servers: net.Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** A server of bare bytes: once a request has come, `answer` does with the connection what it likes. */
async function bareServer(
  answer: (socket: net.Socket, request: string) => void,
): Promise<{ url: string; hits: string[] }> {
  const hits: string[] = [];
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      hits.push(String(data));
      answer(socket, String(data));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/api/v1/thing?key=secret`, hits };
}

function request(url: string, more: Partial<ProviderRequest> = {}): Promise<unknown> {
  return providerRequest({
    provider: "somebody",
    method: "POST",
    url,
    body: "{}",
    timeoutMs: 1_000,
    bytesMax: 1_000,
    repeatable: false,
    log: silentLog,
    ...more,
  });
}

async function failureOf(call: Promise<unknown>): Promise<ProviderFailure> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(error)}`);
  return error;
}

const OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n";

describe("one outside call", () => {
  test("F9 the answer comes with status, headers and JSON", async () => {
    const { url, hits } = await bareServer((socket) => socket.end(`${OK}{"a":12}`));
    const answer = await request(url, { requestId: "request-7", headers: { authorization: "Bearer x" } });
    expect(answer).toMatchObject({ status: 200, text: '{"a":12}', json: { a: 12 } });
    expect(hits[0]?.toLowerCase()).toContain("user-agent: atelier/");
    expect(hits[0]?.toLowerCase()).toContain("connection: close");
    expect(hits[0]?.toLowerCase()).toContain("x-request-id: request-7");
    expect(hits[0]?.toLowerCase()).toContain("authorization: bearer x");
  });

  test("F9 a redirect is an answer and is not followed, as the key would travel along", async () => {
    const target = await bareServer((socket) => socket.end(`${OK}{"a":12}`));
    const { url } = await bareServer((socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nlocation: ${target.url}\r\ncontent-length: 0\r\n\r\n`);
    });
    expect(await request(url)).toMatchObject({ status: 302, text: "" });
    expect(target.hits).toHaveLength(0);
  });

  test("J2 a refused connection and an unknown name are surely not sent", async () => {
    expect((await failureOf(request("http://127.0.0.1:1/"))).kind).toBe("unavailable");
    expect((await failureOf(request("http://no-such-host.invalid/"))).kind).toBe("unavailable");
  });

  test("J2 a server that speaks no TLS has not heard the request", async () => {
    const { url } = await bareServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect((await failureOf(request(url.replace("http:", "https:")))).kind).toBe("unavailable");
  });

  const losses: [what: string, answer: (socket: net.Socket) => void][] = [
    ["closed without a word", (socket) => socket.destroy()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["closed after half a body", (socket) => socket.write(`${OK}{"a"`, () => socket.destroy())],
    ["answered with something that is not HTTP", (socket) => socket.end("hello\r\n\r\n")],
    ["never answered", () => {}],
    ["never finished", (socket) => socket.write(`${OK}{"a"`)],
    [
      "answered with more than is read",
      (socket) => {
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${"x".repeat(2_000)}`);
      },
    ],
  ];
  for (const [what, answer] of losses) {
    test(`J2 F9 a request that was ${what} may have been carried out, and went out once`, async () => {
      const { url, hits } = await bareServer(answer);
      expect((await failureOf(request(url, { timeoutMs: 250 }))).kind).toBe("unknown");
      expect(hits).toHaveLength(1);
      expect((await failureOf(request(url, { timeoutMs: 250, repeatable: true }))).kind).toBe("unavailable");
    });
  }

  test("F9 the deadline holds for the whole answer and not for each byte", async () => {
    const { url } = await bareServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    const startedAt = performance.now();
    await failureOf(request(url, { timeoutMs: 200 }));
    expect(performance.now() - startedAt).toBeLessThan(within(600, 8_000));
  });

  test("the log has one line a call, without query, body or key", async () => {
    const lines: string[] = [];
    const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
    const { url } = await bareServer((socket) => socket.end(`${OK}{"a":12}`));
    await request(url, { log, headers: { authorization: "Bearer my-key" }, body: "a prompt" });
    await request(url, { log, loggedPath: "/bot<token>/sendMessage" });
    await failureOf(request("http://127.0.0.1:1/api?key=secret", { log }));
    const [answered, renamed, failed] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(3);
    expect(answered).toMatchObject({ provider: "somebody", method: "POST", path: "/api/v1/thing", status: 200 });
    expect(answered?.ms).toBeNumber();
    expect(renamed?.path).toBe("/bot<token>/sendMessage");
    expect(failed).toMatchObject({ path: "/api", failure: "unavailable" });
    expect(lines.join()).not.toMatch(/secret|my-key|a prompt/);
  });

  test("a failure keeps nothing of the URL", async () => {
    const failure = await failureOf(request("http://127.0.0.1:1/bot12345:token/getMe"));
    expect(Bun.inspect(failure)).not.toContain("12345");
  });

  test("J2 only failures of names, connections and certificates count as never sent", () => {
    for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT"]) {
      expect(wasNeverSent(code, "")).toBe(true);
    }
    expect(wasNeverSent("EPROTO", "EPROTO: The TLS handshake failed.")).toBe(true);
    for (const code of ["ECONNRESET", "ETIMEDOUT", "EPIPE", "EPROTO", "23", ""])
      expect(wasNeverSent(code, "")).toBe(false);
  });
});

describe("tries", () => {
  const failing = (kind: ProviderFailure["kind"]) => {
    const waits: number[] = [];
    let calls = 0;
    const run = (repeatable: boolean) =>
      withRetries(
        async () => {
          calls += 1;
          throw new ProviderFailure("somebody", kind, "no");
        },
        {
          tries: 3,
          baseMs: 100,
          random: () => 0.5,
          sleep: async (ms) => {
            waits.push(ms);
          },
          repeatable,
        },
      );
    return { run, waits, calls: () => calls };
  };

  test("an outage is tried three times, with waits that grow", async () => {
    const { run, waits, calls } = failing("unavailable");
    expect((await failureOf(run(false))).kind).toBe("unavailable");
    expect(calls()).toBe(3);
    expect(waits).toEqual([50, 100]);
  });

  test("J2 an unknown outcome is tried again only by a call that may be repeated", async () => {
    const once = failing("unknown");
    await failureOf(once.run(false));
    expect(once.calls()).toBe(1);
    const repeated = failing("unknown");
    await failureOf(repeated.run(true));
    expect(repeated.calls()).toBe(3);
  });

  test("what trying again cannot change is not tried again", async () => {
    for (const kind of ["rate_limited", "out_of_funds", "unauthorized", "moderated", "rejected"] as const) {
      const { run, calls } = failing(kind);
      await failureOf(run(true));
      expect(calls()).toBe(1);
    }
  });

  test("the second try may succeed, and a bug is thrown at once", async () => {
    const options = { tries: 3, baseMs: 1, random: Math.random, sleep: async () => {} };
    const value = await withRetries(async (attempt) => {
      if (attempt === 1) throw new ProviderFailure("somebody", "unavailable", "no");
      return attempt;
    }, options);
    expect(value).toBe(2);
    let calls = 0;
    const bug = withRetries(async () => {
      calls += 1;
      throw new TypeError("a bug");
    }, options);
    expect(await bug.catch((error: unknown) => error)).toBeInstanceOf(TypeError);
    expect(calls).toBe(1);
  });

  test("no further try begins once the time is up", async () => {
    let calls = 0;
    const slow = withRetries(
      async () => {
        calls += 1;
        await Bun.sleep(30);
        throw new ProviderFailure("somebody", "unavailable", "no");
      },
      { tries: 3, baseMs: 1, random: Math.random, sleep: async () => {}, totalMs: 10 },
    );
    await failureOf(slow);
    expect(calls).toBe(1);
  });

  test("the wait is spread over its whole range and has a limit", () => {
    expect(backoffMs(1, { baseMs: 300, random: () => 0 })).toBe(0);
    expect(backoffMs(3, { baseMs: 300, random: () => 0.999 })).toBe(1_198);
    expect(backoffMs(30, { baseMs: 300, random: () => 0.999 })).toBe(9_990);
  });
});
