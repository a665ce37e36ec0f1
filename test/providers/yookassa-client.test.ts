import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { OperatorError } from "../../src/platform/errors.ts";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { YooKassaFailure } from "../../src/providers/yookassa/classify.ts";
import { createYooKassaClient } from "../../src/providers/yookassa/client.ts";
import { REFUSALS } from "../../src/sandbox/yookassa-faults.ts";
import {
  failureOf,
  HASTY,
  order,
  RETURN_URL,
  renewal,
  startYooKassaLane,
  type YooKassaLane,
} from "../sandbox/yookassa-lane.ts";
import { bareServer } from "./bare-server.ts";

let lane: YooKassaLane;
beforeAll(async () => {
  lane = await startYooKassaLane();
});
afterEach(() => {
  lane.emulator.faults.clear();
  lane.emulator.configure({ recurring: true, test: true, fiscalization: false });
  lane.waits.length = 0;
  lane.newCalls();
});
afterAll(() => lane.emulator.stop());

describe("a payment", () => {
  test("is made for the exact sum, captured at once, and leads to a page", async () => {
    const wanted = order({ amountKopecks: 14_905 });
    const payment = await lane.client.createPayment(wanted);
    expect(payment).toMatchObject({
      status: "pending",
      paid: false,
      amountKopecks: 14_905,
      currency: "RUB",
      refundedAmountKopecks: 0,
      refundable: false,
      test: true,
      description: wanted.description,
      metadata: wanted.metadata,
    });
    expect(payment.confirmationUrl).toStartWith(lane.emulator.payUrl);
    expect(payment).not.toHaveProperty("paymentMethod");
    expect(payment).not.toHaveProperty("incomeAmountKopecks");
    lane.emulator.pay(payment.id);
    expect(await lane.client.getPayment(payment.id)).toMatchObject({ status: "succeeded", paid: true });
  });

  test("shows what reached the shop, the method and no confirmation once it is paid", async () => {
    const { id } = await lane.client.createPayment(order({ amountKopecks: 49_900 }));
    lane.emulator.pay(id, { card: "5555555555554477" });
    const paid = await lane.client.getPayment(id);
    expect(paid).toMatchObject({
      status: "succeeded",
      incomeAmountKopecks: 48_196,
      refundable: true,
      paymentMethod: { id, saved: false, type: "bank_card", title: "Bank card *4477" },
    });
    expect(paid?.capturedAt).toBeInstanceOf(Date);
    expect(paid).not.toHaveProperty("confirmationUrl");
    expect(paid).not.toHaveProperty("cancellation");
  });

  test("that was cancelled says by whom and why", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.cancel(id, { reason: "insufficient_funds" });
    expect(await lane.client.getPayment(id)).toMatchObject({
      status: "canceled",
      paid: false,
      cancellation: { party: "payment_network", reason: "insufficient_funds" },
    });
  });

  test("is null when the provider knows no such one, and an id that is none is not even asked for", async () => {
    expect(await lane.client.getPayment("32f0a1b4-000f-5000-8000-1c7d2e9f4a10")).toBeNull();
    expect(lane.newCalls()).toHaveLength(1);
    for (const id of ["", "..", "../me", "a/b", "a?b", "a b", "%2e%2e", "x".repeat(65)]) {
      expect(await lane.client.getPayment(id)).toBeNull();
      expect(await lane.client.getRefund(id)).toBeNull();
    }
    expect(lane.newCalls()).toEqual([]);
  });

  test("of another shop does not exist for ours", async () => {
    const other = lane.clientWith(lane.emulator.otherShop);
    const { id } = await other.createPayment(order());
    expect(await lane.client.getPayment(id)).toBeNull();
    expect(await other.getPayment(id)).toMatchObject({ id });
  });

  for (const [what, more] of [
    ["half a kopeck", { amountKopecks: 14_900.5 }],
    ["less than a rouble", { amountKopecks: 99 }],
    ["nothing", { amountKopecks: 0 }],
    ["a negative sum", { amountKopecks: -14_900 }],
    ["no number", { amountKopecks: Number.NaN }],
    ["more than any method takes", { amountKopecks: 70_000_001 }],
    ["too long a description", { description: "д".repeat(129) }],
    ["no description", { description: " " }],
    ["too much metadata", { metadata: Object.fromEntries([...Array(17)].map((_, n) => [`k${n}`, "v"])) }],
    ["too long a value", { metadata: { order_id: "x".repeat(513) } }],
    ["too long a name", { metadata: { ["x".repeat(33)]: "v" } }],
    ["a way back that is no address", { returnUrl: "/paid" }],
    ["a way back that runs code", { returnUrl: "javascript:alert(1)" }],
    ["too long a key", { idempotenceKey: "k".repeat(65) }],
    ["no key", { idempotenceKey: "" }],
    ["a key with a colon", { idempotenceKey: "pay:1" }],
    ["both a page and a stored method", { paymentMethodId: "32f0a1b4-000f-5000-8000-1c7d2e9f4a10" }],
  ] as const) {
    test(`for ${what} is refused before anything is sent`, async () => {
      expect(await failureOf(lane.client.createPayment(order(more)))).toMatchObject({ kind: "rejected" });
      expect(lane.newCalls()).toEqual([]);
    });
  }
});

