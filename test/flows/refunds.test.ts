import { describe, expect, test } from "bun:test";
import {
  payments,
  reconcile,
  refundPayment,
  refunds,
  taxMonth,
  verifyLedger,
} from "../../src/features/billing/index.ts";
import { sweepRefunds } from "../../src/features/billing/payments/refund-sweep.ts";
import { startTestApp } from "../support/app.ts";
import { alerts, bought, buy, notify, paidFor, row, view } from "../support/buying.ts";
import { balance, finish, ordered } from "../support/fitting.ts";

describe("giving money back", () => {
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

  test.each([
    ["is not known to have succeeded", false],
    ["is not known by its number, as the answer to the order was lost", true],
  ])(
    "P15 P4 a refund that is heard of while its payment %s leaves no credits and nothing to declare",
    async (_, isLost) => {
      const app = await startTestApp();
      const person = await app.signIn();
      if (isLost) app.yooKassa.faults.set("yookassa.create", { mode: "executed_500", times: 3 });
      await buy(app, person);
      app.yooKassa.faults.clear();
      const remote = String(app.yooKassa.stats().payments[0]?.id);
      const success = app.yooKassa.pay(remote);
      const refund = app.yooKassa.refund(remote, 39_900);
      expect((await notify(app, refund, { event: "refund.succeeded" })).status).toBe(200);
      expect((await notify(app, success)).status).toBe(200);
      expect(await app.ctx.db.select().from(payments)).toMatchObject([
        { status: "succeeded", refundedKopecks: 39_900 },
      ]);
      expect(await app.ctx.db.select().from(refunds)).toMatchObject([{ status: "succeeded", creditsRevoked: 60 }]);
      expect(await balance(app, person)).toMatchObject({ credits: 0 });
      expect(await taxMonth(app.ctx, "2026-11")).toMatchObject([{ state: "annulled" }]);
      expect((await verifyLedger(app.ctx)).differences).toEqual([]);
    },
    60_000,
  );

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
    expect(await alerts(app)).toEqual(["refund_never_made"]);
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
      await expect(refundPayment(app.ctx, another)).rejects.toThrow("stands for another refund: 100.00 ₽");
    }
    for (const key of ["", "r.1", "ключ", "x".repeat(51)]) {
      await expect(refundPayment(app.ctx, { ...order, key })).rejects.toThrow("1 to 50 letters");
    }
    expect(await app.ctx.db.select().from(refunds)).toHaveLength(1);
    expect(app.yooKassa.stats().refunds).toHaveLength(1);
  });

  test("more than was paid, less than a rouble, or a payment that is not paid cannot be refunded", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const payment = await paidFor(app, person);
    for (const amountKopecks of [39_901, 99, 0, -100, 39_850]) {
      await expect(refundPayment(app.ctx, { payment, amountKopecks, reason: "x" })).rejects.toThrow(
        "can be given back",
      );
    }
    const open = await row(app, (await bought(app, person, "pack_20")).id);
    await expect(refundPayment(app.ctx, { payment: open, amountKopecks: 14_900, reason: "x" })).rejects.toThrow(
      "only a succeeded one",
    );
    expect(app.yooKassa.stats().refunds).toHaveLength(0);
  });
});
