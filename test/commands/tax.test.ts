import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { payments, refundPayment, taxEntries } from "../../src/features/billing/index.ts";
import { fileTaxes } from "../../src/features/billing/tax/tax-connector.ts";
import { newId } from "../../src/platform/ids.ts";
import { claim } from "../../src/platform/queue/claim.ts";
import { enqueue } from "../../src/platform/queue/enqueue.ts";
import { createTestClock } from "../support/clock.ts";
import { file, fileFor, journal, sell, startTaxApp } from "../support/tax.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { runProgram, settingsOf } from "./program.ts";

// Many runs of the job each; the machine may be busy with other things.
setDefaultTimeout(60_000);

// The commands use the machine's clock, so the product beside them does too.
const now = () => createTestClock(new Date());

describe("atelier tax export", () => {
  test("prints the month as CSV, the year's months and both meters beside it, right to the kopeck", async () => {
    const { app, person } = await startTaxApp({ clock: createTestClock("2026-11-30T20:59:59.000Z") });
    const small = await sell(app, person);
    const middle = await sell(app, person, "pack_60");
    await file(app);
    await refundPayment(app.ctx, { payment: middle, amountKopecks: 13_333, reason: "a third" });
    await app.ctx.db.update(payments).set({ commissionIsReal: false }).where(eq(payments.id, small.id));
    const environment = settingsOf(app.database);
    const { code, out, err } = await runProgram(["tax", "export", "--month", "2026-11"], { environment });
    expect(code).toBe(0);
    const [heading, ...lines] = out
      .trim()
      .split("\r\n")
      .map((line) => line.split(","));
    const column = (name: string) => heading?.indexOf(name) ?? -1;
    const shown = lines.map((cells) =>
      ["gross", "state", "annul_due", "moscow_time", "test"].map((name) => cells[column(name)]),
    );
    expect(shown).toEqual([
      ["149.00", "registered", "", "2026-11-30T23:59:59+03:00", "yes"],
      ["399.00", "annulled", "yes", "2026-11-30T23:59:59+03:00", "yes"],
      ["265.67", "ready", "", "2026-11-30T23:59:59+03:00", "yes"],
    ]);
    expect(err.trim().split("\n")).toEqual([
      "2 sales in force in 2026-11: 414.67 ₽.",
      "",
      "month    sales  paid    refunded  base    tax, estimate  commission  left",
      "-------  -----  ------  --------  ------  -------------  ----------  ------",
      "2026-11  2      548.00  133.33    414.67  16.59          ~18.72      379.36",
      "",
      "Income of 2026: 414.67 ₽, 0 % of 2400000.00 ₽.",
      "Taken through the shop in 2026-11: 548.00 ₽, 0 % of 100000.00 ₽.",
    ]);
  });

  test("--json gives a program the same, and --out writes the CSV beside it", async () => {
    const { app, person } = await startTaxApp({ clock: createTestClock("2026-11-18T09:00:00.000Z") });
    const payment = await sell(app, person);
    await file(app);
    const folder = makeTemporaryFolder("atelier-tax-");
    const out = join(folder, "november.csv");
    const args = ["tax", "export", "--month", "2026-11", "--json", "--out", out];
    const result = await runProgram(args, { environment: settingsOf(app.database) });
    const [entry] = await journal(app);
    expect(JSON.parse(result.out)).toEqual({
      month: "2026-11",
      entries: [
        expect.objectContaining({
          id: entry?.id,
          payment_id: payment.id,
          gross_kopecks: 14_900,
          tax_estimate_kopecks: 596,
          state: "registered",
          receipt: entry?.receiptNumber,
          test: true,
          attempts: 1,
          aside: null,
        }),
      ],
      months: [
        {
          month: "2026-11",
          sales: 1,
          paid_kopecks: 14_900,
          refunded_kopecks: 0,
          base_kopecks: 14_900,
          tax_estimate_kopecks: 596,
          commission_kopecks: 509,
          commission_forecast_kopecks: 0,
          net_kopecks: 13_795,
        },
      ],
      meters: [
        { name: "tax_year", period: "2026", kopecks: 14_900, limit_kopecks: 240_000_000, percent: 0 },
        { name: "yookassa_month", period: "2026-11", kopecks: 14_900, limit_kopecks: 10_000_000, percent: 0 },
      ],
    });
    expect(readFileSync(out, "utf8")).toContain(entry?.id ?? "?");
  });
});

