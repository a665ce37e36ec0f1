import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import {
  payments,
  reconcile,
  refundPayment,
  refunds,
  taxEntries,
  taxMonth,
  verifyLedger,
} from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payment-sweep.ts";
import { paymentNotices } from "../../src/features/billing/payment-tables.ts";
import { sweepRefunds } from "../../src/features/billing/refund-sweep.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { balance, finish, look, ordered } from "../support/fitting.ts";

interface View {
  id: string;
  status: string;
  amount: string;
  refunded: string;
  credits: number;
  confirmation_url?: string;
}

async function buy(app: TestApp, person: Person, product = "pack_60", key?: string): Promise<Response> {
  return app.request("/payments/create", {
    method: "POST",
    as: person,
    json: { product },
    headers: key === undefined ? {} : { "idempotency-key": key },
  });
}

async function bought(app: TestApp, person: Person, product?: string): Promise<View> {
  const response = await buy(app, person, product);
  if (response.status !== 201) throw new Error(`create answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { payment: View }).payment;
}

async function view(app: TestApp, person: Person, id: string): Promise<View> {
  return (await (await app.request(`/payments/${id}`, { as: person })).json()) as View;
}

async function row(app: TestApp, id: string) {
  const [found] = await app.ctx.db.select().from(payments).where(eq(payments.id, id));
  if (!found) throw new Error("there is no such order");
  return found;
}

async function remoteId(app: TestApp, id: string): Promise<string> {
  const { yookassaId } = await row(app, id);
  if (yookassaId === null) throw new Error("the provider does not know the order yet");
  return yookassaId;
}

/** Sends the notice as the provider would, from an address of its own list or another. */
function notify(app: TestApp, object: Record<string, unknown>, more: { event?: string; from?: string } = {}) {
  const { event = "payment.succeeded", from } = more;
  return app.request("/payments/webhook", {
    method: "POST",
    json: { type: "notification", event, object },
    headers: from === undefined ? {} : { "x-forwarded-for": from },
  });
}

async function outcomes(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ outcome: paymentNotices.outcome }).from(paymentNotices)).map((one) => one.outcome);
}

async function alerts(app: TestApp): Promise<string[]> {
  return (await app.ctx.db.select({ reason: ownerAlerts.reason }).from(ownerAlerts)).map((alert) => alert.reason);
}

describe("buying a pack", () => {
  test("P12 the order is written, its page is given, and what was paid is credited once with all its numbers", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    expect(payment).toMatchObject({ status: "pending", amount: "399.00", credits: 60, refunded: "0.00" });
    expect(payment.confirmation_url).toStartWith("http://127.0.0.1:");
    const again = await bought(app, person);
    expect([again.id, again.confirmation_url]).toEqual([payment.id, payment.confirmation_url as string]);
    expect(app.yooKassa.stats().payments).toHaveLength(1);

    const paid = app.yooKassa.pay(await remoteId(app, payment.id));
    expect((await notify(app, paid)).status).toBe(200);
    expect(await view(app, person, payment.id)).toMatchObject({ status: "succeeded" });
    expect((await view(app, person, payment.id)).confirmation_url).toBeUndefined();
    expect(await balance(app, person)).toMatchObject({ credits: 60, reserved: 0 });
    // 4 % of 399.00 is 15.96; 2.8 % of it is 11.17 and 22 % of that 2.46.
    expect(await row(app, payment.id)).toMatchObject({
      taxKopecks: 1_596,
      commissionKopecks: 1_117 + 246,
      commissionIsReal: true,
    });
    expect(await taxMonth(app.ctx, "2026-11")).toMatchObject([
      { grossKopecks: 39_900, state: "ready", date: "2026-11-18" },
    ]);
    expect(await outcomes(app)).toEqual(["payment_succeeded"]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("P1 50 copies of a notice at once, one later, and the sweep: one grant", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    const paid = app.yooKassa.pay(await remoteId(app, payment.id));
    const answers = await Promise.all(Array.from({ length: 50 }, () => notify(app, paid)));
    const statuses = new Set(answers.map(({ status }) => status));
    // At most so many are worked on at once; the others are told to come again.
    expect([...statuses].every((status) => status === 200 || status === 503)).toBe(true);
    expect(statuses.has(200)).toBe(true);
    expect((await notify(app, paid)).status).toBe(200);
    app.clock.advance(60_000);
    await sweepPayments(app.ctx);
    await reconcile(app.ctx);
    expect(await balance(app, person)).toMatchObject({ credits: 60 });
    expect(await app.ctx.db.select().from(taxEntries)).toHaveLength(1);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("P5 with no notice at all the sweep credits within two minutes", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    app.yooKassa.pay(await remoteId(app, payment.id));
    app.clock.advance(61_000);
    expect(await sweepPayments(app.ctx)).toBe(1);
    expect(await balance(app, person)).toMatchObject({ credits: 60 });
    expect(await sweepPayments(app.ctx)).toBe(0);
  });

  test("P6 a notice that claims what is not so, or names what is not ours, changes nothing and is journaled", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    const id = await remoteId(app, payment.id);
    const claim = { id, status: "succeeded", paid: true, amount: { value: "399.00", currency: "RUB" } };
    expect((await notify(app, claim)).status).toBe(200);
    expect((await notify(app, { id: "2f0a1b4c-000f-5000-8000-1c7d2e9f4a10" })).status).toBe(200);
    const strange = await app.request("/payments/webhook", { method: "POST", json: { hello: "world" } });
    expect(strange.status).toBe(200);
    expect(await view(app, person, payment.id)).toMatchObject({ status: "pending" });
    expect(await balance(app, person)).toMatchObject({ credits: 0 });
    expect((await outcomes(app)).toSorted()).toEqual(["payment_pending", "unknown_payment", "unreadable"]);
  });

  test("P7 an address outside the provider's list changes nothing, even with a true story", async () => {
    const app = await startTestApp({ settings: { TRUSTED_PROXIES: "127.0.0.1" } });
    const person = await app.signIn();
    const payment = await bought(app, person);
    const paid = app.yooKassa.pay(await remoteId(app, payment.id));
    expect((await notify(app, paid, { from: "203.0.113.7" })).status).toBe(200);
    expect(await balance(app, person)).toMatchObject({ credits: 0 });
    expect(await outcomes(app)).toEqual(["foreign_address"]);
    expect((await notify(app, paid, { from: "185.71.76.5" })).status).toBe(200);
    expect(await balance(app, person)).toMatchObject({ credits: 60 });
  });

  test("P4 while the provider cannot be read the notice is answered with 5xx, and works when it comes again", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    const paid = app.yooKassa.pay(await remoteId(app, payment.id));
    app.yooKassa.faults.set("yookassa.read", { mode: "http_500" });
    expect((await notify(app, paid)).status).toBeGreaterThanOrEqual(500);
    expect(await balance(app, person)).toMatchObject({ credits: 0 });
    app.yooKassa.faults.clear();
    expect((await notify(app, paid)).status).toBe(200);
    expect(await balance(app, person)).toMatchObject({ credits: 60 });
  }, 20_000);

  const mismatches = [
    ["underpaid", "payment_amount_differs"],
    ["overpaid", "payment_amount_differs"],
    ["foreign_currency", "payment_currency_differs"],
  ] as const;
  for (const [mode, reason] of mismatches) {
    test(`P9 ${mode}: nothing is granted, and the owner is told once`, async () => {
      const app = await startTestApp();
      const person = await app.signIn();
      const payment = await bought(app, person);
      const paid = app.yooKassa.pay(await remoteId(app, payment.id));
      app.yooKassa.faults.set("yookassa.object", { mode });
      for (let n = 0; n < 3; n += 1) expect((await notify(app, paid)).status).toBe(200);
      expect(await balance(app, person)).toMatchObject({ credits: 0 });
      expect(await alerts(app)).toEqual([reason]);
    });
  }

  test("P10 a payment of a test shop is refused where real money is taken", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    const id = await remoteId(app, payment.id);
    const paid = app.yooKassa.pay(id);
    const provider = app.ctx.paymentProvider;
    if (!provider) throw new Error("a shop is set up");
    Object.assign(provider, { isLive: true });
    expect((await notify(app, paid)).status).toBe(200);
    expect(await balance(app, person)).toMatchObject({ credits: 0 });
    expect(await alerts(app)).toEqual(["payment_test_payment_in_live_mode"]);
  });

  test("P11 a success after a cancellation grants once; a second capture is flagged", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await bought(app, person);
    const id = await remoteId(app, payment.id);
    const cancelled = app.yooKassa.cancel(id);
    await notify(app, cancelled, { event: "payment.canceled" });
    expect(await view(app, person, payment.id)).toMatchObject({ status: "cancelled" });
    const paid = app.yooKassa.pay(id, { force: true });
    await notify(app, paid);
    await notify(app, paid);
    expect(await view(app, person, payment.id)).toMatchObject({ status: "succeeded" });
    expect(await balance(app, person)).toMatchObject({ credits: 60 });

    const provider = app.ctx.paymentProvider;
    const second = await provider?.create({
      orderId: payment.id,
      amountKopecks: 39_900,
      description: "the same order again",
      payBy: { page: { returnUrl: "https://example.org/", saveMethod: false } },
      key: "another-key",
    });
    await notify(app, app.yooKassa.pay(second?.id ?? ""));
    expect(await balance(app, person)).toMatchObject({ credits: 60 });
    expect(await alerts(app)).toEqual(["payment_second_capture"]);
  });

  test("P13 after a lost answer the same key is asked again: one payment at the provider, the same page", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    for (const mode of ["executed_500", "executed_reset", "half_body", "processing"]) {
      const product = {
        executed_500: "pack_20",
        executed_reset: "pack_60",
        half_body: "pack_200",
        processing: "pack_20",
      }[mode];
      const buyer = mode === "processing" ? await app.signIn() : person;
      const before = app.yooKassa.stats().payments.length;
      app.yooKassa.faults.set("yookassa.create", { mode, times: 5 });
      const first = await buy(app, buyer, product);
      app.yooKassa.faults.clear();
      const second = first.status === 201 ? first : await buy(app, buyer, product);
      expect([mode, second.status]).toEqual([mode, 201]);
      expect(app.yooKassa.stats().payments.length - before).toBe(1);
    }
    const keys = app.yooKassa
      .stats()
      .calls.filter((call) => call.method === "POST")
      .map((call) => call.idempotenceKey);
    expect(new Set(keys).size).toBe(4);
  }, 60_000);

  test("an order whose page never came is found by the sweep, and cancelled once its key is no longer good", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    app.yooKassa.faults.set("yookassa.create", { mode: "http_429" });
    expect((await buy(app, person)).status).toBe(503);
    app.yooKassa.faults.clear();
    app.clock.advance(61_000);
    await sweepPayments(app.ctx);
    const [order] = await app.ctx.db.select().from(payments);
    expect(order?.confirmationUrl).not.toBeNull();

    app.yooKassa.faults.set("yookassa.create", { mode: "http_429" });
    expect((await buy(app, person, "pack_20")).status).toBe(503);
    app.clock.advance(24 * 3_600_000);
    await sweepPayments(app.ctx);
    const rows = await app.ctx.db.select().from(payments).where(eq(payments.product, "pack_20"));
    expect(rows).toMatchObject([{ status: "cancelled", cancelReason: "never_created", yookassaId: null }]);
  }, 60_000);

  test("a purchase opens the clean copies of results that are still stored", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const fitting = await ordered(app, person);
    expect(await finish(app, person, fitting.id)).toMatchObject({ watermarked: true });
    const payment = await bought(app, person);
    await notify(app, app.yooKassa.pay(await remoteId(app, payment.id)));
    await app.work();
    const opened = await look(app, person, fitting.id);
    expect(opened.watermarked).toBe(false);
    expect((await app.request(new URL(opened.image_url ?? "").pathname)).status).toBe(200);
  });

  test("a stranger sees neither the payment nor the list; without a shop nothing is sold and everything else works", async () => {
    const app = await startTestApp();
    const [person, stranger] = [await app.signIn(), await app.signIn()];
    const payment = await bought(app, person);
    expect((await app.request(`/payments/${payment.id}`, { as: stranger })).status).toBe(404);
    const list = (await (await app.request("/payments", { as: stranger })).json()) as { items: unknown[] };
    expect(list.items).toEqual([]);
    const unknown = await buy(app, person, "pack_of_another_shop");
    expect(unknown.status).toBe(422);

    const shut = await startTestApp({ settings: { YOOKASSA_SHOP_ID: "" } });
    const other = await shut.signIn();
    expect((await buy(shut, other)).status).toBe(503);
    const plans = (await (await shut.request("/plans")).json()) as { packs: Array<{ available: boolean }> };
    expect(plans.packs.map(({ available }) => available)).toEqual([false, false, false]);
  });
});

describe("giving money back", () => {
  async function paidFor(app: TestApp, person: Person, product = "pack_60") {
    const payment = await bought(app, person, product);
    await notify(app, app.yooKassa.pay(await remoteId(app, payment.id)));
    return row(app, payment.id);
  }

  test("P15 a full refund takes back the unused credits and annuls the tax entry, once", async () => {
    const app = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    await finish(app, person, (await ordered(app, person)).id);
    expect(await balance(app, person)).toMatchObject({ credits: 58 });
    const order = { payment, amountKopecks: 39_900, reason: "asked for", key: "r-1" };
    expect(await refundPayment(app.ctx, order)).toMatchObject({ status: "succeeded", creditsRevoked: 58 });
    expect(await refundPayment(app.ctx, order)).toMatchObject({ status: "succeeded", creditsRevoked: 58 });
    expect(await balance(app, person)).toMatchObject({ credits: 0, reserved: 0 });
    expect(await view(app, person, payment.id)).toMatchObject({ refunded: "399.00" });
    expect(await taxMonth(app.ctx, "2026-11")).toMatchObject([{ state: "annulled", annulReason: "Возврат средств" }]);
    expect(app.yooKassa.stats().refunds).toHaveLength(1);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("P15 X2 a partial refund takes its share, and the rest is entered anew with the original date", async () => {
    const app = await startTestApp();
    app.clock.set("2026-11-30T20:59:59.000Z");
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    app.clock.advance(3 * 24 * 3_600_000);
    const refund = await refundPayment(app.ctx, { payment, amountKopecks: 13_300, reason: "a third" });
    expect(refund).toMatchObject({ status: "succeeded", creditsRevoked: 20 });
    const entries = await taxMonth(app.ctx, "2026-11");
    expect(entries).toMatchObject([
      { state: "annulled", grossKopecks: 39_900, date: "2026-11-30" },
      { state: "ready", grossKopecks: 26_600, date: "2026-11-30" },
    ]);
    expect(await balance(app, await app.signIn({ telegramId: person.telegramId }))).toMatchObject({ credits: 40 });
    expect(await row(app, payment.id)).toMatchObject({ refundedKopecks: 13_300, taxKopecks: 1_064 });
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  });

  test("P15 a refund made in the cabinet arrives as a notice, twice, and is booked once", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    const refund = app.yooKassa.refund(payment.yookassaId ?? "", 39_900);
    for (let n = 0; n < 2; n += 1) expect((await notify(app, refund, { event: "refund.succeeded" })).status).toBe(200);
    await reconcile(app.ctx);
    expect(await app.ctx.db.select().from(refunds)).toMatchObject([{ origin: "cabinet", status: "succeeded" }]);
    expect(await balance(app, person)).toMatchObject({ credits: 0 });
  });

  test("P13 a refund whose answer was lost is asked again under its key: one refund at the provider", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    app.yooKassa.faults.set("yookassa.refund", { mode: "executed_500", times: 5 });
    expect(await refundPayment(app.ctx, { payment, amountKopecks: 10_000, reason: "x" })).toMatchObject({
      status: "pending",
    });
    app.yooKassa.faults.clear();
    app.clock.advance(6 * 60_000);
    await sweepRefunds(app.ctx);
    expect(await app.ctx.db.select().from(refunds)).toMatchObject([{ status: "succeeded", amountKopecks: 10_000 }]);
    expect(app.yooKassa.stats().refunds).toHaveLength(1);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  }, 60_000);

  test("P13 a refund whose answer was lost is looked for, not asked for, once the provider has forgotten its key", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    // One that the provider has carried out, and one of which it never heard.
    app.yooKassa.faults.set("yookassa.refund", { mode: "executed_500", times: 3 });
    await refundPayment(app.ctx, { payment, amountKopecks: 10_000, reason: "x" });
    app.yooKassa.faults.set("yookassa.edge", { mode: "edge_504", times: 3 });
    await refundPayment(app.ctx, { payment, amountKopecks: 5_000, reason: "y" });
    app.yooKassa.faults.clear();
    const before = await app.ctx.db.select().from(refunds).orderBy(refunds.id);
    expect(before).toMatchObject([{ status: "pending" }, { status: "pending" }]);
    // Nobody served for a day.
    app.clock.advance(25 * 3_600_000);
    await reconcile(app.ctx);
    expect(await app.ctx.db.select().from(refunds).orderBy(refunds.id)).toMatchObject([
      { status: "succeeded", amountKopecks: 10_000 },
      { status: "cancelled", amountKopecks: 5_000, yookassaId: null },
    ]);
    expect(app.yooKassa.stats().refunds).toMatchObject([{ amount: { value: "100.00" } }]);
    expect(await row(app, payment.id)).toMatchObject({ refundedKopecks: 10_000 });
    expect(await app.ctx.db.select().from(ownerAlerts)).toMatchObject([{ reason: "refund_never_made" }]);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  }, 60_000);

  test("P13 a key stands for one refund: another one under it, or a key that the provider would not take, is refused", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const [payment, other] = [await paidFor(app, person), await paidFor(app, person, "pack_20")];
    const order = { payment, amountKopecks: 10_000, reason: "x", key: "r-1" };
    await refundPayment(app.ctx, order);
    for (const another of [
      { ...order, amountKopecks: 20_000 },
      { ...order, payment: other },
    ]) {
      expect(refundPayment(app.ctx, another)).rejects.toThrow("stands for another refund: 100.00 ₽");
    }
    for (const key of ["", "r.1", "ключ", "x".repeat(51)]) {
      expect(refundPayment(app.ctx, { ...order, key })).rejects.toThrow("1 to 50 letters");
    }
    expect(await app.ctx.db.select().from(refunds)).toHaveLength(1);
    expect(app.yooKassa.stats().refunds).toHaveLength(1);
  });

  test("more than was paid, less than a rouble, or a payment that is not paid cannot be refunded", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    for (const amountKopecks of [39_901, 99, 0, -100, 39_850]) {
      expect(refundPayment(app.ctx, { payment, amountKopecks, reason: "x" })).rejects.toThrow("can be given back");
    }
    const open = await row(app, (await bought(app, person, "pack_20")).id);
    expect(refundPayment(app.ctx, { payment: open, amountKopecks: 14_900, reason: "x" })).rejects.toThrow(
      "only a succeeded one",
    );
    expect(app.yooKassa.stats().refunds).toHaveLength(0);
  });
});
