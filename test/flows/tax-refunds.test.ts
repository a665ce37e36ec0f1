import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { markAnnulled, markRegistered, refundPayment } from "../../src/features/billing/index.ts";
import { createTestClock } from "../support/clock.ts";
import { alerts, asked, file, fileFor, journal, sell, startTaxApp } from "../support/tax.ts";
import { until } from "../support/until.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

describe("X2 refunds", () => {
  const refund = (
    app: Awaited<ReturnType<typeof startTaxApp>>["app"],
    payment: Awaited<ReturnType<typeof sell>>,
    kopecks: number,
  ) => refundPayment(app.ctx, { payment, amountKopecks: kopecks, reason: "asked for" });

  test("X2 a full refund annuls the receipt with the reason, once", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await file(app);
    await refund(app, payment, 14_900);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: true }]);
    await fileFor(app, 5);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
    expect(lknpd.stats().receipts).toMatchObject([{ cancellationInfo: { comment: "Возврат средств" } }]);
    expect([asked(lknpd, "/cancel"), asked(lknpd, "/income"), await alerts(app)]).toEqual([1, 1, []]);
    const shown = (await (await app.request(`/payments/${payment.id}`, { as: person })).json()) as object;
    expect(shown).not.toHaveProperty("receipt_url");
  });

  test("X2 a part given back: the old receipt is annulled, the rest has a new one with the original second", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: createTestClock("2026-11-30T20:59:59.000Z") });
    const payment = await sell(app, person, "pack_60");
    await file(app);
    app.clock.advance(40 * 24 * 3_600_000);
    await refund(app, payment, 13_300);
    await refund(app, payment, 6_605);
    await file(app);
    expect(lknpd.stats().receipts).toMatchObject([
      { totalAmount: 399, cancellationInfo: { comment: "Возврат средств", taxPeriodId: 202611 } },
      { totalAmount: 199.95, operationTime: "2026-11-30T23:59:59+03:00", cancellationInfo: null, taxPeriodId: 202611 },
    ]);
    // The entry between them was annulled before it was registered, and is never sent.
    const entries = (await journal(app)).map(({ state, grossKopecks, date }) => [state, grossKopecks, date]);
    expect(entries).toEqual([
      ["annulled", 39_900, "2026-11-30"],
      ["annulled", 26_600, "2026-11-30"],
      ["registered", 19_995, "2026-11-30"],
    ]);
  });

  test("X2 refunded before it was registered: nothing is ever sent", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await refund(app, payment, 14_900);
    await fileFor(app, 5);
    expect(lknpd.stats().calls).toEqual([]);
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false, receiptNumber: null }]);
  });

  for (const [mode, receipts, cancelled] of [
    ["executed_500", 1, 1],
    ["reset", 0, 0],
  ] as const) {
    test(`X2 refunded while nobody knows whether it is registered (${mode}): looked up, and annulled only if it is`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      const payment = await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      await refund(app, payment, 14_900);
      expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: true, receiptNumber: null }]);
      await fileFor(app, 20);
      expect(lknpd.stats().counts).toMatchObject({ receipts, cancelled });
      expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
      expect([asked(lknpd, "/income"), await alerts(app)]).toEqual([1, []]);
    });
  }

  test("X2 refunded while the sale is on its way: its receipt is stored and annulled", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 200, times: 1 });
    const running = file(app);
    await until(() => asked(lknpd, "/income") > 0, "the sale is under way");
    await refund(app, payment, 14_900);
    await running;
    await fileFor(app, 2);
    expect(lknpd.stats().counts).toMatchObject({ receipts: 1, cancelled: 1 });
    expect(await journal(app)).toMatchObject([{ state: "annulled", annulDue: false }]);
  });

  for (const mode of [
    "executed_reset",
    "executed_500",
    "unknown_shape",
    "half_body",
    "empty",
    "reset",
    "http_500",
    "html_503",
  ]) {
    test(`X2 an annulment whose answer is lost (${mode}) is looked at before it is asked for again`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      const payment = await sell(app, person);
      await file(app);
      await refund(app, payment, 14_900);
      lknpd.faults.set("lknpd.cancel", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ annulDue: true }]);
      await fileFor(app, 5);
      expect(await journal(app)).toMatchObject([{ annulDue: false }]);
      const isDone = !["reset", "http_500", "html_503"].includes(mode);
      expect([asked(lknpd, "/cancel"), lknpd.stats().counts.cancelled]).toEqual([isDone ? 1 : 2, 1]);
      expect(await alerts(app)).toEqual([]);
    });
  }

  test("X2 annulled by hand in the app already: nothing is wrong; an unknown number is a person's business", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    await file(app);
    lknpd.annul((await journal(app))[0]?.receiptNumber ?? "", { reason: "refund" });
    await refund(app, payment, 14_900);
    await file(app);
    expect([await journal(app), await alerts(app)]).toMatchObject([[{ annulDue: false }], []]);

    for (const [receipt, reason] of [
      ["20unknown00", "tax_receipt_not_found"],
      ["see my notebook", "tax_receipt_unreadable"],
    ] as const) {
      const other = await sell(app, await app.signIn());
      const entry = (await journal(app)).at(-1);
      expect(await markRegistered(app.ctx, entry?.id ?? "", receipt)).toBe(true);
      await refund(app, other, 14_900);
      await fileFor(app, 3);
      expect((await alerts(app)).at(-1)).toBe(reason);
      expect(await markAnnulled(app.ctx, entry?.id ?? "")).toBe(true);
    }
    expect(await alerts(app)).toHaveLength(2);
  });
});
