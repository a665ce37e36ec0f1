import { describe, expect, test } from "bun:test";
import { REFUSAL_CODES, refusalText } from "../../../src/platform/refusals.ts";
import { type Person, type RequestOptions, startTestApp } from "../../support/app.ts";

const product = await startTestApp();
const broken = await startTestApp();
const port = await product.listen();
const person = await product.signIn();
const LIMIT_BYTES = 64 * 1024;

interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: { path: string; message: string }[];
}

async function problem(answer: Response): Promise<ProblemBody> {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  return (await answer.json()) as ProblemBody;
}

const json = { "content-type": "application/json" };
const post = (path: string, options: RequestOptions = {}) => product.request(path, { method: "POST", ...options });
const refresh = (body: BodyInit, headers: Record<string, string> = json) => post("/auth/refresh", { body, headers });

const failures: [what: string, request: () => Promise<Response>, status: number, code: string][] = [
  ["an unknown route", () => product.request("/nowhere"), 404, "not_found"],
  ["a route outside the prefix", () => product.request("/health/nowhere"), 404, "not_found"],
  ["a method that the route does not take", () => post("/balance", { as: person }), 405, "method_not_allowed"],
  ["an id of nothing", () => product.request("/generations/x", { as: person }), 404, "not_found"],
  ["malformed JSON", () => refresh("{"), 400, "malformed_body"],
  ["an empty body called JSON", () => refresh(""), 400, "malformed_body"],
  ["bytes that are no UTF-8", () => refresh(new Uint8Array([0x22, 0xff, 0x22])), 400, "malformed_body"],
  ["a body above the limit", () => refresh(`"${"x".repeat(LIMIT_BYTES)}"`), 413, "body_too_large"],
  [
    "a form where JSON is expected",
    () => refresh("a=1", { "content-type": "application/x-www-form-urlencoded" }),
    415,
    "media_type_unsupported",
  ],
  ["XML", () => refresh("<a/>", { "content-type": "application/xml" }), 415, "media_type_unsupported"],
  ["a missing member", () => refresh("{}"), 422, "validation_failed"],
  ["another kind of JSON", () => refresh("[]"), 422, "validation_failed"],
  ["an unknown member", () => refresh('{"refresh_token":"a","extra":1}'), 422, "validation_failed"],
  ["an unknown query", () => product.request("/balance/entries?extra=1", { as: person }), 422, "validation_failed"],
  ["nobody signed in", () => product.request("/profile"), 401, "unauthenticated"],
];

describe("a refusal is a problem document", () => {
  for (const [what, request, status, code] of failures) {
    test(`for ${what}`, async () => {
      const answer = await request();
      const body = await problem(answer);
      const text = refusalText(code as (typeof REFUSAL_CODES)[number]);
      expect(body).toMatchObject({
        status,
        code,
        title: text.title,
        detail: text.en,
        type: `urn:atelier:problem:${code}`,
      });
      expect(answer.status).toBe(status);
      expect(body.request_id).toBe(answer.headers.get("x-request-id") ?? "none");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.has("www-authenticate")).toBe(status === 401);
    });
  }

  test("with Retry-After in seconds where it names a time", async () => {
    const busy = await product.signIn();
    let answer = await post("/live/ticket", { as: busy });
    for (let tries = 0; answer.status === 200 && tries < 500; tries += 1)
      answer = await post("/live/ticket", { as: busy });
    expect(answer.status).toBe(429);
    const body = (await problem(answer)) as ProblemBody & { retry_after: number };
    expect(body.code).toBe("rate_limited");
    expect(answer.headers.get("retry-after")).toBe(String(body.retry_after));
    expect(body.retry_after).toBeGreaterThanOrEqual(1);
  }, 60_000);

  test("in both languages for every code, with a sentence and a status", () => {
    for (const code of REFUSAL_CODES) {
      const text = refusalText(code);
      expect(text.status).toBeWithin(400, 600);
      expect(text.ru).toMatch(/[а-яё].*\.$/i);
      expect(text.en).toMatch(/^[A-Z].*\.$/);
      expect(text.en).not.toMatch(/[а-яё]/i);
    }
  });
});

