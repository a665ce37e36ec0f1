import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { request as httpRequest } from "node:http";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { startYooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { BAD_CARDS, GOOD_CARDS } from "../../src/sandbox/yookassa-cards.ts";
import { incomeOf, newObjectId, SHOP_SETTINGS } from "../../src/sandbox/yookassa-records.ts";
import { order, renewal, standingClock, startYooKassaLane, type YooKassaLane } from "./yookassa-lane.ts";

let lane: YooKassaLane;
beforeEach(async () => {
  lane = await startYooKassaLane({ clock: standingClock() });
});
afterEach(() => lane.emulator.stop());

const BODY = {
  amount: { value: "149.00", currency: "RUB" },
  capture: true,
  confirmation: { type: "redirect", return_url: "https://example.com/back" },
};

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A call by bare HTTP, where the client would not let us say such things. */
async function call(
  method: string,
  path: string,
  more: { body?: unknown; key?: string | null; type?: string; auth?: string } = {},
): Promise<Answer> {
  const { emulator } = lane;
  const auth = more.auth ?? btoa(`${emulator.shopId}:${emulator.secretKey}`);
  const response = await fetch(emulator.url + path, {
    method,
    headers: {
      authorization: `Basic ${auth}`,
      ...(more.body === undefined ? {} : { "content-type": more.type ?? "application/json" }),
      ...(more.key === null ? {} : { "idempotence-key": more.key ?? crypto.randomUUID() }),
    },
    ...(more.body === undefined ? {} : { body: typeof more.body === "string" ? more.body : JSON.stringify(more.body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const create = (body: unknown, key?: string | null): Promise<Answer> =>
  call("POST", "/payments", { body, ...(key === undefined ? {} : { key }) });

describe("the idempotence key", () => {
  test("P12 gives the first answer again for the same request, whatever the order of its members", async () => {
    const first = await create(BODY, "k1");
    const { capture, confirmation } = BODY;
    const again = await create({ confirmation, capture, amount: { currency: "RUB", value: "149.00" } }, "k1");
    expect(again).toEqual(first);
    expect(lane.made()).toBe(1);
  });

  test("stands for one shop, one path and one body", async () => {
    await create(BODY, "k1");
    const refused = await create({ ...BODY, description: "other" }, "k1");
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request", parameter: "Idempotence-Key" } });
    const elsewhere = await call("POST", "/refunds", { body: BODY, key: "k1" });
    expect(elsewhere).toMatchObject({ status: 400, body: { parameter: "Idempotence-Key" } });
    const { shopId, secretKey } = lane.emulator.otherShop;
    const other = await call("POST", "/payments", { body: BODY, key: "k1", auth: btoa(`${shopId}:${secretKey}`) });
    expect(other.status).toBe(200);
    expect(lane.made()).toBe(2);
  });

  test("is forgotten after a day, and then makes a second payment", async () => {
    const first = await create(BODY, "k1");
    await lane.emulator.advance(DAY_MS - 1);
    expect((await create(BODY, "k1")).body.id).toBe(first.body.id as string);
    await lane.emulator.advance(1);
    expect((await create(BODY, "k1")).body.id).not.toBe(first.body.id as string);
  });

  test("gives a snapshot, or with a switch the payment as it is now", async () => {
    const { body } = await create(BODY, "k1");
    lane.emulator.pay(String(body.id));
    expect((await create(BODY, "k1")).body.status).toBe("pending");
    lane.emulator.faults.set("yookassa.replay", { mode: "current" });
    expect((await create(BODY, "k1")).body.status).toBe("succeeded");
  });

  test("is demanded wherever money moves, with a sensible length", async () => {
    for (const key of [null, "", "k".repeat(65), "a b"]) {
      expect(await create(BODY, key)).toMatchObject({ status: 400, body: { parameter: "Idempotence-Key" } });
    }
    expect((await create(BODY, "k".repeat(64))).status).toBe(200);
    expect((await call("POST", "/refunds", { body: {}, key: null })).body.parameter).toBe("Idempotence-Key");
  });

  test("keeps a refusal too, so that a mended body needs a new key", async () => {
    const wrong = { ...BODY, amount: { value: "149", currency: "RUB" } };
    expect((await create(wrong, "k1")).status).toBe(400);
    expect((await create(BODY, "k1")).body.parameter).toBe("Idempotence-Key");
    expect((await create(BODY, "k2")).status).toBe(200);
  });
});

describe("what a create must say", () => {
  const cases: [what: string, more: Record<string, unknown>, parameter: string][] = [
    ["no amount", { amount: undefined }, "amount"],
    ["a number for an amount", { amount: { value: 149, currency: "RUB" } }, "amount.value"],
    ["no decimals", { amount: { value: "149", currency: "RUB" } }, "amount.value"],
    ["three decimals", { amount: { value: "149.000", currency: "RUB" } }, "amount.value"],
    ["a comma", { amount: { value: "149,00", currency: "RUB" } }, "amount.value"],
    ["nothing to pay", { amount: { value: "0.00", currency: "RUB" } }, "amount.value"],
    ["a negative sum", { amount: { value: "-1.00", currency: "RUB" } }, "amount.value"],
    ["more than a card takes", { amount: { value: "350000.01", currency: "RUB" } }, "amount.value"],
    ["dollars", { amount: { value: "149.00", currency: "USD" } }, "amount.currency"],
    ["too long a description", { description: "x".repeat(129) }, "description"],
    ["too many pairs", { metadata: Object.fromEntries([...Array(17)].map((_, n) => [`k${n}`, "v"])) }, "metadata"],
    ["a number in metadata", { metadata: { order_id: 7 } }, "metadata"],
    ["no confirmation", { confirmation: undefined }, "confirmation"],
    ["an unknown confirmation", { confirmation: { type: "smoke" } }, "confirmation.type"],
    ["no way back", { confirmation: { type: "redirect" } }, "confirmation.return_url"],
    ["a relative way back", { confirmation: { type: "redirect", return_url: "/a" } }, "confirmation.return_url"],
    ["SBP in a test shop", { payment_method_data: { type: "sbp" } }, "payment_method_data.type"],
    ["an unknown stored method", { payment_method_id: "nobody", confirmation: undefined }, "payment_method_id"],
    ["a spent token", { payment_token: "eyJ0", confirmation: undefined }, "payment_token"],
  ];
  for (const [what, more, parameter] of cases) {
    test(`${what} is refused at ${parameter}`, async () => {
      const answer = await create({ ...BODY, ...more });
      expect(answer).toMatchObject({ status: 400, body: { type: "error", code: "invalid_request", parameter } });
      expect(lane.made()).toBe(0);
    });
  }

  test("the least of it is enough, and without capture money is only held", async () => {
    const { capture: _, ...held } = BODY;
    const { body } = await create(held);
    expect(body).toMatchObject({ status: "pending", metadata: {}, paid: false, refundable: false });
    expect(lane.emulator.pay(String(body.id))).toMatchObject({ status: "waiting_for_capture", paid: true });
  });

  test("where receipts are switched on, each payment needs one", async () => {
    lane.emulator.configure({ fiscalization: true });
    expect(await create(BODY)).toMatchObject({ status: 400, body: { description: "Receipt is missing or illegal" } });
    expect((await create({ ...BODY, receipt: { items: [] } })).status).toBe(200);
  });

  test("a live shop takes SBP, up to its own limit", async () => {
    lane.emulator.configure({ test: false });
    const sbp = { ...BODY, amount: { value: "700000.00", currency: "RUB" }, payment_method_data: { type: "sbp" } };
    expect(await create(sbp)).toMatchObject({ status: 200, body: { test: false } });
    expect((await create({ ...sbp, amount: { value: "700000.01", currency: "RUB" } })).status).toBe(400);
  });
});

describe("the call itself", () => {
  test("wants shop and key, each time", async () => {
    const { shopId, secretKey, otherShop } = lane.emulator;
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
    const { emulator } = lane;
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

describe("time", () => {
  test("a payment that nobody pays is over after an hour", async () => {
    const { id } = await lane.client.createPayment(order());
    await lane.emulator.advance(HOUR_MS - 1);
    expect(await lane.client.getPayment(id)).toMatchObject({ status: "pending" });
    await lane.emulator.advance(1);
    expect(await lane.client.getPayment(id)).toMatchObject({
      status: "canceled",
      cancellation: { party: "yoo_money", reason: "expired_on_confirmation" },
    });
  });

  test("held money goes back after seven days", async () => {
    const { body } = await create({ ...BODY, capture: false });
    lane.emulator.pay(String(body.id));
    await lane.emulator.advance(7 * DAY_MS - 1);
    expect((await call("GET", `/payments/${body.id}`)).body.status).toBe("waiting_for_capture");
    await lane.emulator.advance(1);
    expect((await call("GET", `/payments/${body.id}`)).body).toMatchObject({
      status: "canceled",
      paid: false,
      cancellation_details: { reason: "expired_on_capture" },
    });
  });

  test("a charge that hangs is over after a minute, one way or the other", async () => {
    const { id } = await lane.client.createPayment(order({ savePaymentMethod: true }));
    lane.emulator.pay(id);
    for (const [mode, status] of [
      ["pending", "succeeded"],
      ["pending_declined", "canceled"],
    ] as const) {
      lane.emulator.faults.set("yookassa.autopayment", { mode, times: 1 });
      const charge = await lane.client.createPayment(renewal(id));
      expect(charge.status).toBe("pending");
      await lane.emulator.advance(MINUTE_MS);
      expect(await lane.client.getPayment(charge.id)).toMatchObject({ status });
    }
  });

  test("a refund that hangs takes its place in the sum, and ends after a minute", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.pay(id);
    const refund = (amountKopecks: number) =>
      lane.client.createRefund({ paymentId: id, amountKopecks, idempotenceKey: crypto.randomUUID() });
    lane.emulator.faults.set("yookassa.refund_outcome", { mode: "pending", times: 1 });
    const first = await refund(10_000);
    expect(first.status).toBe("pending");
    expect(await refund(5_000).catch((error: unknown) => error)).toHaveProperty("kind", "rejected");
    await lane.emulator.advance(MINUTE_MS);
    expect(await lane.client.getRefund(first.id)).toMatchObject({ status: "succeeded" });
    lane.emulator.faults.set("yookassa.refund_outcome", { mode: "pending_canceled", times: 1 });
    const second = await refund(4_900);
    await lane.emulator.advance(MINUTE_MS);
    expect(await lane.client.getRefund(second.id)).toMatchObject({
      status: "canceled",
      cancellation: { reason: "insufficient_funds" },
    });
    expect(await lane.client.getPayment(id)).toMatchObject({ refundedAmountKopecks: 10_000, refundable: true });
    lane.emulator.faults.set("yookassa.refund_outcome", { mode: "canceled", times: 1 });
    expect((await refund(4_900)).status).toBe("canceled");
  });

  test("the clock goes by HTTP too, and only forward", async () => {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${lane.emulator.origin}/_clock`, { method: "POST", body: JSON.stringify(body) });
    expect((await post({ advance_ms: 1_000 })).status).toBe(200);
    expect(lane.emulator.stats().now).toBe("2026-11-22T10:00:01.000Z");
    expect((await post({ advance_ms: -1 })).status).toBe(422);
    expect((await post({})).status).toBe(422);
  });
});

describe("another's books", () => {
  test("are gone on from: payments, refunds and stored methods are there, and what happens now stays with this shop", async () => {
    const { client, emulator } = lane;
    const made = await client.createPayment(order({ savePaymentMethod: true }));
    emulator.pay(made.id);
    emulator.refund(made.id, 1_000);
    const other = await startYooKassaEmulator({ clock: standingClock(), books: emulator.books() });
    try {
      expect(other.stats()).toMatchObject({ payments: emulator.stats().payments, refunds: emulator.stats().refunds });
      const there = lane.clientWith({ apiUrl: other.url });
      expect(await there.createPayment(renewal(made.id))).toMatchObject({ status: "succeeded" });
      other.refund(made.id, 500);
      expect(await there.getPayment(made.id)).toMatchObject({ refundedAmountKopecks: 1_500 });
      expect(await client.getPayment(made.id)).toMatchObject({ refundedAmountKopecks: 1_000 });
      expect(emulator.stats().counts).toMatchObject({ payments: { succeeded: 1 }, refunds: { succeeded: 1 } });
      expect(other.stats().counts).toMatchObject({ payments: { succeeded: 2 }, refunds: { succeeded: 2 } });
    } finally {
      await other.stop();
    }
  });
});

describe("money", () => {
  test("commission and its VAT are kept back, each rounded", () => {
    expect(incomeOf(100_000, SHOP_SETTINGS)).toBe(96_584);
    expect(incomeOf(49_900, SHOP_SETTINGS)).toBe(48_196);
    expect(incomeOf(14_900, SHOP_SETTINGS)).toBe(14_391);
    expect(incomeOf(100_000, { ...SHOP_SETTINGS, commissionBasisPoints: 350 })).toBe(95_730);
    expect(incomeOf(100_000, { ...SHOP_SETTINGS, commissionBasisPoints: 0 })).toBe(100_000);
  });

  test("ids look like the provider's: seconds since noon of the first day of 2000, and no UUIDv4", () => {
    const id = newObjectId(new Date("2026-10-05T09:13:40.512Z"), "000f");
    expect(id).toMatch(/^[0-9a-f]{8}-000f-5000-[89][0-9a-f]{3}-[0-9a-f]{12}$/);
    const seconds = (Date.parse("2026-10-05T09:13:40Z") - Date.parse("2000-01-01T12:00:00Z")) / 1_000;
    expect(id.slice(0, 8)).toBe(seconds.toString(16));
    expect(new Set(Array.from({ length: 500 }, () => newObjectId(new Date(0), "000f"))).size).toBe(500);
  });

  test("every test card is a card number, and none stands twice", () => {
    const numbers = [...GOOD_CARDS, ...BAD_CARDS].map(({ number }) => number);
    expect(numbers).toHaveLength(6 + 13 * 3);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(number).toMatch(/^\d{16}$/);
  });
});

describe("the hands of payer and owner", () => {
  const post = async (path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(lane.emulator.origin + path, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  test("pay, cancel and give back by HTTP", async () => {
    const { id } = await lane.client.createPayment(order());
    expect(await post(`/_pay/${id}`)).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect((await post(`/_pay/${id}`)).body.detail).toBe("The payment is succeeded already.");
    expect(await post(`/_refund/${id}`, { amount: "49.00" })).toMatchObject({ body: { amount: { value: "49.00" } } });
    expect(await post(`/_refund/${id}`)).toMatchObject({ body: { amount: { value: "100.00" }, status: "succeeded" } });
    expect((await post(`/_refund/${id}`)).status).toBe(422);
    const second = await lane.client.createPayment(order());
    expect(await post(`/_cancel/${second.id}`, { reason: "card_expired" })).toMatchObject({
      body: { status: "canceled", cancellation_details: { reason: "card_expired" } },
    });
    expect((await post("/_pay/nobody")).body.detail).toBe("There is no payment nobody.");
    expect((await post(`/_pay/${second.id}`, { card: "1" })).status).toBe(422);
    expect((await post(`/_pay/${second.id}`, { unknown: 1 })).status).toBe(422);
    expect((await fetch(`${lane.emulator.origin}/_pay/${second.id}`)).status).toBe(405);
  });

  test("P9 P11 pay another sum, in another currency, or what was cancelled already", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.pay(id, { amount: "1.00", currency: "USD" });
    expect(await lane.client.getPayment(id)).toMatchObject({
      status: "succeeded",
      amountKopecks: 100,
      currency: "USD",
    });
    const second = await lane.client.createPayment(order());
    lane.emulator.cancel(second.id);
    lane.emulator.pay(second.id, { force: true });
    const paid = await lane.client.getPayment(second.id);
    expect(paid?.status).toBe("succeeded");
    expect(paid).not.toHaveProperty("cancellation");
  });

  test("settings are shown and changed by HTTP, and unknown ones refused", async () => {
    const shown = await fetch(`${lane.emulator.origin}/_settings`);
    expect(await shown.json()).toMatchObject({
      test: true,
      recurring: true,
      commissionBasisPoints: 280,
      vatPercent: 22,
    });
    expect(await post("/_settings", { publicUrl: "https://shop.example/sandbox/yookassa/" })).toMatchObject({
      status: 200,
    });
    const { confirmationUrl } = await lane.client.createPayment(order());
    expect(confirmationUrl).toStartWith("https://shop.example/sandbox/yookassa/pay/");
    expect((await post("/_settings", { colour: "red" })).status).toBe(422);
    expect((await post("/_settings", { vatPercent: 101 })).status).toBe(422);
  });

  test("what was asked is told, without credentials and bodies", async () => {
    await lane.client.createPayment(order({ requestId: "req-1" }));
    const stats = (await (await fetch(`${lane.emulator.origin}/_stats`)).json()) as Record<string, unknown>;
    expect(stats).toMatchObject({
      calls: [{ method: "POST", path: "/payments", status: 200, requestId: "req-1", replayed: false, fault: null }],
      counts: { payments: { pending: 1 }, refunds: {}, methods: 0 },
    });
    expect(JSON.stringify(stats)).not.toContain(lane.emulator.secretKey);
  });

  test("faults are set by HTTP, and unknown ones refused", async () => {
    const put = (body: unknown): Promise<Response> =>
      fetch(`${lane.emulator.origin}/_faults`, { method: "PUT", body: JSON.stringify(body) });
    expect((await put({ "yookassa.create": { mode: "http_500", times: 1 } })).status).toBe(200);
    expect((await create(BODY)).status).toBe(500);
    expect((await create(BODY)).status).toBe(200);
    expect((await put({ "yookassa.create": { mode: "explode" } })).status).toBe(422);
  });
});
