import { describe, expect, test } from "bun:test";
import { request as httpRequest } from "node:http";
import { useYooKassaLane } from "./yookassa-lane.ts";
import { BODY, rawCalls } from "./yookassa-raw.ts";

const lane = useYooKassaLane();
const { call, create } = rawCalls(lane);

describe("the call itself", () => {
  test("wants shop and key, each time", async () => {
    const { shopId, secretKey, otherShop } = lane().emulator;
    for (const auth of [
      "",
      btoa("x"),
      btoa(`${shopId}:`),
      btoa(`:${secretKey}`),
      btoa(`${otherShop.shopId}:${secretKey}`),
    ]) {
      for (const [method, path] of [
        ["GET", "/payments"],
        ["POST", "/payments"],
        ["GET", "/me"],
        ["GET", "/nothing"],
      ] as const) {
        expect(await call(method, path, { auth })).toMatchObject({
          status: 401,
          body: { code: "invalid_credentials" },
        });
      }
    }
  });

  test("wants JSON, and verbs where they belong", async () => {
    expect(
      (await call("POST", "/payments", { body: "amount=1", type: "application/x-www-form-urlencoded" })).status,
    ).toBe(415);
    expect((await call("POST", "/payments", { body: "{" })).status).toBe(400);
    expect((await call("POST", "/payments", { body: [] })).status).toBe(400);
    const { body } = await create(BODY);
    for (const path of [`/payments/${body.id}/cancel`, `/payments/${body.id}/capture`]) {
      expect((await call("GET", path)).status).toBe(405);
    }
    expect((await call("DELETE", `/payments/${body.id}`)).status).toBe(405);
    expect((await call("POST", "/me", { body: {} })).status).toBe(405);
    for (const path of ["/payment", "/payments/a/b", "/payments/a/cancel/c", "/refunds/a/cancel", "/me/a", "/"]) {
      expect((await call("GET", path)).status).toBe(404);
    }
  });

  test("a key and a body on a read do no harm", async () => {
    const { body } = await create(BODY);
    const { emulator } = lane();
    const { status } = await new Promise<{ status: number }>((resolve, reject) => {
      const url = new URL(`${emulator.url}/payments/${body.id}`);
      const request = httpRequest(
        url,
        {
          method: "GET",
          headers: {
            authorization: `Basic ${btoa(`${emulator.shopId}:${emulator.secretKey}`)}`,
            "content-type": "application/json",
            "idempotence-key": "k",
            "content-length": 2,
          },
        },
        (response) => {
          response.resume();
          resolve({ status: response.statusCode ?? 0 });
        },
      );
      request.on("error", reject);
      request.end("{}");
    });
    expect(status).toBe(200);
  });
});
