import { afterAll, describe, expect, test } from "bun:test";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { type FetchResultOptions, fetchResult } from "../../src/providers/fetch-result.ts";
import { within } from "../support/timing.ts";

const PICTURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]);
/** The headers of every request that arrived. */
const seen: Headers[] = [];

// On 127.0.0.2 alone, so that only a connection to the address that was resolved and checked can reach it.
const server = Bun.serve({
  hostname: "127.0.0.2",
  port: 0,
  reusePort: false,
  idleTimeout: 0,
  // Otherwise the streams that break off on purpose are printed.
  development: false,
  fetch(request) {
    seen.push(new Headers(request.headers));
    const { pathname, searchParams } = new URL(request.url);
    const picture = (type: string, extra: Record<string, string> = {}): Response =>
      new Response(PICTURE, { headers: { "content-type": type, ...extra } });
    switch (pathname) {
      case "/png":
        return picture("image/png");
      case "/octet":
        return picture("application/octet-stream");
      case "/html":
        return picture("text/html");
      case "/encoded":
        return picture("image/png", { "content-encoding": "br" });
      case "/untyped":
        return new Response(PICTURE, { headers: { "content-type": "" } });
      case "/big":
        return new Response(new Uint8Array(5_000), { headers: { "content-type": "image/png" } });
      case "/endless":
        return new Response(chunks(200, 1_000), { headers: { "content-type": "image/png" } });
      case "/slow":
        return new Response(chunks(200, 10, 20), { headers: { "content-type": "image/png" } });
      case "/broken":
        return new Response(brokenOff(), { headers: { "content-type": "image/png" } });
      case "/empty":
        return new Response(new Uint8Array(0), { headers: { "content-type": "image/png" } });
      case "/to":
        return Response.redirect(searchParams.get("url") ?? "", 302);
      case "/nowhere":
        return new Response(null, { status: 302 });
      case "/hang":
        return new Promise<Response>((resolve) =>
          request.signal.addEventListener("abort", () => resolve(new Response())),
        );
      default:
        return new Response("no", { status: Number(pathname.slice(1)) });
    }
  },
});
const origin = `http://localhost:${server.port}`;
afterAll(() => server.stop(true));

function brokenOff(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(10));
      setTimeout(() => controller.error(new Error("broken off on purpose")), 5);
    },
  });
}

function chunks(count: number, bytes: number, pauseMs = 0): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      sent += 1;
      await Bun.sleep(pauseMs);
      if (sent <= count) controller.enqueue(new Uint8Array(bytes));
      else controller.close();
    },
  });
}

function get(url: string, more: Partial<FetchResultOptions> = {}): Promise<Uint8Array> {
  return fetchResult(url, {
    hosts: ["localhost", "127.0.0.2"],
    loopbackAllowed: true,
    bytesMax: 4_000,
    timeoutMs: 2_000,
    resolve: async () => ["127.0.0.2"],
    ...more,
  });
}

async function kindOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(error)}`);
  return error.kind;
}

describe("a result's link", () => {
  const refused: [why: string, url: string, more?: Partial<FetchResultOptions>][] = [
    ["no URL", "a picture"],
    ["another scheme", "file:///etc/passwd"],
    ["a data URL", "data:image/png;base64,iVBORw0="],
    ["plain http to the outside", "http://files.example.com/x.png", { hosts: ["files.example.com"] }],
    ["plain http to loopback when that is not allowed", `${origin}/png`, { loopbackAllowed: false }],
    ["https to loopback when that is not allowed", "https://127.0.0.2/png", { loopbackAllowed: false }],
    ["loopback that is not on the list", `${origin}/png`, { hosts: ["tempfile.aiquickdraw.com"] }],
    ["credentials", `http://user:word@localhost:${server.port}/png`],
    ["a host that is not on the list", "https://attacker.example/x.png"],
    ["a host that only ends like one", "https://notfiles.example.com/x.png", { hosts: ["files.example.com"] }],
    ["the bare domain of a list of subdomains", "https://example.com/x.png", { hosts: [".example.com"] }],
    ["a listed name before another domain", "https://files.example.com.evil.test/x", { hosts: ["files.example.com"] }],
    ["a port", "https://files.example.com:8443/x.png", { hosts: ["files.example.com"] }],
    ["a decimal address", "https://2130706434/x.png", { hosts: ["2130706434", "127.0.0.2"], loopbackAllowed: false }],
    ["an octal address", "https://0177.0.0.2/x.png", { hosts: ["127.0.0.2"], loopbackAllowed: false }],
    ["a hex address", "https://0x7f.2/x.png", { hosts: ["127.0.0.2"], loopbackAllowed: false }],
    ["a v4-mapped address", "https://[::ffff:127.0.0.2]/x", { hosts: ["[::ffff:7f00:2]"], loopbackAllowed: false }],
    ["the metadata address", "http://169.254.169.254/latest/", { hosts: ["169.254.169.254"] }],
  ];
  for (const [why, url, more] of refused) {
    test(`J9 ${why} is refused before anything is sent`, async () => {
      const before = seen.length;
      expect(await kindOf(get(url, more))).toBe("rejected");
      expect(seen).toHaveLength(before);
    });
  }

  for (const address of [
    "10.0.0.1",
    "127.0.0.2",
    "169.254.169.254",
    "::1",
    "::ffff:127.0.0.2",
    "100.64.1.1",
    "fd00::1",
  ]) {
    test(`J9 a listed name that resolves to ${address} is refused, also behind a public address`, async () => {
      const hosts = [".example.com"];
      const url = "https://files.example.com/x.png";
      expect(await kindOf(get(url, { hosts, resolve: async () => [address] }))).toBe("rejected");
      expect(await kindOf(get(url, { hosts, resolve: async () => ["8.8.8.8", address] }))).toBe("rejected");
    });
  }

  test("J9 localhost that resolves to the outside is refused", async () => {
    expect(await kindOf(get(`${origin}/png`, { resolve: async () => ["10.0.0.1"] }))).toBe("rejected");
  });

  test("a name that cannot be resolved may resolve later", async () => {
    const resolve = () => Promise.reject(new Error("ENOTFOUND"));
    const hosts = ["files.example.com"];
    expect(await kindOf(get("https://files.example.com/x.png", { hosts, resolve }))).toBe("unavailable");
    expect(await kindOf(get("https://files.example.com/x.png", { hosts, resolve: async () => [] }))).toBe(
      "unavailable",
    );
  });
});

