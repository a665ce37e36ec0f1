import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { markRegistered, resumeTax } from "../../src/features/billing/index.ts";
import { MINUTE_MS } from "../../src/platform/clock.ts";
import { alerts, asked, desk, file, fileFor, filings, journal, sell, startTaxApp } from "../support/tax.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

describe("X1 an answer that is lost", () => {
  const lostButDone = [
    "executed_reset",
    "executed_hang",
    "executed_edge_502",
    "executed_500",
    "executed_html_503",
    "half_body",
    "unknown_shape",
    "empty",
  ];
  for (const mode of lostButDone) {
    test(`X1 ${mode}: unknown, then looked up and adopted; one receipt, sent once`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ state: "unknown", receiptNumber: null }]);
      expect(asked(lknpd, "/incomes")).toBe(0);
      await fileFor(app, 4);
      const [receipt] = lknpd.stats().receipts;
      expect(await journal(app)).toMatchObject([
        { state: "registered", receiptNumber: receipt?.approvedReceiptUuid as string },
      ]);
      expect([asked(lknpd, "/income"), lknpd.stats().counts.receipts]).toEqual([1, 1]);
      expect(await alerts(app)).toEqual([]);
    });
  }

  const lostAndNotDone = ["reset", "hang", "not_json", "edge_502", "edge_504", "html_503", "http_500"];
  for (const mode of lostAndNotDone) {
    test(`X1 ${mode}: unknown, looked for twice with a margin, and only then sent again`, async () => {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      lknpd.faults.set("lknpd.income", { mode, times: 1 });
      await file(app);
      expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
      await fileFor(app, 9);
      expect([asked(lknpd, "/income"), asked(lknpd, "/incomes")]).toEqual([1, 1]);
      expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
      await fileFor(app, 6);
      expect(await journal(app)).toMatchObject([{ state: "registered" }]);
      expect([asked(lknpd, "/income"), asked(lknpd, "/incomes"), lknpd.stats().counts.receipts]).toEqual([2, 2, 1]);
    });
  }

  test("X1 nobody listens: not sent, so it waits and is sent without a look", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    // The login is there already; the connection of the sale itself is refused.
    await app.ctx.taxService?.check();
    const closed = await startTaxApp({ settings: { MY_TAX_API_URL: "http://127.0.0.1:9/api/v1" } });
    await sell(closed.app, closed.person);
    await file(closed.app);
    expect(await journal(closed.app)).toMatchObject([{ state: "ready" }]);
    expect(await filings(closed.app)).toMatchObject([{ attempts: 1, lastError: expect.stringContaining("reached") }]);
    expect(await desk(closed.app)).toMatchObject({ failures: 1 });
    await file(app);
    expect([await journal(app), lknpd.stats().counts.receipts]).toMatchObject([[{ state: "registered" }], 1]);
  });

  test("X1 a list that is late, goes by registration, or rounds its times makes no second receipt", async () => {
    for (const doubt of ["lknpd.visible", "lknpd.filter", "lknpd.times"]) {
      const { app, lknpd, person } = await startTaxApp();
      await sell(app, person);
      app.clock.advance(5 * 3_600_000);
      lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
      const mode = { "lknpd.visible": "late", "lknpd.filter": "by_registration" }[doubt] ?? "to_the_minute";
      lknpd.faults.set(doubt, { mode, ...(doubt === "lknpd.visible" ? { delayMs: 8 * MINUTE_MS, times: 1 } : {}) });
      await file(app);
      await fileFor(app, 16);
      expect([doubt, (await journal(app)).map(({ state }) => state)]).toEqual([doubt, ["registered"]]);
      expect([doubt, lknpd.stats().counts.receipts, asked(lknpd, "/income")]).toEqual([doubt, 1, 1]);
    }
  });

  test("X1 a list that cannot be read proves nothing: the sale stays unknown until one can", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
    await file(app);
    for (const mode of ["unknown_shape", "not_json", "half_body", "html_503", "http_500", "hang", "http_404"]) {
      lknpd.faults.set("lknpd.incomes", { mode });
      app.clock.advance(31 * MINUTE_MS);
      await file(app);
      expect([mode, (await journal(app))[0]?.state]).toEqual([mode, "unknown"]);
    }
    lknpd.faults.clear();
    app.clock.advance(31 * MINUTE_MS);
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    expect(asked(lknpd, "/income")).toBe(1);
    expect(await alerts(app)).toEqual(["tax_service_unavailable"]);
  }, 60_000);

  test("X1 two receipts for one sale are a person's business, told once, and settled by hand", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "executed_500", times: 1 });
    await file(app);
    const second = lknpd.register({ name: `Фото, заказ ${payment.id}`, amount: "149.00" });
    await fileFor(app, 20);
    expect(await journal(app)).toMatchObject([{ state: "unknown" }]);
    expect(await filings(app)).toMatchObject([{ aside: "found_several" }]);
    expect(await alerts(app)).toEqual(["tax_found_several"]);
    const [entry] = await journal(app);
    lknpd.annul(second);
    // With one of them annulled, looking again is enough.
    expect(await resumeTax(app.ctx)).toBe(1);
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);
    expect((await journal(app))[0]?.receiptNumber).not.toBe(second);
    expect(await markRegistered(app.ctx, entry?.id ?? "", "20other")).toBe(false);
    expect(asked(lknpd, "/income")).toBe(1);
  });

  test("X1 other people's receipts of the same second and sum are not taken for ours", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.register({ name: "Обработка изображений, заказ 1", amount: "149.00" });
    lknpd.faults.set("lknpd.income", { mode: "reset", times: 1 });
    await file(app);
    await fileFor(app, 16);
    const [entry] = await journal(app);
    const own = lknpd.stats().receipts.find(({ approvedReceiptUuid }) => approvedReceiptUuid === entry?.receiptNumber);
    expect(own).toMatchObject({ name: expect.stringContaining(entry?.paymentId ?? "?") });
    expect(lknpd.stats().counts.receipts).toBe(2);
  });
});
