import { beforeAll, describe, expect, test } from "bun:test";
import { routeAccess } from "../../src/access.ts";
import { type Person, useTestApp } from "../support/app.ts";

const app = useTestApp();
let person: Person;
beforeAll(async () => {
  person = await app().signIn();
});

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"];

/** Every path of the table with the methods it takes, read from the table alone. */
const paths = [...new Set(routeAccess.map(({ path }) => path))].map((path) => {
  const routes = routeAccess.filter((route) => pattern(route.path).test(path));
  const taken = new Set<string>(routes.map(({ method }) => (method === "WS" ? "GET" : method)));
  if (routes.some(({ method }) => method === "GET")) taken.add("HEAD");
  return { path, concrete: path.replace(/:\w+/g, "x"), taken, isSocket: routes.some(({ method }) => method === "WS") };
});

/** Matches the paths of the table that a route would be asked with: `/payments/:id` is asked with `/payments/create`. */
function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`);
}

const allowOf = (taken: ReadonlySet<string>) => [...taken, "OPTIONS"].toSorted().join(", ");

describe("a method that a path does not take", () => {
  for (const { path, concrete, taken, isSocket } of paths) {
    test(`is answered with 405 and what it does take: ${path}`, async () => {
      const wrong = METHODS.filter((method) => !taken.has(method));
      expect(wrong.length).toBeGreaterThan(3);
      for (const asked of concrete === "/" ? [concrete] : [concrete, `${concrete}/`]) {
        for (const method of wrong) {
          const answer = await app().request(asked, { method, as: person });
          expect([method, answer.status, answer.headers.get("allow")]).toEqual([method, 405, allowOf(taken)]);
          expect(answer.headers.get("content-type")).toBe("application/problem+json");
          expect(answer.headers.get("x-request-id")).toBeTruthy();
          expect(answer.headers.get("cache-control")).toBe("no-store");
          if (method !== "HEAD") expect(await answer.json()).toMatchObject({ status: 405, code: "method_not_allowed" });
        }
      }
      for (const method of [...taken].filter((one) => one !== "GET" || !isSocket)) {
        const json = method === "GET" || method === "HEAD" ? {} : { json: {} };
        expect([method, (await app().request(concrete, { method, ...json })).status]).not.toEqual([method, 405]);
      }
    });
  }

  test("is told apart from a path that there is not, and from a socket that nobody asked for", async () => {
    // Whole paths, which the test's own prefix must not change: a URL takes `/health/..` away again.
    for (const path of [
      "/nowhere",
      "/generations/x/y/z",
      "/api/v2/plans",
      "/api",
      "/health",
      "//api/v1/plans",
      "/api/v1/files//",
    ]) {
      for (const method of [...METHODS, "OPTIONS"]) {
        const answer = await app().request(path.startsWith("/api") ? path : `/health/..${path}`, {
          method,
          as: person,
        });
        expect([path, method, answer.status, answer.headers.get("allow")]).toEqual([path, method, 404, null]);
      }
    }
    expect((await app().request("/live")).status).toBe(404);
  });
});

test("HEAD and OPTIONS over the wire: the head of the answer, and what a path takes", async () => {
  const origin = `http://127.0.0.1:${await app().listen()}`;
  const ask = (method: string, path: string) => fetch(`${origin}${path}`, { method });
  for (const path of ["/health/live", "/api/v1/plans", "/openapi.json"]) {
    const [head, get] = [await ask("HEAD", path), await ask("GET", path)];
    expect([head.status, head.headers.get("content-type")]).toEqual([200, get.headers.get("content-type")]);
    expect(await head.text()).toBe("");
    const options = await ask("OPTIONS", path);
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
    expect(await options.text()).toBe("");
  }
  expect((await ask("OPTIONS", "/api/v1/nowhere")).status).toBe(404);
  const wrong = await ask("POST", "/api/v1/plans");
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
});
