import { beforeAll, describe, expect, test } from "bun:test";
import { routeAccess } from "../../src/access.ts";
import { createApp } from "../../src/routes.ts";
import { startSandbox } from "../../src/sandbox/server.ts";
import { type Person, type RequestOptions, startTestApp, useTestApp } from "../support/app.ts";
import { finish, ordered } from "../support/fitting.ts";

const app = useTestApp({ settings: { ALLOWED_ORIGINS: "https://app.example.org" } });
let person: Person;
beforeAll(async () => {
  person = await app().signIn();
});

/** What is wrong with an answer's headers; nothing, for any answer there is. */
function faultsOf(answer: Response, framedByTelegram = false): string[] {
  const { headers } = answer;
  const policy = headers.get("content-security-policy") ?? "";
  const scripts = /(?:^|; )(?:script-src|default-src) ([^;]*)/g;
  const allowed = [...policy.matchAll(scripts)].map(([, sources = ""]) => sources).join(" ");
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [headers.get("x-content-type-options") === "nosniff", "nosniff"],
    [headers.get("referrer-policy") === "no-referrer", "referrer-policy"],
    [headers.has("cache-control"), "cache-control"],
    [/^[\w.-]{8,64}$/.test(headers.get("x-request-id") ?? ""), "x-request-id"],
    [headers.get("permissions-policy")?.includes("camera=()") === true, "permissions-policy"],
    [/^(same-origin|cross-origin)$/.test(headers.get("cross-origin-resource-policy") ?? ""), "resource-policy"],
    [/default-src 'none'/.test(policy), "default-src"],
    [!/unsafe-inline|unsafe-eval|\*|https?:/.test(allowed), "scripts"],
    [
      (framedByTelegram ? /frame-ancestors https:\/\/web\.telegram\.org / : /frame-ancestors 'none'|sandbox/).test(
        policy,
      ),
      "frame-ancestors",
    ],
    [!["server", "x-powered-by", "set-cookie"].some((name) => headers.has(name)), "tells what runs here"],
    [headers.get("access-control-allow-credentials") === null, "credentials"],
  ];
  return rules.filter(([holds]) => !holds).map(([, what]) => what);
}

const METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE"];

