import { describe, expect, test } from "bun:test";
import { isId } from "../../../src/platform/ids.ts";
import { startTestApp } from "../../support/app.ts";

const product = await startTestApp();

const numberOf = async (given?: string): Promise<string> => {
  const answer = await product.request(
    "/health/live",
    given === undefined ? {} : { headers: { "x-request-id": given } },
  );
  return answer.headers.get("x-request-id") ?? "";
};

describe("X-Request-Id", () => {
  test("is the client's own where it is a sane one", async () => {
    for (const id of ["0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "trace.42_ab-C", "a".repeat(64), "12345678"]) {
      expect(await numberOf(id)).toBe(id);
    }
  });

  test("is a new one where there is none or a strange one", async () => {
    const strange = [
      "short",
      "a".repeat(65),
      "with space in it",
      "<script>alert(1)</script>",
      "новый-номер-запроса",
      "a;b;c;d;e;f",
      "%0d%0aset-cookie",
    ];
    for (const id of [undefined, "", ...strange.map((text) => encodeURI(text).replaceAll("%20", " "))]) {
      const given = await numberOf(id);
      expect(isId(given)).toBe(true);
    }
    expect(await numberOf()).not.toBe(await numberOf());
  });

  test("stands on answers of every kind", async () => {
    const person = await product.signIn();
    for (const answer of [
      await product.request("/profile", { as: person }),
      await product.request("/profile"),
      await product.request("/nowhere"),
      await product.request("/auth/logout", { method: "POST", as: person }),
    ]) {
      expect(isId(answer.headers.get("x-request-id") ?? "")).toBe(true);
    }
  });
});

describe("every answer", () => {
  test("is neither guessed at, nor cached, nor tells where it was linked from", async () => {
    const person = await product.signIn();
    for (const answer of [await product.request("/profile", { as: person }), await product.request("/nowhere")]) {
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    }
  });
});

describe("the framework's own work at each request", () => {
  test("H1 leaves out what no route of a GET asks for: cookies, all headers as an object, a second walk over the answer", () => {
    const routes = product.app.routes.filter((route) => route.method === "GET" && route.path.startsWith("/api/v1/"));
    expect(routes.length).toBeGreaterThan(40);
    for (const route of routes) {
      const code = String(route.compile());
      const found = ["parseCookie", "headers.toJSON", "getServer", ".Encode("].filter((word) => code.includes(word));
      expect([route.path, found]).toEqual([route.path, []]);
    }
  });
});
