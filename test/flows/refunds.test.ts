import { describe, expect, test } from "bun:test";
import { reconcile, refundPayment, refunds, taxMonth, verifyLedger } from "../../src/features/billing/index.ts";
import { sweepRefunds } from "../../src/features/billing/payments/refunds.ts";
import { startTestApp } from "../support/app.ts";
import { bought, notify, paidFor, row, view } from "../support/buying.ts";
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
