import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { markRegistered, refundPayment } from "../../src/features/billing/index.ts";
import { alerts, asked, file, fileFor, journal, sell, startTaxApp } from "../support/tax.ts";
import { until } from "../support/until.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

describe("beside the connector, by hand", () => {
  test("what was typed in by hand is not sent; its link is annulled by its number", async () => {
    const { app, lknpd, person } = await startTaxApp();
    const payment = await sell(app, person);
    const number = lknpd.register({ name: "Фото", amount: "149.00" });
    const [entry] = await journal(app);
    const link = `https://lknpd.nalog.ru/api/v1/receipt/${lknpd.inn}/${number}/print`;
    expect(await markRegistered(app.ctx, entry?.id ?? "", link)).toBe(true);
    await fileFor(app, 3);
    expect(asked(lknpd, "/income")).toBe(0);
    await refundPayment(app.ctx, { payment, amountKopecks: 14_900, reason: "asked for" });
    await file(app);
    expect(lknpd.stats().receipts).toMatchObject([{ approvedReceiptUuid: number, cancellationInfo: {} }]);
  });

  test("marked by hand while it is on its way: the owner hears that there may be two", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    lknpd.faults.set("lknpd.income", { mode: "delay", delayMs: 200, times: 1 });
    const running = file(app);
    await until(() => asked(lknpd, "/income") > 0, "the sale is under way");
    const [entry] = await journal(app);
    expect(entry?.state).toBe("unknown");
    expect(await markRegistered(app.ctx, entry?.id ?? "", "20byhand00")).toBe(true);
    await running;
    expect(await journal(app)).toMatchObject([{ state: "registered", receiptNumber: "20byhand00" }]);
    expect(await alerts(app)).toEqual(["tax_receipt_unexpected"]);
  });
});