describe("headers for browsers stand on every answer", () => {
  test("of every route, whoever asks and however", async () => {
    const statuses = new Set<number>();
    const paths = [...new Set(routeAccess.map(({ path }) => path.replace(/:\w+/g, "x")))];
    for (const path of paths) {
      for (const method of METHODS) {
        for (const as of [undefined, person]) {
          if (path === "/api/v1/profile" && method === "DELETE") continue;
          if (path === "/api/v1/auth/logout" && as !== undefined) continue;
          const json = ["POST", "PATCH", "PUT", "DELETE"].includes(method) ? { json: {} } : {};
          const answer = await app().request(path, { method, as, ...json });
          statuses.add(answer.status);
          const isOwnPage = ["/", "/admin"].includes(path) && answer.status === 200 && method !== "OPTIONS";
          expect([method, path, answer.status, faultsOf(answer, isOwnPage)]).toEqual([method, path, answer.status, []]);
          await answer.arrayBuffer();
        }
      }
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 204, 401, 404, 405, 422]));
  });

  test("of every kind of refusal", async () => {
    const post = (path: string, more: RequestOptions = {}) => app().request(path, { method: "POST", ...more });
    const jsonType = { "content-type": "application/json" };
    const broken = await startTestApp();
    const someone = await broken.signIn();
    await broken.open.database.raw("drop table credit_entries");
    const answers: [number, Response | Promise<Response>][] = [
      [400, post("/auth/refresh", { body: "{", headers: jsonType })],
      [401, app().request("/profile")],
      [404, app().request("/health/../nowhere")],
      [404, app().request("/live")],
      [413, post("/auth/refresh", { body: "x".repeat(70_000), headers: jsonType })],
      [413, post("/auth/refresh", { headers: { "content-length": "99999999" } })],
      [414, app().request(`/plans?${"x".repeat(9_000)}`)],
      [415, post("/auth/refresh", { body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } })],
      [422, app().request("/generations?limit=x", { as: person })],
      [500, broken.request("/balance/entries", { as: someone })],
    ];
    for (const [status, promise] of answers) {
      const answer = await promise;
      expect([status, answer.status, faultsOf(answer)]).toEqual([status, status, []]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
    }
  });

  test("of a refused and of an accepted socket, over the wire", async () => {
    const origin = `http://127.0.0.1:${await app().listen()}`;
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    for (const path of ["/api/v1/live?ticket=x", "/api/v1/editing/chat?ticket=x"]) {
      const refused = await fetch(origin + path, { headers: { ...upgrade, origin: "https://evil.example" } });
      expect([refused.status, faultsOf(refused)]).toEqual([403, []]);
      expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    }
    const plain = await fetch(`${origin}/api/v1/plans`);
    expect([plain.status, faultsOf(plain)]).toEqual([200, []]);
  });

  test("T7 of a picture, which the Mini App, Telegram's web client and every page may show and save", async () => {
    const generation = await ordered(app(), person);
    const ended = await finish(app(), person, generation.id);
    const picture = await app().request(new URL(ended.image_url ?? "").pathname, {
      headers: { origin: "https://web.telegram.org" },
    });
    expect([picture.status, faultsOf(picture)]).toEqual([200, []]);
    expect(picture.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(picture.headers.get("access-control-allow-origin")).toBe("*");
    // A picture opened as a page runs nothing, whatever its bytes are taken for.
    expect(picture.headers.get("content-security-policy")).toContain("sandbox");
    await picture.arrayBuffer();
  });

  test("of the docs page with its files, which no page may frame", async () => {
    const page = await app().request("/docs");
    expect(faultsOf(page)).toEqual([]);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    const files = [...(await page.text()).matchAll(/"(\/docs\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThan(2);
    for (const path of [...files, "/openapi.json"]) {
      const file = await app().request(path);
      expect([path, file.status, faultsOf(file)]).toEqual([path, 200, []]);
    }
  });

  test("of the sandbox's pages and of what they ask", async () => {
    const sandbox = await startSandbox({ environment: new Map() });
    const { app: routes, hub } = createApp(app().ctx, {
      healthChecks: [],
      isStopping: () => false,
      sandbox: sandbox.handle,
    });
    const ask = (path: string) => Promise.resolve(routes.handle(new Request(`http://localhost${path}`)));
    for (const path of [
      "/sandbox/",
      "/sandbox/init-data",
      "/sandbox/clock",
      "/sandbox/kie/_stats",
      "/sandbox/lknpd/_summary",
      "/sandbox/telegram/chat/1001",
      "/sandbox/telegram/chat/",
      "/sandbox/yookassa/pay/nothing",
      "/sandbox/nowhere",
    ]) {
      const answer = await ask(path);
      const scripted = path.startsWith("/sandbox/telegram/chat/");
      expect([path, faultsOf(answer)]).toEqual([path, []]);
      if (scripted) expect(answer.headers.get("content-security-policy")).toMatch(/script-src 'nonce-/);
      await answer.arrayBuffer();
    }
    hub.stop();
    await sandbox.stop();
  });
});

test("HSTS is said on answers of every kind where PUBLIC_URL is https, and nowhere else", async () => {
  const secure = await startTestApp({
    settings: {
      PUBLIC_URL: "https://app.example.org",
      PROVIDER_LOOPBACK: "",
      TELEGRAM_API_URL: "",
      KIE_API_URL: "",
      KIE_UPLOAD_URL: "",
      OPENROUTER_API_URL: "",
      YOOKASSA_API_URL: "",
    },
  });
  const paths = ["/plans", "/profile", "/nowhere", "/docs", "/openapi.json", `/plans?${"x".repeat(9_000)}`];
  for (const path of paths) {
    expect((await secure.request(path)).headers.get("strict-transport-security")).toMatch(/^max-age=\d+$/);
    expect((await app().request(path)).headers.get("strict-transport-security")).toBeNull();
  }
});
