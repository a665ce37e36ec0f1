import { describe, expect, test } from "bun:test";
import { startTestApp } from "../../support/app.ts";
import { rawRequest } from "../../support/raw-request.ts";
import { within } from "../../support/timing.ts";

const product = await startTestApp();
const person = await product.signIn();
product.app.listen({ port: 0, hostname: "127.0.0.1", reusePort: false, maxRequestBodySize: Number.MAX_SAFE_INTEGER });
const port = product.app.server?.port ?? 0;
const HOST = "Host: app.example.org\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";

const post = (path: string, headers: string, ...body: (string | number)[]) =>
  rawRequest(port, [`POST /api/v1${path} HTTP/1.1\r\n${HOST}${headers}\r\n`, ...body]);

/** The head of an answer over the wire, and its body as JSON. */
function parts({ text }: { text: string }) {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  return { head: head.toLowerCase(), problem: JSON.parse(body || "{}") as { code?: string; request_id?: string } };
}

describe("what no route would take is sent away at the door", () => {
  test("a body that is announced too large: nothing of it is read, and the connection closes", async () => {
    for (const length of ["67108865", "99999999", "999999999999", "9007199254740991"]) {
      const answer = await post("/auth/refresh", `${JSON_TYPE}Content-Length: ${length}\r\n`, "x".repeat(1_000));
      const { head, problem } = parts(answer);
      expect([length, answer.status, problem.code]).toEqual([length, 413, "body_too_large"]);
      expect(head).toContain("content-type: application/problem+json");
      expect(head).toContain("connection: close");
      expect(head).toContain("x-content-type-options: nosniff");
      expect(head).toContain(`x-request-id: ${problem.request_id}`);
      expect(answer.ms).toBeLessThan(within(1_000, 10_000));
    }
  });

  test("a body that its route would never have read", async () => {
    const headers = `Authorization: Bearer ${person.token}\r\n`;
    expect((await post("/live/ticket", `${headers}Content-Length: 5\r\n`, "12345")).status).toBe(200);
    const answer = await post("/live/ticket", `${headers}Content-Length: 99999999\r\n`, "12345");
    expect([answer.status, parts(answer).problem.code]).toEqual([413, "body_too_large"]);
  });

  test("an upload announced too large hears that its file is", async () => {
    const headers = `Authorization: Bearer ${person.token}\r\nContent-Type: multipart/form-data; boundary=x\r\n`;
    const answer = await post("/fitting/upload", `${headers}Content-Length: 70000000\r\n`, "--x");
    expect([answer.status, parts(answer).problem]).toMatchObject([
      413,
      { code: "file_too_large", bytes_max: 5 * 1024 * 1024 },
    ]);
  });

  test("a body without a length is cut off at its route's limit, and its connection closes", async () => {
    const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
    const pieces = Array.from({ length: 8 }, () => chunk);
    const answer = await post("/auth/refresh", `${JSON_TYPE}Transfer-Encoding: chunked\r\n`, ...pieces);
    expect([answer.status, parts(answer).problem.code]).toEqual([413, "body_too_large"]);
    expect(parts(answer).head).toContain("connection: close");
  });

  test("an address that is too long, path and query together, and not one that is just long enough", async () => {
    const ask = (length: number) =>
      rawRequest(port, [`GET /api/v1/plans?${"x".repeat(length)} HTTP/1.1\r\n${HOST}\r\n`]);
    const tooLong = await ask(8_200);
    expect([tooLong.status, parts(tooLong).problem.code]).toEqual([414, "address_too_long"]);
    expect(parts(tooLong).head).toContain("connection: close");
    expect((await ask(7_000)).status).toBe(422);
    const path = await rawRequest(port, [`GET /${"x".repeat(9_000)} HTTP/1.1\r\n${HOST}\r\n`]);
    expect(path.status).toBe(414);
  });
});

test("an address with the character NUL, in a path or a query", async () => {
  for (const address of ["/api/v1/admin/generations?error=a%00b", "/api/v1/files/%00", "/%00"]) {
    const answer = await rawRequest(port, [`GET ${address} HTTP/1.1\r\n${HOST}\r\n`]);
    expect([address, answer.status, parts(answer).problem.code]).toEqual([address, 404, "not_found"]);
  }
  // A percent sign and two noughts are none: here the query is refused as any unknown one.
  expect((await rawRequest(port, [`GET /api/v1/plans?x=%2500 HTTP/1.1\r\n${HOST}\r\n`])).status).toBe(422);
});

describe("what is no proper request never reaches a route", () => {
  const improper: [what: string, text: string, status: number][] = [
    ["two lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc`, 400],
    [
      "a length and chunks",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ["no host", "GET /health/live HTTP/1.1\r\n\r\n", 400],
    ["no HTTP", "GARBAGE\r\n\r\n", 400],
    ["a negative length", `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
    ["250 headers", `GET / HTTP/1.1\r\n${HOST}${"a: 1\r\n".repeat(250)}\r\n`, 431],
    ["a header of 20 kB", `GET / HTTP/1.1\r\n${HOST}a: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["a path of 20 kB", `GET /${"x".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 431],
  ];
  for (const [what, text, status] of improper) {
    test(what, async () => {
      const answer = await rawRequest(port, [text]);
      expect([answer.status, answer.text.toLowerCase().includes("connection: close")]).toEqual([status, true]);
      expect(answer.text).not.toMatch(/bun|elysia|atelier/i);
    });
  }

  test("headers given twice mean nothing that one of them would mean", async () => {
    const get = (headers: string) => rawRequest(port, [`GET /api/v1/balance HTTP/1.1\r\n${HOST}${headers}\r\n`]);
    const token = `Authorization: Bearer ${person.token}\r\n`;
    expect((await get(token)).status).toBe(200);
    expect((await get(`${token}Authorization: Bearer x.y.z\r\n`)).status).toBe(401);
    expect((await get(token + token)).status).toBe(401);
    const types = `${JSON_TYPE}Content-Type: text/plain\r\nContent-Length: 2\r\n`;
    expect((await post("/auth/refresh", types, "{}")).status).toBe(415);
    const keys = `${token}Idempotency-Key: a\r\nIdempotency-Key: b\r\n${JSON_TYPE}Content-Length: 2\r\n`;
    const refused = await post("/payments/create", keys, "{}");
    expect([refused.status, parts(refused).problem.code]).toEqual([422, "validation_failed"]);
  });
});