describe("a list of errors", () => {
  test("names where and why, and never repeats what was sent", async () => {
    const secret = "pa55word-of-a-person";
    const body = JSON.stringify({ refresh_token: [secret], [secret.slice(0, 8)]: secret, deep: { [secret]: secret } });
    const answer = await refresh(body);
    const { errors = [] } = await problem(answer.clone());
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((error) => error.path.startsWith("/body/") && error.message.length > 0)).toBe(true);
    expect(await answer.text()).not.toContain(secret);
  });

  test("is short however much is wrong", async () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`member${index}`, index]));
    const { errors = [] } = await problem(await refresh(JSON.stringify(many)));
    expect(errors.length).toBeWithin(1, 21);
  });
});

describe("a word that is none of several", () => {
  test("is answered with those that are taken", async () => {
    const { errors } = await problem(await product.request("/generations?type=sculpture", { as: person }));
    expect(errors).toEqual([{ path: "/query/type", message: "Expected one of: fitting, editing" }]);
  });
});

describe("the language of the sentence", () => {
  const detail = async (path: string, options: { as?: Person; headers?: Record<string, string> }) =>
    (await problem(await product.request(path, options))).detail;

  test("is that of Accept-Language as long as nobody is known", async () => {
    const sentences = refusalText("not_found");
    for (const header of ["ru", "ru-RU,ru;q=0.9,en;q=0.8", "RU", "uk", "be-BY"]) {
      expect(await detail("/nowhere", { headers: { "accept-language": header } })).toBe(sentences.ru);
    }
    for (const header of ["en", "de,ru;q=0.5", "", "*", "russian"]) {
      expect(await detail("/nowhere", { headers: { "accept-language": header } })).toBe(sentences.en);
    }
  });

  test("is the signed-in person's own, whatever their browser says", async () => {
    const [russian, english] = [
      await product.signIn({ languageCode: "ru" }),
      await product.signIn({ languageCode: "de" }),
    ];
    const sentences = refusalText("not_found");
    const path = "/generations/x";
    expect(await detail(path, { as: russian, headers: { "accept-language": "en" } })).toBe(sentences.ru);
    expect(await detail(path, { as: english, headers: { "accept-language": "ru" } })).toBe(sentences.en);
  });
});

describe("a body over the wire", () => {
  const url = `http://127.0.0.1:${port}/api/v1/auth/refresh`;

  test("that says it is too large is refused without being read", async () => {
    const answer = await fetch(url, { method: "POST", headers: json, body: "x".repeat(LIMIT_BYTES + 1) });
    expect((await problem(answer)).code).toBe("body_too_large");
  });

  test("that is sent in chunks and says nothing is cut off at the limit", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent >= 40) return controller.close();
        sent += 1;
        controller.enqueue(new Uint8Array(8 * 1024).fill(0x20));
        await Bun.sleep(1);
      },
    });
    const answer = await fetch(url, { method: "POST", headers: json, body });
    expect((await problem(answer)).code).toBe("body_too_large");
  });

  test("of exactly the limit is read", async () => {
    const body = `{"refresh_token":"x"}`.padEnd(LIMIT_BYTES, " ");
    const answer = await fetch(url, { method: "POST", headers: json, body });
    expect((await problem(answer)).code).toBe("unauthenticated");
  });
});

describe("a fault of ours", () => {
  test("X12 is answered with a code and the request's number only, and its cause stands in the log", async () => {
    const someone = await broken.signIn();
    await broken.open.database.raw("drop table credit_entries");
    const answer = await broken.request("/balance/entries", {
      as: someone,
      headers: { "x-request-id": "x12-test-request" },
    });
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual({
      type: "urn:atelier:problem:internal_error",
      title: refusalText("internal_error").title,
      status: 500,
      detail: refusalText("internal_error").en,
      code: "internal_error",
      request_id: "x12-test-request",
    });
    expect(text).not.toContain("credit_entries");
    const lines = broken.logLines
      .map((line) => JSON.parse(line))
      .filter((line) => line.request_id === "x12-test-request");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: "error" });
    expect(JSON.stringify(lines[0])).toContain("credit_entries");
    // The person's own words and tokens stay out of it.
    expect(JSON.stringify(lines[0])).not.toContain(someone.token);
  });
});
