import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { paymentNotices } from "../../src/features/billing/payments/payment-tables.ts";
import { SECOND_MS } from "../../src/platform/clock.ts";
import { startTestApp, TEST_WEBHOOK_SECRET, type TestApp } from "../support/app.ts";

const PROXY = { settings: { TRUSTED_PROXIES: "127.0.0.1" } };

const rateOf = (answer: Response) => ({
  policy: answer.headers.get("ratelimit-policy"),
  state: answer.headers.get("ratelimit"),
});

/** Signs nobody in, from an address. */
const tryToSignIn = (app: TestApp, address: string) =>
  app.request("/auth/telegram", { method: "POST", json: { wrong: true }, headers: { "x-forwarded-for": address } });

describe("every limited answer says how the client stands", () => {
  test("by the cost of what was asked: reading 1, writing 5, an upload 10, ordering 50", async () => {
    const app = await startTestApp();
    const as = await app.signIn();
    const read = await app.request("/balance", { as });
    expect(rateOf(read)).toEqual({ policy: '"person";q=2000;w=40', state: '"person";r=1999;t=1' });
    const left = async (path: string, json?: object) => {
      const answer = await app.request(path, { as, method: "POST", ...(json === undefined ? {} : { json }) });
      return Number(/r=(\d+)/.exec(rateOf(answer).state ?? "")?.[1]);
    };
    expect(await left("/live/ticket")).toBe(1_994);
    expect(await left("/fitting/upload")).toBe(1_984);
    expect(await left("/fitting/generate", {})).toBe(1_934);
    expect(await left("/promo/redeem", { code: "NOSUCHCODE" })).toBe(1_914);
    // A refusal that has nothing to do with the limit costs as well: a flood of nonsense is a flood.
    expect((await app.request("/generations?limit=x", { as })).status).toBe(422);
    expect(rateOf(await app.request("/balance", { as })).state).toBe('"person";r=1912;t=2');
    app.clock.advance(60 * SECOND_MS);
    expect(rateOf(await app.request("/balance", { as })).state).toBe('"person";r=1999;t=1');
  });

  test("and a limited one also when to come back, in header and body alike", async () => {
    const app = await startTestApp();
    const as = await app.signIn();
    let answer = await app.request("/fitting/generate", { as, method: "POST", json: {} });
    for (let each = 0; each < 45 && answer.status !== 429; each += 1) {
      answer = await app.request("/fitting/generate", { as, method: "POST", json: {} });
    }
    expect(rateOf(answer)).toEqual({ policy: '"person";q=2000;w=40', state: '"person";r=0;t=40' });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ status: 429, code: "rate_limited", retry_after: 1 });
  });
});

describe("P7 an address is counted by what trusted proxies say, and by its network", () => {
  test("P7 a whole /64 of IPv6 is one; the next one is another", async () => {
    const app = await startTestApp(PROXY);
    for (let each = 0; each < 200; each += 1) {
      expect((await tryToSignIn(app, `2001:db8:1:2:${each.toString(16)}::${each + 1}`)).status).toBe(422);
    }
    expect((await tryToSignIn(app, "2001:db8:1:2:ffff:ffff:ffff:ffff")).status).toBe(429);
    expect((await tryToSignIn(app, "2001:DB8:0001:0002::abcd")).status).toBe(429);
    expect((await tryToSignIn(app, "2001:db8:1:3::1")).status).toBe(422);
  });

  test("P7 what the client wrote in front of the proxy's entry gives no new allowance", async () => {
    const app = await startTestApp(PROXY);
    for (let each = 0; each < 200; each += 1) await tryToSignIn(app, `10.9.8.${each}, 198.51.100.7`);
    expect((await tryToSignIn(app, "203.0.113.99, 198.51.100.7")).status).toBe(429);
    expect((await tryToSignIn(app, "198.51.100.8")).status).toBe(422);
  });

  test("P7 without trusted proxies nothing that a client writes changes whose it is", async () => {
    const app = await startTestApp();
    const ask = (headers: Record<string, string>) =>
      app.request("/auth/telegram", { method: "POST", json: { wrong: true }, headers });
    for (let each = 0; each < 200; each += 1) {
      await ask({ "x-forwarded-for": `198.51.100.${each}`, forwarded: `for=192.0.2.${each}`, "x-real-ip": "1.2.3.4" });
    }
    expect((await ask({ "x-forwarded-for": "203.0.113.5" })).status).toBe(429);
  });

  test("P7 an entry that is no address counts as the proxy's own, and malformed ones share that", async () => {
    const app = await startTestApp(PROXY);
    for (let each = 0; each < 200; each += 1) await tryToSignIn(app, `unknown-${each}`);
    expect((await tryToSignIn(app, "<script>")).status).toBe(429);
    expect((await tryToSignIn(app, "")).status).toBe(429);
    expect((await tryToSignIn(app, "198.51.100.9")).status).toBe(422);
  });

  test("P7 over the wire two lines of the header are one chain", async () => {
    const app = await startTestApp(PROXY);
    const url = `http://127.0.0.1:${await app.listen()}/api/v1/auth/telegram`;
    const ask = (first: string) =>
      fetch(url, {
        method: "POST",
        headers: [
          ["content-type", "application/json"],
          ["x-forwarded-for", first],
          ["x-forwarded-for", "198.51.100.7"],
        ],
        body: '{"wrong":true}',
      });
    for (let each = 0; each < 200; each += 1) await (await ask(`203.0.113.${each}`)).text();
    expect((await ask("192.0.2.200")).status).toBe(429);
  }, 60_000);
});

