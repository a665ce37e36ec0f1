import { describe, expect, test } from "bun:test";
import { startTestApp } from "../../support/app.ts";

const OURS = "http://127.0.0.1:9";
const FRONT_END = "https://app.example.org";
const product = await startTestApp({ settings: { ALLOWED_ORIGINS: FRONT_END } });
const person = await product.signIn();
const LEAVES = ["access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"];

const preflight = (path: string, origin: string, method = "POST") =>
  product.request(path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });

describe("pages of allowed origins", () => {
  test("read answers of every kind: done, refused, limited, unknown", async () => {
    for (const origin of [OURS, FRONT_END, "https://web.telegram.org", "https://webk.telegram.org"]) {
      const headers = { origin };
      for (const answer of [
        await product.request("/balance", { as: person, headers }),
        await product.request("/balance", { headers }),
        await product.request("/nowhere", { headers }),
        await product.request("/auth/refresh", { method: "POST", json: {}, headers }),
        await product.request(`/plans?${"x".repeat(9_000)}`, { headers }),
      ]) {
        expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
        expect(answer.headers.get("vary")).toContain("Origin");
        expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
        const exposed = answer.headers.get("access-control-expose-headers")?.split(", ");
        expect(exposed).toEqual(
          expect.arrayContaining(["X-Request-Id", "Retry-After", "RateLimit", "Idempotency-Replayed"]),
        );
      }
    }
  });

  test("hear before a request which methods and headers they may send, and need not ask again at once", async () => {
    const answer = await preflight("/fitting/generate", FRONT_END);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(answer.headers.get("access-control-allow-origin")).toBe(FRONT_END);
    expect(answer.headers.get("access-control-allow-methods")).toBe("POST");
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(", ");
    expect(allowed?.toSorted()).toEqual(["authorization", "content-type", "idempotency-key", "x-request-id"]);
    expect(Number(answer.headers.get("access-control-max-age"))).toBeGreaterThanOrEqual(600);
    expect(answer.headers.get("vary")).toBe("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    expect((await preflight("/profile", FRONT_END, "PATCH")).headers.get("access-control-allow-methods")).toBe(
      "DELETE, GET, HEAD, PATCH",
    );
    expect((await preflight("/nowhere", FRONT_END)).status).toBe(404);
  });
});

describe("pages of all others", () => {
  test("hear nothing that would let them read or send, however alike they look", async () => {
    for (const origin of [
      "https://evil.example",
      "null",
      "https://app.example.org.evil.example",
      "http://app.example.org",
      "https://evil.example/https://app.example.org",
      "https://web.telegram.org.evil.example",
      "https://evilweb.telegram.org",
      "*",
    ]) {
      const asked = await preflight("/fitting/generate", origin);
      const read = await product.request("/balance", { as: person, headers: { origin } });
      for (const answer of [asked, read]) {
        expect([origin, LEAVES.filter((name) => answer.headers.has(name))]).toEqual([origin, []]);
        expect(answer.headers.get("vary")).toContain("Origin");
      }
    }
  });

  test("and what is no page hears nothing of origins", async () => {
    const answer = await product.request("/balance", { as: person });
    expect(LEAVES.filter((name) => answer.headers.has(name))).toEqual([]);
    expect(answer.headers.get("vary")).toBe("Origin");
    const options = await product.request("/balance", { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
    expect(LEAVES.filter((name) => options.headers.has(name))).toEqual([]);
  });
});