describe("P13 one idempotence key for all tries", () => {
  const lost = [
    "reset",
    "hang",
    "half_body",
    "not_json",
    "edge_502",
    "edge_504",
    "edge_1010",
    "http_500",
    "executed_500",
    "executed_reset",
    "executed_hang",
    "executed_edge_502",
    "processing",
    "unknown_shape",
  ];
  const clientFor = (mode: string) => (mode.endsWith("hang") ? lane.clientWith({ timeouts: HASTY }) : lane.client);
  for (const mode of lost) {
    test(`P13 a create that meets ${mode} once is repeated under its key and makes one payment`, async () => {
      const before = lane.made();
      lane.emulator.faults.set("yookassa.create", { mode, times: 1 });
      const wanted = order();
      const payment = await clientFor(mode).createPayment(wanted);
      expect(payment).toMatchObject({ status: "pending", metadata: wanted.metadata });
      const posts = lane.newCalls();
      expect(posts.map(({ idempotenceKey }) => idempotenceKey)).toEqual([wanted.idempotenceKey, wanted.idempotenceKey]);
      expect(lane.made()).toBe(before + 1);
    });

    test(`P13 a create that meets ${mode} three times is unknown, and the same key finds it later`, async () => {
      const before = lane.made();
      lane.emulator.faults.set("yookassa.create", { mode, times: 3 });
      const wanted = order();
      const failure = await failureOf(clientFor(mode).createPayment(wanted));
      expect(failure.kind).toBe("unknown");
      expect(lane.waits).toHaveLength(2);
      expect(lane.newCalls().every(({ idempotenceKey }) => idempotenceKey === wanted.idempotenceKey)).toBe(true);
      const payment = await lane.client.createPayment(wanted);
      expect(lane.made()).toBe(before + 1);
      expect((await lane.client.createPayment(wanted)).confirmationUrl).toBe(payment.confirmationUrl as string);
    });
  }

  test("P13 a refund whose answers are lost gives the money back once", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.pay(id);
    lane.emulator.faults.set("yookassa.refund", { mode: "executed_reset", times: 2 });
    const refund = await lane.client.createRefund({
      paymentId: id,
      amountKopecks: 4_900,
      idempotenceKey: "refund-1",
    });
    expect(refund).toMatchObject({ paymentId: id, status: "succeeded", amountKopecks: 4_900, currency: "RUB" });
    expect((await lane.client.listRefunds({ paymentId: id })).items).toHaveLength(1);
    expect(await lane.client.getPayment(id)).toMatchObject({ refundedAmountKopecks: 4_900 });
  });

  test("P12 two creates at once under one key make one payment with one page", async () => {
    const before = lane.made();
    const wanted = order();
    const [one, two] = await Promise.all([lane.client.createPayment(wanted), lane.client.createPayment(wanted)]);
    expect(one?.confirmationUrl).toBe(two?.confirmationUrl as string);
    expect(lane.made()).toBe(before + 1);
  });

  test("P13 a last try that could not be sent leaves the call unknown, as an earlier one may have been carried out", async () => {
    const once = await bareServer((socket) => socket.destroy());
    const client = lane.clientWith({
      apiUrl: once.url,
      sleep: async () => {
        once.close();
      },
    });
    const failure = await failureOf(client.createPayment(order()));
    expect(failure.kind).toBe("unknown");
    expect(failure.message).toContain("earlier try");
  });

  test("a create that can never have been sent is unavailable, not unknown", async () => {
    const client = lane.clientWith({ apiUrl: "http://127.0.0.1:1/v3" });
    expect(await failureOf(client.createPayment(order()))).toMatchObject({ kind: "unavailable" });
    expect(lane.waits).toHaveLength(2);
  });

  test("P13 a refusal after a lost try is the provider's word that nothing was done", async () => {
    let tries = 0;
    const server = await bareServer((socket) => {
      tries += 1;
      if (tries === 1) return socket.destroy();
      const body = JSON.stringify({ type: "error", id: "1", code: "invalid_request", description: "Incorrect amount" });
      return socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).createPayment(order()));
    server.close();
    expect(failure).toMatchObject({ kind: "rejected", code: "invalid_request" });
  });

  test("no new try starts once the whole time is over", async () => {
    lane.emulator.faults.set("yookassa.create", { mode: "hang" });
    const client = lane.clientWith({ timeouts: { createMs: 60, totalMs: 50 } });
    expect(await failureOf(client.createPayment(order()))).toMatchObject({ kind: "unknown" });
    expect(lane.newCalls()).toHaveLength(1);
  });

  test("the 202 of old asks to wait, and is waited for", async () => {
    lane.emulator.faults.set("yookassa.create", { mode: "processing", times: 2 });
    expect(await lane.client.createPayment(order())).toMatchObject({ status: "pending" });
    expect(lane.waits).toEqual([1_800, 1_800]);
  });

  test("the same key for another sum is refused, and the owner hears of it", async () => {
    const wanted = order();
    await lane.client.createPayment(wanted);
    const failure = await failureOf(lane.client.createPayment({ ...wanted, amountKopecks: 15_000 }));
    expect(failure).toMatchObject({ kind: "rejected", parameter: "Idempotence-Key", alert: true });
    expect(lane.newCalls()).toHaveLength(2);
  });
});