test("P7 a connection without an address is nobody's: it is trusted with nothing, and all such share one allowance", async () => {
  const app = await startTestApp(PROXY);
  const unix = join(app.database.dataFolder, "server.sock");
  app.app.listen({ unix } as unknown as { port: number });
  const ask = (forwarded: string) =>
    fetch("http://localhost/api/v1/auth/telegram", {
      unix,
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
      body: '{"wrong":true}',
    });
  for (let each = 0; each < 200; each += 1) await (await ask(`203.0.113.${each}`)).text();
  expect((await ask("192.0.2.200")).status).toBe(429);
}, 60_000);

describe("a flood of one kind leaves the others alone", () => {
  test("of sign-ins: pictures and prices of the same network", async () => {
    const app = await startTestApp();
    for (let each = 0; each < 205; each += 1) await tryToSignIn(app, "");
    expect((await tryToSignIn(app, "")).status).toBe(429);
    expect((await app.request("/plans")).status).toBe(200);
    expect((await app.request("/files/made-up")).status).toBe(404);
  });

  test("of tokens that open nothing: 401 as long as that is honest, then 429; who is signed in feels nothing", async () => {
    const app = await startTestApp();
    const as = await app.signIn();
    const statuses = new Map<number, number>();
    for (let each = 0; each < 4_010; each += 1) {
      const { status } = await app.request("/balance", { headers: { authorization: `Bearer a.b${each}.c` } });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect([...statuses]).toEqual([
      [401, 4_000],
      [429, 10],
    ]);
    expect((await app.request("/balance", { as })).status).toBe(200);
  }, 60_000);

  test("of forged updates, callbacks and notices: the honest sender behind the same proxy gets through", async () => {
    const app = await startTestApp(PROXY);
    const from = (address: string) => ({ "x-forwarded-for": address });
    const flood = from("198.51.100.7");
    const update = (headers: Record<string, string>, id = 1) =>
      app.request("/telegram/webhook", { method: "POST", json: { update_id: id }, headers });
    const callback = (secret: string) =>
      app.request(`/kie/callback/${secret}`, { method: "POST", json: { data: { taskId: "x" } }, headers: flood });
    const notice = (headers: Record<string, string>) =>
      app.request("/payments/webhook", { method: "POST", json: { event: "x", object: { id: "x" } }, headers });
    const forged: number[] = [];
    for (let each = 0; each < 40; each += 1) {
      forged.push((await update(flood)).status, (await callback("made-up")).status, (await notice(flood)).status);
    }
    expect(new Set(forged)).toEqual(new Set([401, 404, 200, 429]));
    expect(forged.filter((status) => status === 429)).toHaveLength(60);
    // From the very same address, with the secret.
    const secret = { ...flood, "x-telegram-bot-api-secret-token": TEST_WEBHOOK_SECRET };
    for (let each = 0; each < 100; each += 1) expect((await update(secret, 100 + each)).status).toBe(200);
    // YooKassa's own network, and loopback where emulators are allowed.
    for (let each = 0; each < 100; each += 1) {
      expect((await notice(from("185.71.76.5"))).status).toBe(200);
    }
    expect((await app.request("/plans", { headers: flood })).status).toBe(200);
  });

  test("of notices from everywhere fills neither the journal nor the log", async () => {
    const app = await startTestApp(PROXY);
    for (let each = 0; each < 300; each += 1) {
      const headers = { "x-forwarded-for": `198.51.${each % 250}.${1 + Math.floor(each / 250)}` };
      const answer = await app.request("/payments/webhook", { method: "POST", json: { event: "x" }, headers });
      expect(answer.status).toBe(200);
    }
    const rows = await app.ctx.db.select().from(paymentNotices);
    expect(rows.length).toBeWithin(1, 101);
    expect(app.logLines.filter((line) => line.includes("outside the provider's list")).length).toBeLessThan(101);
  });
});
