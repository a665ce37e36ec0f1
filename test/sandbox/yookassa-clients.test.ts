import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type ICreatePayment, YooCheckout } from "@a2seven/yoo-checkout";
import { CurrencyEnum, parseNotification, YooKassa, YooKassaErr, type YooKassaSdk } from "@webzaytsev/yookassa-ts-sdk";
import { startYooKassaEmulator, type YooKassaEmulator } from "../../src/sandbox/yookassa.ts";
import { until } from "../support/until.ts";
import { startShopServer } from "./yookassa-lane.ts";

/** Two clients that we did not write, so that emulator and client cannot be wrong in the same way. */
let emulator: YooKassaEmulator;
let checkout: YooCheckout;
let sdk: YooKassaSdk;
beforeAll(async () => {
  emulator = await startYooKassaEmulator();
  const { shopId, secretKey } = emulator;
  checkout = checkoutOf(shopId, secretKey);
  sdk = YooKassa({ shop_id: shopId, secret_key: secretKey, endpoint: emulator.url, retries: 0, maxRPS: 1_000 }, true);
});
afterEach(() => {
  emulator.faults.clear();
  emulator.configure({ recurring: true });
});
afterAll(() => emulator.stop());

/** Its address is fixed at build time and its only field for it is declared read-only. */
function checkoutOf(shopId: string, secretKey: string): YooCheckout {
  return Object.assign(new YooCheckout({ shopId, secretKey }), { root: emulator.url });
}

let keys = 0;
const key = (): string => {
  keys += 1;
  return `third-party-${keys}`;
};
const body = (value = "149.00"): ICreatePayment => ({
  amount: { value, currency: "RUB" },
  capture: true,
  description: "20 кредитов, заказ o_71",
  confirmation: { type: "redirect", return_url: "https://t.me/sandbox_bot/app?startapp=o_71" },
  metadata: { order_id: "o_71" },
});
const sdkBody = (value = "149.00") => ({
  amount: { value, currency: CurrencyEnum.RUB },
  capture: true,
  description: "20 кредитов, заказ o_71",
  confirmation: { type: "redirect" as const, return_url: "https://t.me/sandbox_bot/app?startapp=o_71" },
  metadata: { order_id: "o_71" },
});

/** What @a2seven/yoo-checkout throws: axios' error, with the API's own inside. */
async function refusalOf(call: Promise<unknown>): Promise<{ status: number; data: Record<string, unknown> }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as { response?: { status: number; data: Record<string, unknown> } },
  );
  if (error?.response === undefined) throw new Error("expected a refusal");
  return error.response;
}

describe("@a2seven/yoo-checkout against the emulator", () => {
  test("creates, reads, lists and refunds", async () => {
    const created = await checkout.createPayment(body(), key());
    expect(created).toMatchObject({ status: "pending", paid: false, test: true, metadata: { order_id: "o_71" } });
    expect(created.confirmation.confirmation_url).toStartWith(emulator.payUrl);
    emulator.pay(created.id);
    const paid = await checkout.getPayment(created.id);
    expect(paid).toMatchObject({ status: "succeeded", paid: true, amount: { value: "149.00", currency: "RUB" } });
    expect(paid.income_amount).toEqual({ value: "143.91", currency: "RUB" });
    const refund = await checkout.createRefund(
      { payment_id: created.id, amount: { value: "49.00", currency: "RUB" } },
      key(),
    );
    expect(refund).toMatchObject({ status: "succeeded", payment_id: created.id });
    expect(await checkout.getRefund(refund.id)).toMatchObject({ id: refund.id });
    expect((await checkout.getPayment(created.id)).refunded_amount.value).toBe("49.00");
    const since = { value: paid.created_at, mode: "gte" as const };
    const list = await checkout.getPaymentList({ created_at: since, status: "succeeded", limit: 5 });
    expect(list.items.map(({ id }) => id)).toContain(created.id);
    const refunds = await checkout.getRefundList({ payment_id: created.id });
    expect(refunds.items.map(({ id }) => id)).toEqual([refund.id]);
  });

  test("P12 gets the first answer again under the same key, and a refusal for another body", async () => {
    const one = key();
    const first = await checkout.createPayment(body(), one);
    expect((await checkout.createPayment(body(), one)).id).toBe(first.id);
    expect((await checkout.createPayment(body(), key())).id).not.toBe(first.id);
    const refused = await refusalOf(checkout.createPayment(body("150.00"), one));
    expect(refused).toMatchObject({
      status: 400,
      data: { type: "error", code: "invalid_request", parameter: "Idempotence-Key" },
    });
  });

  test("captures and cancels what is held", async () => {
    const held = async (): Promise<string> => {
      const { id } = await checkout.createPayment({ ...body(), capture: false }, key());
      emulator.pay(id);
      expect((await checkout.getPayment(id)).status).toBe("waiting_for_capture");
      return id;
    };
    const amount = { value: "100.00", currency: "RUB" };
    const captured = await checkout.capturePayment(await held(), { amount }, key());
    expect(captured).toMatchObject({ status: "succeeded", amount });
    const canceled = await checkout.cancelPayment(await held(), key());
    expect(canceled).toMatchObject({ status: "canceled", cancellation_details: { reason: "canceled_by_merchant" } });
    expect((await refusalOf(checkout.cancelPayment(captured.id, key()))).status).toBe(400);
  });

  test("meets refusals with their status and their code", async () => {
    const stranger = checkoutOf(emulator.shopId, "test_another");
    expect(await refusalOf(stranger.getPaymentList())).toMatchObject({
      status: 401,
      data: { code: "invalid_credentials" },
    });
    const { otherShop } = emulator;
    const { id } = await checkout.createPayment(body(), key());
    const foreign = checkoutOf(otherShop.shopId, otherShop.secretKey);
    expect(await refusalOf(foreign.getPayment(id))).toMatchObject({ status: 404, data: { code: "not_found" } });
    expect(await refusalOf(checkout.createPayment(body("149.0"), key()))).toMatchObject({
      status: 400,
      data: { parameter: "amount.value" },
    });
    emulator.configure({ recurring: false });
    expect(await refusalOf(checkout.createPayment({ ...body(), save_payment_method: true }, key()))).toMatchObject({
      status: 403,
      data: { code: "forbidden" },
    });
  });
});

