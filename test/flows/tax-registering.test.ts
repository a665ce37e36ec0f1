import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { payments } from "../../src/features/billing/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { alerts, asked, file, fileFor, filings, journal, live, sell, startTaxApp } from "../support/tax.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

describe("registering a sale", () => {
  test("X3 carries the payment's second in Moscow, the exact sum and our order; the buyer sees the receipt", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: createTestClock("2026-12-31T20:59:59.870Z") });
    const payment = await sell(app, person);
    app.clock.advance(20 * MINUTE_MS);
    await file(app);
    const [entry] = await journal(app);
    expect(lknpd.stats().receipts).toMatchObject([
      {
        approvedReceiptUuid: entry?.receiptNumber,
        operationTime: "2026-12-31T23:59:59+03:00",
        taxPeriodId: 202612,
        totalAmount: 149,
        incomeType: "FROM_INDIVIDUAL",
        name: `Обработка изображений, заказ ${payment.id}`,
      },
    ]);
    expect(entry).toMatchObject({ state: "registered", date: "2026-12-31", annulDue: false });
    const shown = (await (await app.request(`/payments/${payment.id}`, { as: person })).json()) as {
      receipt_url: string;
    };
    expect(shown.receipt_url).toBe(`${lknpd.url}/receipt/${lknpd.inn}/${entry?.receiptNumber}/print`);
    const page = await fetch(shown.receipt_url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(payment.id)]);
    await fileFor(app, 15);
    expect([asked(lknpd, "/income"), lknpd.stats().counts.receipts, await alerts(app)]).toEqual([1, 1, []]);
  });

  test("many sales go one after another under one login, each once", async () => {
    const { app, lknpd, person } = await startTaxApp();
    for (const product of ["pack_20", "pack_60", "basic"]) await sell(app, person, product);
    await file(app);
    expect((await journal(app)).map(({ state }) => state)).toEqual(["registered", "registered", "registered"]);
    expect(live(lknpd).map(({ totalAmount }) => totalAmount)).toEqual([149, 399, 299]);
    expect(lknpd.stats().counts).toMatchObject({ logins: 1, refreshes: 0, receipts: 3 });
  });

  test("without a login nothing is asked and the journal waits to be typed in", async () => {
    const app = await startTestApp({ settings: { MY_TAX_INN: "123456789012" } });
    expect(app.ctx.taxService).toBeNull();
    await sell(app, await app.signIn());
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "ready", receiptNumber: null }]);
    expect(await filings(app)).toEqual([]);
  });

  test("a sale of a test shop never reaches the real tax service", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    expect(payment.isTest).toBe(true);
    Object.assign(app.ctx.taxService ?? {}, { isReal: true });
    await fileFor(app, 3);
    expect(lknpd.stats().calls).toEqual([]);
    expect(await journal(app)).toMatchObject([{ state: "ready" }]);
    await app.ctx.db.update(payments).set({ isTest: false }).where(eq(payments.id, payment.id));
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
  });
});