describe("refusals", () => {
  const kinds: Record<keyof typeof REFUSALS, { kind: string; alert?: boolean; tries?: number }> = {
    "400": { kind: "rejected", alert: false },
    "400_amount": { kind: "rejected", alert: false },
    "400_key": { kind: "rejected", alert: true },
    "400_no_key": { kind: "rejected", alert: true },
    "400_receipt": { kind: "rejected", alert: false },
    "401": { kind: "unauthorized", alert: true },
    "403": { kind: "unauthorized", alert: true },
    "403_recurring": { kind: "unauthorized", alert: false },
    "404": { kind: "rejected", alert: false },
    "405": { kind: "rejected", alert: true },
    "415": { kind: "rejected", alert: true },
    "429": { kind: "rate_limited", tries: 3 },
    "500": { kind: "unknown", tries: 3 },
  };
  for (const [name, { tries = 1, ...expected }] of Object.entries(kinds)) {
    test(`HTTP ${name} is ${expected.kind} for a create, with the provider's own code`, async () => {
      lane.emulator.faults.set("yookassa.create", { mode: `http_${name}` });
      const before = lane.made();
      const failure = await failureOf(lane.client.createPayment(order()));
      const { status, code } = REFUSALS[name as keyof typeof REFUSALS];
      expect(failure).toBeInstanceOf(YooKassaFailure);
      expect(failure).toMatchObject({ ...expected, provider: "yookassa", status, code } as Record<string, unknown>);
      expect(lane.newCalls()).toHaveLength(tries);
      expect(lane.made()).toBe(before);
    });
  }

  test("429 names how long to wait, and a longer wait than a few seconds is left to the caller", async () => {
    lane.emulator.faults.set("yookassa.create", { mode: "http_429", times: 1 });
    await lane.client.createPayment(order());
    expect(lane.waits).toEqual([1_000]);
    const server = await bareServer((socket) => {
      const body = '{"type":"error","code":"too_many_requests","retry_after":60000}';
      socket.end(
        `HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).createPayment(order()));
    server.close();
    expect(failure).toMatchObject({ kind: "rate_limited", retryAfterMs: 60_000 });
    expect(server.hits).toHaveLength(1);
  });

  test("a wrong key is unauthorized and alerts, for money and for reading", async () => {
    const stranger = lane.clientWith({ secretKey: "test_another" });
    for (const call of [
      stranger.createPayment(order()),
      stranger.getPayment("32f0a1b4-000f-5000-8000-1c7d2e9f4a10"),
      stranger.listPayments(),
      stranger.me(),
    ]) {
      expect(await failureOf(call)).toMatchObject({ kind: "unauthorized", alert: true });
    }
  });

  test("the 404 of an address that is not YooKassa's is no missing payment", async () => {
    const client = lane.clientWith({ apiUrl: `${lane.emulator.origin}/somewhere` });
    const failure = await failureOf(client.getPayment("32f0a1b4-000f-5000-8000-1c7d2e9f4a10"));
    expect(failure).toMatchObject({ kind: "unavailable", alert: true });
  });

  test("a redirect is not followed, as the key would travel along", async () => {
    const server = await bareServer((socket) =>
      socket.end(
        `HTTP/1.1 302 Found\r\nlocation: ${lane.emulator.url}/payments\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      ),
    );
    const client = lane.clientWith({ apiUrl: server.url });
    expect(await failureOf(client.listPayments())).toMatchObject({ kind: "unavailable", alert: true });
    expect(await failureOf(client.createPayment(order()))).toMatchObject({ kind: "unknown", alert: true });
    server.close();
    expect(lane.newCalls()).toEqual([]);
  });

  test("long numbers in the provider's words are not repeated", async () => {
    const server = await bareServer((socket) => {
      const body = JSON.stringify({
        type: "error",
        code: "invalid_request",
        description: "Card 5555 5555 5555 4444 (5555555555554444) is odd",
      });
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const failure = await failureOf(lane.clientWith({ apiUrl: server.url }).createPayment(order()));
    server.close();
    expect(failure.message).toContain("is odd");
    expect(failure.message).not.toContain("5555");
  });
});

describe("reading", () => {
  for (const mode of ["reset", "half_body", "not_json", "edge_502", "http_500", "http_429"]) {
    test(`is tried again after ${mode}`, async () => {
      const { id } = await lane.client.createPayment(order());
      lane.emulator.faults.set("yookassa.read", { mode, times: 2 });
      expect(await lane.client.getPayment(id)).toMatchObject({ id });
    });
  }

  test("three failures are unavailable, never unknown", async () => {
    const { id } = await lane.client.createPayment(order());
    lane.emulator.faults.set("yookassa.read", { mode: "http_500" });
    lane.emulator.faults.set("yookassa.list", { mode: "edge_504" });
    expect(await failureOf(lane.client.getPayment(id))).toMatchObject({ kind: "unavailable" });
    expect(await failureOf(lane.client.getRefund(id))).toMatchObject({ kind: "unavailable" });
    expect(await failureOf(lane.client.listPayments())).toMatchObject({ kind: "unavailable" });
  });

  test("P6 P9 P10 shows a payment as the provider tells it, so that a wrong sum, currency, order or mode is seen", async () => {
    const { id } = await lane.client.createPayment(order());
    const read = async (mode: string): Promise<unknown> => {
      lane.emulator.faults.set("yookassa.object", { mode, times: 1 });
      return lane.client.getPayment(id);
    };
    expect(await read("underpaid")).toMatchObject({ amountKopecks: 14_800 });
    expect(await read("overpaid")).toMatchObject({ amountKopecks: 24_900 });
    expect(await read("foreign_currency")).toMatchObject({ amountKopecks: 14_900, currency: "USD" });
    expect(await read("other_order")).toMatchObject({ metadata: { order_id: "an-order-of-somebody-else" } });
    expect(await read("no_metadata")).toMatchObject({ metadata: {} });
    expect(await read("test_flipped")).toMatchObject({ test: false });
  });

  for (const mode of ["unknown_status", "odd_amount", "unknown_shape"]) {
    test(`an object with ${mode} is not guessed at`, async () => {
      const { id } = await lane.client.createPayment(order());
      lane.emulator.faults.set("yookassa.object", { mode });
      expect(await failureOf(lane.client.getPayment(id))).toMatchObject({ kind: "unavailable", alert: true });
    });
  }

  test("a list with one odd object shows the others, and says how many are missing", async () => {
    await lane.client.createPayment(order());
    await lane.client.createPayment(order());
    lane.emulator.faults.set("yookassa.object", { mode: "unknown_status", times: 1 });
    const page = await lane.client.listPayments({ limit: 2 });
    expect(page).toMatchObject({ unreadableCount: 1 });
    expect(page.items).toHaveLength(1);
    expect(lane.lines.at(-1)).toContain('"alert":true');
  });

  test("walks a list from page to page, newest first, each payment once", async () => {
    const own = await startYooKassaLane();
    const ids: string[] = [];
    for (let n = 0; n < 25; n += 1) ids.push((await own.client.createPayment(order())).id);
    own.emulator.pay(ids[3] ?? "");
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof own.client.listPayments>> = await own.client.listPayments(
        cursor === null ? {} : { cursor },
      );
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(seen).toEqual([...ids].reverse());
    expect(pages).toBe(3);
    const succeeded = await own.client.listPayments({ status: "succeeded", limit: 100 });
    expect(succeeded.items.map(({ id }) => id)).toEqual([ids[3] ?? ""]);
    expect((await own.client.listPayments({ createdFrom: new Date(Date.now() + 60_000) })).items).toEqual([]);
    expect((await own.client.listPayments({ createdBefore: new Date(Date.now() + 60_000) })).items).toHaveLength(10);
    expect(await failureOf(own.client.listPayments({ limit: 101 }))).toMatchObject({ kind: "rejected" });
    await own.emulator.stop();
  });

  test("the shop says what it is; null when the key may not ask", async () => {
    expect(await lane.client.me()).toEqual({
      shopId: lane.emulator.shopId,
      test: true,
      fiscalization: false,
      status: "enabled",
      paymentMethods: ["bank_card", "yoo_money"],
    });
    lane.emulator.configure({ test: false, fiscalization: true });
    expect(await lane.client.me()).toMatchObject({ test: false, fiscalization: true });
    lane.emulator.faults.set("yookassa.me", { mode: "http_403", times: 1 });
    expect(await lane.client.me()).toBeNull();
    lane.emulator.faults.set("yookassa.me", { mode: "unknown_shape" });
    expect(await failureOf(lane.client.me())).toMatchObject({ kind: "unavailable" });
  });
});

describe("a stored method", () => {
  test("is charged without the payer, at once", async () => {
    const { id } = await lane.client.createPayment(order({ savePaymentMethod: true }));
    lane.emulator.pay(id);
    const first = await lane.client.getPayment(id);
    expect(first?.paymentMethod).toMatchObject({ id, saved: true });
    const second = await lane.client.createPayment(renewal(id));
    expect(second).toMatchObject({ status: "succeeded", paid: true, paymentMethod: { id } });
    expect(second.id).not.toBe(id);
    expect(second).not.toHaveProperty("confirmationUrl");
  });

  test("that is declined is an answer, not a failure: cancelled, with the reason", async () => {
    const { id } = await lane.client.createPayment(order({ savePaymentMethod: true }));
    lane.emulator.pay(id);
    lane.emulator.faults.set("yookassa.autopayment", { mode: "insufficient_funds", times: 1 });
    expect(await lane.client.createPayment(renewal(id))).toMatchObject({
      status: "canceled",
      cancellation: { reason: "insufficient_funds" },
    });
    lane.emulator.revoke(id);
    expect(await lane.client.createPayment(renewal(id))).toMatchObject({
      cancellation: { reason: "permission_revoked" },
    });
  });

  test("in a shop that may not, the whole payment is refused in a way that can be told apart, without an alert", async () => {
    lane.emulator.configure({ recurring: false });
    const failure = await failureOf(lane.client.createPayment(order({ savePaymentMethod: true })));
    expect(failure).toMatchObject({ kind: "unauthorized", recurringRefused: true, alert: false, code: "forbidden" });
    expect(await lane.client.createPayment(order())).toMatchObject({ status: "pending" });
  });

  test("that the bank does not let be stored is not saved", async () => {
    lane.emulator.faults.set("yookassa.save", { mode: "not_saved", times: 1 });
    const { id } = await lane.client.createPayment(order({ savePaymentMethod: true }));
    lane.emulator.pay(id);
    expect((await lane.client.getPayment(id))?.paymentMethod?.saved).toBe(false);
    expect(await failureOf(lane.client.createPayment(renewal(id)))).toMatchObject({ parameter: "payment_method_id" });
  });
});

describe("a refund", () => {
  test("is given in parts until nothing is left", async () => {
    const { id } = await lane.client.createPayment(order({ amountKopecks: 30_000 }));
    const refund = (amountKopecks: number, key: string) =>
      lane.client.createRefund({ paymentId: id, amountKopecks, idempotenceKey: key, description: "Возврат" });
    expect(await failureOf(refund(10_000, `${id}-0`))).toMatchObject({ kind: "rejected" });
    lane.emulator.pay(id);
    const first = await refund(10_000, `${id}-1`);
    expect(await lane.client.getRefund(first.id)).toEqual(first);
    expect(first).toMatchObject({ status: "succeeded", description: "Возврат", paymentId: id });
    expect(await failureOf(refund(20_001, `${id}-2`))).toMatchObject({ kind: "rejected", parameter: "amount.value" });
    expect(await failureOf(refund(19_950, `${id}-3`))).toMatchObject({ kind: "rejected" });
    await refund(20_000, `${id}-4`);
    expect(await lane.client.getPayment(id)).toMatchObject({ refundedAmountKopecks: 30_000, refundable: false });
    expect((await lane.client.listRefunds({ paymentId: id })).items.map(({ amountKopecks }) => amountKopecks)).toEqual([
      20_000, 10_000,
    ]);
  });

  test("of an unknown payment, and one that is no id, are rejected", async () => {
    for (const paymentId of ["32f0a1b4-000f-5000-8000-1c7d2e9f4a10", "../me"]) {
      const call = lane.client.createRefund({ paymentId, amountKopecks: 100, idempotenceKey: `r-${paymentId.length}` });
      expect(await failureOf(call)).toMatchObject({ kind: "rejected" });
    }
  });
});

describe("the log", () => {
  test("has one line for each call, with neither key nor body in it", async () => {
    await lane.client.createPayment(order({ requestId: "req-7" }));
    expect(lane.lines.join("\n")).toContain("/v3/payments");
    const all = lane.lines.join("\n");
    const encoded = Buffer.from(`${lane.emulator.shopId}:${lane.emulator.secretKey}`).toString("base64");
    for (const secret of [lane.emulator.secretKey, encoded, "Basic ", RETURN_URL, "кредитов", "Bank card"]) {
      expect(all).not.toContain(secret);
    }
  });
});

describe("a client", () => {
  const make = (more: Record<string, unknown>) => () =>
    createYooKassaClient({
      apiUrl: "https://api.yookassa.ru/v3",
      shopId: "100500",
      secretKey: "live_key",
      log: silentLog,
      loopbackAllowed: false,
      ...more,
    });

  test("is made from the real address, and from loopback only when that is allowed", () => {
    expect(make({})()).toHaveProperty("createPayment");
    expect(make({ apiUrl: "http://127.0.0.1:1", loopbackAllowed: true })()).toHaveProperty("createPayment");
    expect(make({ apiUrl: "http://127.0.0.1:1" })).toThrow(OperatorError);
    expect(make({ apiUrl: "http://api.yookassa.ru/v3", loopbackAllowed: true })).toThrow(OperatorError);
    expect(make({ apiUrl: "api.yookassa.ru" })).toThrow("YOOKASSA_API_URL");
  });

  test("finds the API's path by itself where only the host is given", async () => {
    const client = lane.clientWith({ apiUrl: lane.emulator.origin });
    expect(await client.me()).toMatchObject({ shopId: lane.emulator.shopId });
  });

  test("names the setting that cannot be right", () => {
    for (const shopId of ["", "shop", "100 500"]) expect(make({ shopId })).toThrow("YOOKASSA_SHOP_ID");
    for (const secretKey of ["", " ", "live key"]) expect(make({ secretKey })).toThrow("YOOKASSA_SECRET_KEY");
  });
});
