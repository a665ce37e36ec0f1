import { describe, expect, test } from "bun:test";
import { readPayment, readRefund, readShop } from "../../src/providers/yookassa/objects.ts";

const ID = "32f0a1b4-000f-5000-8000-1c7d2e9f4a10";
const payment = (more: Record<string, unknown> = {}): unknown => ({
  id: ID,
  status: "succeeded",
  paid: true,
  amount: { value: "499.00", currency: "RUB" },
  created_at: "2026-10-05T09:13:40.512Z",
  test: false,
  ...more,
});

describe("a payment as the API shows it", () => {
  test("needs little, and takes whatever else is there", () => {
    expect(readPayment(payment({ deal: { id: "d" }, transfers: [], invoice_details: null, brand_new: 7 }))).toEqual({
      id: ID,
      status: "succeeded",
      paid: true,
      amountKopecks: 49_900,
      currency: "RUB",
      refundedAmountKopecks: 0,
      refundable: false,
      test: false,
      createdAt: new Date("2026-10-05T09:13:40.512Z"),
      metadata: {},
    });
  });

  for (const [what, more] of [
    ["without an id", { id: undefined }],
    ["with an id that climbs", { id: "../me" }],
    ["with a state that nobody knows", { status: "settled" }],
    ["without a word whether it is paid", { paid: undefined }],
    ["without a word whether it is a test", { test: undefined }],
    ["without an amount", { amount: undefined }],
    ["with a number for an amount", { amount: { value: 499, currency: "RUB" } }],
    ["with an amount without kopecks", { amount: { value: "499", currency: "RUB" } }],
    ["with a negative amount", { amount: { value: "-499.00", currency: "RUB" } }],
    ["without a currency", { amount: { value: "499.00" } }],
    ["with a date that is none", { created_at: "yesterday" }],
    ["with a refunded sum that cannot be read", { refunded_amount: { value: "1", currency: "RUB" } }],
    ["with a refunded sum of another currency", { refunded_amount: { value: "1.00", currency: "USD" } }],
  ] as const) {
    test(`${what} is none`, () => {
      expect(readPayment(payment(more))).toBeUndefined();
    });
  }

  test("shows no income that is of another currency or cannot be read: the forecast stays", () => {
    for (const income_amount of [
      { value: "481.96", currency: "USD" },
      { value: "481.9", currency: "RUB" },
    ]) {
      const read = readPayment(payment({ income_amount }));
      expect(read?.amountKopecks).toBe(49_900);
      expect(read).not.toHaveProperty("incomeAmountKopecks");
    }
  });

  test("keeps of the metadata what is text", () => {
    expect(readPayment(payment({ metadata: { order_id: "o_1", n: 7, deep: { a: 1 }, none: null } }))?.metadata).toEqual(
      {
        order_id: "o_1",
      },
    );
    expect(readPayment(payment({ metadata: null }))?.metadata).toEqual({});
  });

  test("sends nobody to anything but a web address", () => {
    const urlOf = (confirmation_url: unknown) =>
      readPayment(payment({ confirmation: { type: "redirect", confirmation_url } }))?.confirmationUrl;
    expect(urlOf("https://yoomoney.ru/checkout?orderId=1")).toBe("https://yoomoney.ru/checkout?orderId=1");
    for (const wrong of ["javascript:alert(1)", "/pay", "data:text/html,x", "", null])
      expect(urlOf(wrong)).toBeUndefined();
  });
});

describe("a refund as the API shows it", () => {
  const refund = (more: Record<string, unknown> = {}): unknown => ({
    id: "32f0b7c2-0015-5000-9000-16a0b2c3d4e5",
    payment_id: ID,
    status: "canceled",
    amount: { value: "499.00", currency: "RUB" },
    created_at: "2026-10-06T08:00:02.118Z",
    cancellation_details: { party: "refund_network", reason: "rejected_by_payee" },
    ...more,
  });

  test("names its payment, its sum and why it came to nothing", () => {
    expect(readRefund(refund())).toMatchObject({
      paymentId: ID,
      status: "canceled",
      amountKopecks: 49_900,
      cancellation: { party: "refund_network", reason: "rejected_by_payee" },
    });
  });

  test("is none without its payment, with an unknown state or an odd sum", () => {
    for (const more of [
      { payment_id: undefined },
      { status: "lost" },
      { amount: { value: "499.0", currency: "RUB" } },
    ]) {
      expect(readRefund(refund(more))).toBeUndefined();
    }
  });
});

describe("a shop as it shows itself", () => {
  test("is read in the older and in the newer shape", () => {
    expect(
      readShop({ account_id: 100500, fiscalization_enabled: true, payment_methods: ["sbp"], test: false }),
    ).toEqual({
      shopId: "100500",
      fiscalization: true,
      test: false,
      paymentMethods: ["sbp"],
    });
    expect(readShop({ account_id: "100500", status: "enabled", fiscalization: { enabled: false } })).toEqual({
      shopId: "100500",
      status: "enabled",
      fiscalization: false,
      paymentMethods: [],
    });
    expect(readShop({ test: true })).toBeUndefined();
  });
});
