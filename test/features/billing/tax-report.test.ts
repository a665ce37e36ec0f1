import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import {
  journalOf,
  monthReport,
  monthReports,
  payments,
  refundPayment,
  taxMonth,
} from "../../../src/features/billing/index.ts";
import { startTestApp, type TestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { notify, paymentRow, sell } from "../../support/tax.ts";

/** The same sums straight from the rows, in another way: one payment at a time. */
async function byHand(app: TestApp, month: string) {
  const sold = (await app.ctx.db.select().from(payments)).filter(({ succeededAt }) =>
    new Date((succeededAt?.getTime() ?? 0) + 3 * 3_600_000).toISOString().startsWith(month),
  );
  let [base, tax, commission] = [0, 0, 0];
  for (const one of sold) {
    base += one.amountKopecks - one.refundedKopecks;
    tax += one.taxKopecks;
    commission += one.commissionKopecks;
  }
  return {
    base_kopecks: base,
    tax_estimate_kopecks: tax,
    commission_kopecks: commission,
    net_kopecks: base - tax - commission,
  };
}

describe("the month's report", () => {
  test("is right to the kopeck, refunds counted in the month of their payment", async () => {
    const app = await startTestApp({ clock: createTestClock("2026-10-31T20:59:58.000Z") });
    const october = await sell(app, await app.signIn());
    app.clock.set("2026-11-05T10:00:00.000Z");
    const sold = [];
    for (const product of ["pack_20", "pack_60", "pack_200"]) sold.push(await sell(app, await app.signIn(), product));
    const [small, middle] = sold;
    if (!small || !middle) throw new Error("three were sold");
    await refundPayment(app.ctx, { payment: small, amountKopecks: 14_900, reason: "all" });
    await refundPayment(app.ctx, { payment: middle, amountKopecks: 13_333, reason: "a third" });
    app.clock.set("2026-12-02T10:00:00.000Z");
    await refundPayment(app.ctx, { payment: october, amountKopecks: 5_000, reason: "late" });

    const year = await journalOf(app.ctx, "2026");
    const november = monthReport("2026-11", year);
    // 1 190 ₽ whole and 265.67 ₽ of 399; tax 47.60 and 10.63 (10.6268); commission of all three, also of what went back:
    // 2.8 % and 22 % on it, each rounded: 4.17 + 0.92, 11.17 + 2.46, 33.32 + 7.33.
    expect(november).toEqual({
      month: "2026-11",
      sales: 2,
      paid_kopecks: 173_800,
      refunded_kopecks: 28_233,
      base_kopecks: 145_567,
      tax_estimate_kopecks: 4_760 + 1_063,
      commission_kopecks: 509 + 1_363 + 4_065,
      commission_forecast_kopecks: 0,
      net_kopecks: 145_567 - 5_823 - 5_937,
    });
    expect(november).toMatchObject(await byHand(app, "2026-11"));
    expect(monthReports(year).map(({ month }) => month)).toEqual(["2026-10", "2026-11"]);
    expect(monthReport("2026-10", year)).toMatchObject({ sales: 1, paid_kopecks: 14_900, base_kopecks: 9_900 });
    expect(monthReport("2026-10", year)).toMatchObject(await byHand(app, "2026-10"));
    expect(monthReport("2026-12", year)).toMatchObject({ sales: 0, paid_kopecks: 0, net_kopecks: 0 });
  });

  test("says which part of the commission is a forecast", async () => {
    const app = await startTestApp();
    await sell(app, await app.signIn());
    const second = await sell(app, await app.signIn(), "pack_60");
    await app.ctx.db.update(payments).set({ commissionIsReal: false }).where(eq(payments.id, second.id));
    const report = monthReport("2026-11", await journalOf(app.ctx, "2026-11"));
    expect([report.commission_kopecks, report.commission_forecast_kopecks]).toEqual([509 + 1_363, 1_363]);
  });
});

describe("X3 the date of a sale", () => {
  for (const [what, paidAt, date] of [
    ["the last second of the year", "2026-12-31T20:59:59.999Z", "2026-12-31"],
    ["the first of the next", "2026-12-31T21:00:00.000Z", "2027-01-01"],
    ["the end of a month of 30 days", "2026-11-30T20:59:59.000Z", "2026-11-30"],
    ["the end of February", "2027-02-28T20:59:59.000Z", "2027-02-28"],
    ["the leap day", "2028-02-29T20:59:59.000Z", "2028-02-29"],
    ["the second after the leap day", "2028-02-29T21:00:00.000Z", "2028-03-01"],
  ] as const) {
    test(`X3 ${what} in Moscow is that of the payment, though the notice comes two days later`, async () => {
      const app = await startTestApp({ clock: createTestClock(paidAt) });
      const person = await app.signIn();
      const order = await app.request("/payments/create", { method: "POST", as: person, json: { product: "pack_20" } });
      const { payment } = (await order.json()) as { payment: { id: string } };
      const object = app.yooKassa.pay((await paymentRow(app, payment.id)).yookassaId ?? "");
      app.clock.advance(2 * 24 * 3_600_000);
      expect((await notify(app, object)).status).toBe(200);
      const months = await Promise.all(
        [date.slice(0, 7), "2027-01", "2028-03", "2026-12"].map((month) => taxMonth(app.ctx, month)),
      );
      const [entry] = months[0] ?? [];
      expect(entry).toMatchObject({ date, operationAt: new Date(paidAt) });
      expect(new Set(months.flat().map(({ id }) => id)).size).toBe(1);
      const later = await paymentRow(app, payment.id);
      await refundPayment(app.ctx, { payment: later, amountKopecks: 4_900, reason: "a part" });
      const after = await taxMonth(app.ctx, date.slice(0, 7));
      expect(after.map((one) => [one.state, one.date, one.operationAt.toISOString()])).toEqual([
        ["annulled", date, paidAt],
        ["ready", date, paidAt],
      ]);
    });
  }
});
