import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { SECOND_MS } from "../../../src/platform/clock.ts";
import { startTestApp, type TestApp } from "../../support/app.ts";
import { launchData, type ProblemBody, refused, signInWith } from "./sign-in-tools.ts";

const product = await startTestApp({ settings: { TRUSTED_PROXIES: "127.0.0.1" } });
const unlimited = await startTestApp({ settings: { RATE_LIMITS: "off" } });

/** Costs most of all requests, and with this body does nothing. */
const order = (app: TestApp, as: Awaited<ReturnType<TestApp["signIn"]>>) =>
  app.request("/fitting/generate", { method: "POST", json: {}, as });

describe("who may call", () => {
  test("a stranger hears 401 first, whatever they send", async () => {
    const attempts = [
      product.request("/fitting/generate", { method: "POST", json: { nonsense: true } }),
      product.request("/fitting/generate", { method: "POST", json: {}, headers: { "idempotency-key": "" } }),
      product.request("/generations?limit=-1"),
      product.request("/generations/not-an-id"),
      product.request("/auth/logout", { method: "POST", json: { nonsense: true } }),
      product.request("/live/events?since=-5"),
      product.request("/balance/entries?cursor=x"),
    ];
    for (const attempt of attempts) {
      const answer = await attempt;
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await refused(answer)).toEqual([401, "unauthenticated"]);
    }
  });

  test("a banned person hears so in their own language, whatever they ask for", async () => {
    const person = await product.signIn({ languageCode: "ru" });
    await product.ctx.db.update(users).set({ bannedAt: product.clock.now() }).where(eq(users.id, person.id));
    for (const path of ["/profile", "/balance", "/generations", "/live/events"]) {
      const answer = await product.request(path, { as: person, headers: { "accept-language": "en" } });
      const problem = (await answer.json()) as ProblemBody;
      expect([answer.status, problem.code]).toEqual([403, "banned"]);
      expect(problem.detail).toContain("заблокирован");
    }
  });

  test("a ban is felt by the next request, and so is its end", async () => {
    const person = await product.signIn();
    const set = (bannedAt: Date | null) =>
      product.ctx.db.update(users).set({ bannedAt }).where(eq(users.id, person.id));
    expect((await product.request("/profile", { as: person })).status).toBe(200);
    await set(product.clock.now());
    expect((await product.request("/profile", { as: person })).status).toBe(403);
    await set(null);
    expect((await product.request("/profile", { as: person })).status).toBe(200);
  });
});

describe("how often", () => {
  test("a person may do costly things in a burst, then as fast as the bucket fills", async () => {
    const person = await product.signIn();
    const statuses: number[] = [];
    for (let index = 0; index < 41; index += 1) statuses.push((await order(product, person)).status);
    expect(statuses.slice(0, 40)).toEqual(Array.from({ length: 40 }, () => 422));
    const limited = await order(product, person);
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("1");
    expect((await limited.json()) as ProblemBody).toMatchObject({ code: "rate_limited", retry_after: 1 });
    product.clock.advance(SECOND_MS);
    expect((await order(product, person)).status).toBe(422);
    expect((await order(product, person)).status).toBe(429);
  });

  test("one person's burst does not touch another's", async () => {
    const [greedy, calm] = [await product.signIn(), await product.signIn()];
    for (let index = 0; index < 45; index += 1) await order(product, greedy);
    expect((await product.request("/profile", { as: greedy })).status).toBe(429);
    expect((await product.request("/profile", { as: calm })).status).toBe(200);
  });

  test("an address may try to sign in so often, valid or not; another address is not touched", async () => {
    const attempt = (address: string) =>
      product.request("/auth/telegram", {
        method: "POST",
        json: { wrong: true },
        headers: { "x-forwarded-for": address },
      });
    for (let index = 0; index < 200; index += 1) expect((await attempt("198.51.100.7")).status).toBe(422);
    const limited = await attempt("198.51.100.7");
    expect(await refused(limited)).toEqual([429, "rate_limited"]);
    expect((await attempt("198.51.100.8")).status).toBe(422);
  });

  test("signed-in people behind one address are counted by person, not by address", async () => {
    const headers = { "x-forwarded-for": "198.51.100.7" };
    const person = await product.signIn();
    expect((await product.request("/profile", { as: person, headers })).status).toBe(200);
  });

  test("RATE_LIMITS=off limits nothing", async () => {
    const person = await unlimited.signIn();
    for (let index = 0; index < 45; index += 1) expect((await order(unlimited, person)).status).toBe(422);
    for (let index = 0; index < 205; index += 1) {
      expect((await signInWith(unlimited, `${launchData(unlimited)}x`)).status).toBe(401);
    }
  });
});

test("a request's number is in its log lines, and in those of the work it asks for", async () => {
  const requestId = "guard-test-request-id";
  await signInWith(product, launchData(product), { "x-request-id": requestId, "x-forwarded-for": "192.0.2.55" });
  const line = product.logLines.find(
    (text) => text.includes("signed in for the first time") && text.includes(requestId),
  );
  expect(JSON.parse(line ?? "{}")).toMatchObject({ request_id: requestId, level: "info" });
});