describe("@webzaytsev/yookassa-ts-sdk against the emulator", () => {
  test("creates, reads, lists and refunds", async () => {
    const created = await sdk.payments.create(sdkBody("499.00"), key());
    expect(created).toMatchObject({ status: "pending", recipient: { account_id: emulator.shopId } });
    emulator.pay(created.id, { card: "4111111111111111" });
    const paid = await sdk.payments.load(created.id);
    expect(paid).toMatchObject({ status: "succeeded", income_amount: { value: "481.96" } });
    expect(paid.payment_method).toMatchObject({ type: "bank_card", title: "Bank card *1111", saved: false });
    const refund = await sdk.refunds.create(
      { payment_id: created.id, amount: { value: "499.00", currency: CurrencyEnum.RUB } },
      key(),
    );
    expect(await sdk.refunds.load(refund.id)).toMatchObject({ status: "succeeded", payment_id: created.id });
    expect((await sdk.refunds.list({ payment_id: created.id })).map(({ id }) => id)).toEqual([refund.id]);
    expect(await sdk.payments.load(created.id)).toMatchObject({ refundable: false });
  });

  test("walks all pages of a list", async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 12; n += 1) ids.add((await sdk.payments.create(sdkBody(), key())).id);
    const listed = (await sdk.payments.list({ status: "pending", limit: 5 })).map(({ id }) => id);
    expect([...ids].every((id) => listed.includes(id))).toBe(true);
    expect(new Set(listed).size).toBe(listed.length);
  });

  test("charges a stored method without the payer", async () => {
    const first = await sdk.payments.create({ ...sdkBody(), save_payment_method: true }, key());
    emulator.pay(first.id);
    const stored = (await sdk.payments.load(first.id)).payment_method;
    expect(stored).toMatchObject({ saved: true, id: first.id });
    const { confirmation: _, ...rest } = sdkBody();
    const charged = await sdk.payments.create({ ...rest, payment_method_id: first.id }, key());
    expect(charged.status).toBe("succeeded");
  });

  test("P13 repeats under one key after a lost answer, and the emulator has made one payment", async () => {
    const { shopId, secretKey, url } = emulator;
    const patient = YooKassa({ shop_id: shopId, secret_key: secretKey, endpoint: url, retries: 1 }, true);
    const before = emulator.stats().payments.length;
    emulator.faults.set("yookassa.create", { mode: "executed_500", times: 1 });
    const payment = await patient.payments.create(sdkBody(), key());
    expect(payment.status).toBe("pending");
    expect(emulator.stats().payments).toHaveLength(before + 1);
  });

  test("throws the API's own code", async () => {
    const error = await sdk.payments.load("32f0a1b4-000f-5000-8000-1c7d2e9f4a10").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(YooKassaErr);
    expect(error).toHaveProperty("name", "not_found");
  });

  test("reads the emulator's notices", async () => {
    const shop = startShopServer();
    emulator.setWebhookUrl(shop.url);
    const { id } = await sdk.payments.create(sdkBody(), key());
    emulator.pay(id);
    emulator.refund(id, 1_000);
    await until(() => shop.received.length === 2, "both notices");
    emulator.setWebhookUrl(undefined);
    await shop.stop();
    const [paid, refunded] = shop.received.map(({ text }) => parseNotification(JSON.parse(text)));
    expect(paid).toMatchObject({ event: "payment.succeeded", object: { id, status: "succeeded", paid: true } });
    expect(refunded).toMatchObject({ event: "refund.succeeded", object: { payment_id: id, status: "succeeded" } });
  });
});
