import { describe, expect, test } from "bun:test";
import { metersAt, payments, refundPayment, taxEntries } from "../../../src/features/billing/index.ts";
import { watchMeters } from "../../../src/features/billing/tax/meters.ts";
import { enterTax } from "../../../src/features/billing/tax/tax.ts";
import { newId } from "../../../src/platform/ids.ts";
import { type Person, startTestApp, type TestApp } from "../../support/app.ts";
import { createTestClock } from "../../support/clock.ts";
import { alerts, sell } from "../../support/tax.ts";

const ROUBLE = 100;

/** A sale as `payments.ts` books one: the order, its entry and the meters in one transaction. */
async function book(
  app: TestApp,
  person: Person,
  sale: { at: string; kopecks: number; provider?: string; waitMs?: number },
) {
  const operationAt = new Date(sale.at);
  await app.ctx.transaction(async (tx) => {
    const id = newId();
    await tx.db.insert(payments).values({
      id,
      userId: person.id,
      provider: sale.provider ?? "yookassa",
      yookassaId: id,
      product: "pack_20",
      credits: 20,
      amountKopecks: sale.kopecks,
      currency: "RUB",
      status: "succeeded",
      taxKopecks: 0,
      commissionKopecks: 0,
      commissionIsReal: false,
      refundedKopecks: 0,
      tokensUsed: 0,
      idempotencyKey: id,
      isTest: false,
      returnUrl: "https://example.org/",
      checks: 0,
      succeededAt: operationAt,
      createdAt: operationAt,
      updatedAt: operationAt,
    });
    await enterTax(tx, { paymentId: id, cause: `payment:${id}`, operationAt, grossKopecks: sale.kopecks });
    await watchMeters(tx, operationAt);
    // Others come while this one is not committed yet.
    if (sale.waitMs) await Bun.sleep(sale.waitMs);
  });
}

describe("the owner's meters", () => {
  test("the shop's month warns at 80 and 95 %, once each, and begins anew with Moscow's month", async () => {
    const app = await startTestApp();
    const person = await app.signIn();
    const sums = [79_999, 1, 14_999, 1, 50_000];
    const told = [];
    for (const roubles of sums) {
      await book(app, person, { at: "2026-11-30T20:59:59.000Z", kopecks: roubles * ROUBLE });
      told.push((await alerts(app)).length);
    }
    expect(told).toEqual([0, 1, 1, 2, 2]);
    expect(await alerts(app)).toEqual(["yookassa_month_80_percent", "yookassa_month_95_percent"]);
    await book(app, person, { at: "2026-11-30T21:00:00.000Z", kopecks: 80_000 * ROUBLE });
    expect((await alerts(app)).slice(2)).toEqual(["yookassa_month_80_percent"]);
  });

  test("a jump over both marks tells both; another shop's money does not count; 0 switches the meter off", async () => {
    const app = await startTestApp();
    await book(app, await app.signIn(), {
      at: "2026-11-10T10:00:00.000Z",
      kopecks: 90_000 * ROUBLE,
      provider: "stars",
    });
    expect(await alerts(app)).toEqual([]);
    await book(app, await app.signIn(), { at: "2026-11-10T10:00:00.000Z", kopecks: 99_000 * ROUBLE });
    expect(await alerts(app)).toEqual(["yookassa_month_80_percent", "yookassa_month_95_percent"]);
    const off = await startTestApp({ settings: { YOOKASSA_MONTH_LIMIT_ROUBLES: "0" } });
    await book(off, await off.signIn(), { at: "2026-11-10T10:00:00.000Z", kopecks: 500_000 * ROUBLE });
    expect([await alerts(off), (await metersAt(off.ctx, off.clock.now()))[1]]).toMatchObject([[], { limitKopecks: 0 }]);
  });

  test("the year warns at 80 and 95 % of 2.4 million by Moscow's year, and what was given back is no income", async () => {
    const app = await startTestApp({ settings: { YOOKASSA_MONTH_LIMIT_ROUBLES: "0" } });
    const person = await app.signIn();
    const at = "2026-12-31T20:59:59.000Z";
    for (const roubles of [1_919_999, 1, 359_999, 1, 100_000])
      await book(app, person, { at, kopecks: roubles * ROUBLE });
    await book(app, person, { at: "2026-12-31T21:00:00.000Z", kopecks: 2_000_000 * ROUBLE });
    expect(await alerts(app)).toEqual(["tax_year_80_percent", "tax_year_95_percent", "tax_year_80_percent"]);
    const [year] = await metersAt(app.ctx, new Date(at));
    expect(year).toEqual({
      name: "tax_year",
      period: "2026",
      kopecks: 2_380_000 * ROUBLE,
      limitKopecks: 2_400_000 * ROUBLE,
      percent: 99,
    });
  });

  test("a refund takes from the year and not from the month, and a mark that is passed again is not told again", async () => {
    const app = await startTestApp({
      settings: { YOOKASSA_MONTH_LIMIT_ROUBLES: "180" },
      clock: createTestClock("2026-11-18T09:00:00.000Z"),
    });
    const payment = await sell(app, await app.signIn());
    expect(await alerts(app)).toEqual(["yookassa_month_80_percent"]);
    await refundPayment(app.ctx, { payment, amountKopecks: 14_900, reason: "asked for" });
    const [year, month] = await metersAt(app.ctx, app.clock.now());
    expect([year?.kopecks, month?.kopecks, month?.percent]).toEqual([0, 14_900, 82]);
    await sell(app, await app.signIn());
    expect(await alerts(app)).toEqual(["yookassa_month_80_percent", "yookassa_month_95_percent"]);
  });

  test("sales that commit at the same time pass no mark unseen and tell none twice", async () => {
    for (let round = 0; round < 3; round += 1) {
      const app = await startTestApp();
      const people = await Promise.all(Array.from({ length: 10 }, () => app.signIn()));
      const at = "2026-11-10T10:00:00.000Z";
      await Promise.all(
        people.map((person, n) => book(app, person, { at, kopecks: 9_600 * ROUBLE, waitMs: n % 2 === 0 ? 15 : 0 })),
      );
      expect(await app.ctx.db.select().from(taxEntries)).toHaveLength(10);
      expect(await alerts(app)).toEqual(["yookassa_month_80_percent", "yookassa_month_95_percent"]);
    }
  }, 60_000);

  test("the real flow feeds both meters", async () => {
    const app = await startTestApp({ settings: { YOOKASSA_MONTH_LIMIT_ROUBLES: "1000" } });
    await sell(app, await app.signIn(), "pack_200");
    expect(await alerts(app)).toEqual(["yookassa_month_80_percent", "yookassa_month_95_percent"]);
    expect((await metersAt(app.ctx, app.clock.now())).map(({ kopecks }) => kopecks)).toEqual([119_000, 119_000]);
  });
});
