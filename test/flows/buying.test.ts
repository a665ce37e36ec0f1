import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { payments, taxMonth, verifyLedger } from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { startTestApp } from "../support/app.ts";
import { bought, buy, notify, outcomes, remoteId, row, view } from "../support/buying.ts";
import { balance, finish, look, ordered } from "../support/fitting.ts";

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