describe("a download", () => {
  test("J9 goes to the address that was checked, resolved once, with an agent and without credentials", async () => {
    let resolved = 0;
    const bytes = await get(`${origin}/png`, {
      resolve: async () => {
        resolved += 1;
        // Whoever asks a second time is sent elsewhere: rebinding.
        return [resolved === 1 ? "127.0.0.2" : "127.0.0.3"];
      },
    });
    expect(bytes).toEqual(PICTURE);
    expect(resolved).toBe(1);
    const headers = seen.at(-1);
    expect(headers?.get("user-agent")).toStartWith("atelier/");
    expect(headers?.get("authorization")).toBeNull();
    expect(headers?.get("cookie")).toBeNull();
    expect(headers?.get("host")).toBe(`localhost:${server.port}`);
  });

  test("takes pictures and streams of bytes by their type, on any port of loopback", async () => {
    expect(await get(`${origin}/octet`)).toEqual(PICTURE);
    expect(await get(`http://127.0.0.2:${server.port}/png`)).toEqual(PICTURE);
    expect(await get(`${origin}/png`, { hosts: [`localhost:${server.port}`] })).toEqual(PICTURE);
  });

  for (const [path, why] of [
    ["/html", "another type"],
    ["/untyped", "no type"],
    ["/encoded", "a compressed body"],
    ["/big", "too large by its header"],
    ["/endless", "too large by its bytes"],
    ["/401", "a refusal"],
    ["/204", "nothing"],
  ] as const) {
    test(`J9 ${why} is refused`, async () => expect(await kindOf(get(origin + path))).toBe("rejected"));
  }

  for (const path of ["/404", "/403", "/429", "/500", "/502", "/503", "/broken", "/empty"]) {
    test(`F9 ${path} may be another in a moment`, async () => {
      expect(await kindOf(get(origin + path))).toBe("unavailable");
    });
  }

  test("F9 a closed port may be open in a moment", async () => {
    expect(await kindOf(get("http://localhost:1/png"))).toBe("unavailable");
  });

  test("J9 the deadline holds for a host that hangs, one that trickles and a resolver that sleeps", async () => {
    const startedAt = performance.now();
    expect(await kindOf(get(`${origin}/hang`, { timeoutMs: 150 }))).toBe("unavailable");
    expect(await kindOf(get(`${origin}/slow`, { timeoutMs: 150 }))).toBe("unavailable");
    const resolve = () => new Promise<string[]>(() => {});
    expect(await kindOf(get(`${origin}/png`, { timeoutMs: 150, resolve }))).toBe("unavailable");
    expect(performance.now() - startedAt).toBeLessThan(within(1_500, 10_000));
  });
});

describe("a redirect", () => {
  const to = (url: string): string => `${origin}/to?url=${encodeURIComponent(url)}`;

  test("J9 is followed three times and no more", async () => {
    expect(await get(to(to(to(`${origin}/png`))))).toEqual(PICTURE);
    expect(await kindOf(get(to(to(to(to(`${origin}/png`))))))).toBe("rejected");
  });

  for (const target of [
    "http://169.254.169.254/latest/meta-data/",
    "https://attacker.example/x.png",
    "http://127.0.0.1:80/x.png",
    "http://user:word@localhost/x.png",
    "file:///etc/passwd",
  ]) {
    test(`J9 to ${target} is refused`, async () => expect(await kindOf(get(to(target)))).toBe("rejected"));
  }

  test("J9 resolves and checks its own host afresh", async () => {
    const answers = [["127.0.0.2"], ["10.0.0.1"]];
    const resolve = async () => answers.shift() ?? [];
    expect(await kindOf(get(to(`${origin}/png`), { resolve }))).toBe("rejected");
    expect(answers).toHaveLength(0);
  });

  test("J9 without a target is refused at once", async () => {
    const before = seen.length;
    expect(await kindOf(get(`${origin}/nowhere`))).toBe("rejected");
    expect(seen).toHaveLength(before + 1);
  });
});
