import { describe, expect, test } from "bun:test";
import { reconcile, taxEntries, verifyLedger } from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { startTestApp } from "../support/app.ts";
import { alerts, bought, notify, outcomes, remoteId, view } from "../support/buying.ts";
import { balance } from "../support/fitting.ts";

describe("what the provider says of a payment", () => {
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
  }, 60_000);

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
});