describe("atelier tax mark and resume", () => {
  test("by hand an entry is marked once, beside the connector, and a link is what the buyer sees", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: now() });
    const payment = await sell(app, person);
    const [entry] = await journal(app);
    const environment = settingsOf(app.database);
    const mark = (...args: string[]) => runProgram(["tax", "mark", entry?.id ?? "", ...args], { environment });
    const link = "https://lknpd.nalog.ru/api/v1/receipt/123456789012/20byhand00/print";
    expect(await mark("--receipt", link)).toMatchObject({ code: 0, out: "Marked.\n" });
    expect((await mark("--receipt", link)).code).toBe(2);
    expect((await mark("--annulled")).code).toBe(2);
    await fileFor(app, 3);
    expect(lknpd.stats().calls).toEqual([]);
    const shown = (await (await app.request(`/payments/${payment.id}`, { as: person })).json()) as object;
    expect(shown).toMatchObject({ receipt_url: link });
  });

  test("after a refused login `tax resume` lets the server go on; doctor says so meanwhile", async () => {
    const { app, lknpd, person } = await startTaxApp({ clock: now() });
    await sell(app, person);
    lknpd.faults.set("lknpd.login", { mode: "http_422_password", times: 1 });
    await file(app);
    const environment = {
      ...settingsOf(app.database),
      MY_TAX_INN: lknpd.inn,
      MY_TAX_PASSWORD: lknpd.password,
      MY_TAX_API_URL: lknpd.url,
      PROVIDER_LOOPBACK: "allow",
      PUBLIC_URL: "http://127.0.0.1:9",
    };
    const check = async (more: Record<string, string> = {}, without: string[] = []) => {
      const given = Object.entries({ ...environment, ...more }).filter(([name]) => !without.includes(name));
      const { out } = await runProgram(["doctor", "--json"], { environment: Object.fromEntries(given) });
      const { checks } = JSON.parse(out) as {
        checks: { name: string; status: string; text: string; lines: string[] }[];
      };
      expect(out).not.toContain(lknpd.password);
      const named = (name: string) => checks.find((one) => one.name === name);
      return { tax: named("tax service"), limits: named("limits"), halfSet: named("half-set features") };
    };
    const logins = () => lknpd.stats().calls.filter(({ path }) => path.endsWith("/auth/lkfl")).length;
    expect((await check()).tax).toMatchObject({ status: "failed", lines: ["1 to be registered"] });
    expect(logins()).toBe(1);

    const resumed = await runProgram(["tax", "resume"], { environment });
    expect([resumed.code, resumed.out]).toEqual([0, expect.stringContaining("0 entries")]);
    const works = await check();
    expect(works.tax).toMatchObject({ status: "ok", text: "The login works; 1 entries wait." });
    expect(works.limits).toMatchObject({
      status: "ok",
      lines: [expect.stringContaining("Income of"), expect.any(String)],
    });
    await file(app);
    expect(await journal(app)).toMatchObject([{ state: "registered" }]);

    expect((await check({ MY_TAX_PASSWORD: "wrong" })).tax).toMatchObject({
      status: "failed",
      text: expect.stringContaining("Are MY_TAX_INN and MY_TAX_PASSWORD right?"),
    });
    lknpd.faults.set("lknpd.user", { mode: "html_503" });
    expect((await check()).tax).toMatchObject({ status: "warning" });
    lknpd.faults.clear();

    const half = await check({}, ["MY_TAX_PASSWORD"]);
    expect(half.halfSet?.lines.join()).toContain("Only one of MY_TAX_INN and MY_TAX_PASSWORD is set");
    expect(half.tax).toMatchObject({ status: "ok", text: expect.stringContaining("Switched off") });
    await app.ctx.db
      .update(taxEntries)
      .set({ grossKopecks: 230_000_000, date: `${new Date().getUTCFullYear()}-06-01` });
    expect((await check()).limits).toMatchObject({ status: "warning" });
  }, 60_000);

  test("X1 the job of a worker that died is no reason to send anything twice", async () => {
    const { app, lknpd, person } = await startTaxApp();
    await sell(app, person);
    await app.work();
    await enqueue(app.ctx, "tax.file", {});
    const [job] = await claim(app.ctx, newId(), ["tax.file"], 1);
    if (!job) throw new Error("there was a job");
    // Its lease is another's by now: whatever this worker still does is undone.
    expect(fileTaxes(app.ctx, { ...job, lease: newId() })).rejects.toThrow("held by another worker");
    expect(lknpd.stats().calls).toEqual([]);
    expect(await journal(app)).toMatchObject([{ state: "ready" }]);
  });
});
