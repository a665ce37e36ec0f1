import { afterEach, describe, expect, test } from "bun:test";
import type { DoctorCheck, Finding, Patient } from "../../src/commands/doctor/check.ts";
import { noticesCheck, shopCheck, taxDeadlineCheck } from "../../src/commands/doctor/shop.ts";
import { registrationDeadline, taxEntries } from "../../src/features/billing/index.ts";
import { paymentNotices } from "../../src/features/billing/payments/payment-tables.ts";
import { ownerAlerts, tellOwner } from "../../src/features/notifications/index.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import type { Settings } from "../../src/platform/config/settings.ts";
import { newId } from "../../src/platform/ids.ts";
import { moscowDate } from "../../src/platform/moscow.ts";
import { useTestApp } from "../support/app.ts";
import { paidFor } from "../support/buying.ts";

const start = useTestApp();

/** What a check says of the running product, with some settings instead. */
function examine(check: DoctorCheck, instead: Partial<Settings> = {}): Promise<Finding> {
  const { open } = start();
  const settings = { ...open.ctx.settings, ...instead };
  const ctx = { ...open.ctx, settings };
  return check.run({ checked: { settings }, openWithSchema: async () => ({ ...open, ctx }) } as unknown as Patient);
}

describe("what doctor says of the shop", () => {
  afterEach(async () => {
    const { yooKassa, ctx } = start();
    yooKassa.configure({ test: true, fiscalization: false });
    yooKassa.faults.clear();
    await ctx.db.delete(ownerAlerts);
  });

  test("that its keys work, and what people pay with", async () => {
    const { shopId } = start().yooKassa;
    expect(await examine(shopCheck)).toMatchObject({
      status: "ok",
      text: `The keys of shop ${shopId} work (test: no money moves). Paid by: bank_card, yoo_money.`,
    });
  });

  test("that nothing is sold where no shop is set", async () => {
    for (const check of [shopCheck, noticesCheck]) {
      const finding = await examine(check, { YOOKASSA_SHOP_ID: "", YOOKASSA_SECRET_KEY: "" });
      expect(finding).toMatchObject({ status: "ok", text: expect.stringMatching(/^Switched off/) });
    }
  });

  test("that a key is refused, without showing it", async () => {
    const finding = await examine(shopCheck, { YOOKASSA_SECRET_KEY: "test_somebody-elses-key" });
    expect(finding.status).toBe("failed");
    expect(finding.text).toEndWith("and is the key still in force?");
    expect(JSON.stringify(finding)).not.toContain("somebody-elses");
  });

  test("that keys work which may not ask what the shop is", async () => {
    for (const mode of ["http_401", "http_403"]) {
      start().yooKassa.faults.set("yookassa.me", { mode, times: 5 });
      const finding = await examine(shopCheck);
      expect(finding).toMatchObject({ status: "ok", text: expect.stringContaining("nothing more of itself") });
    }
  });

  test("that nobody answers", async () => {
    const finding = await examine(shopCheck, { YOOKASSA_API_URL: "http://127.0.0.1:9/v3" });
    expect(finding).toMatchObject({ status: "failed", text: expect.stringContaining("Does this machine reach") });
  });

  test("that test and live are mixed up, and test cards before everybody's eyes", async () => {
    start().yooKassa.configure({ test: false });
    const taken = await examine(shopCheck);
    expect(taken).toMatchObject({ status: "failed", lines: [expect.stringMatching(/^The shop is live, but the key/)] });
    start().yooKassa.configure({ test: true });
    const open = await examine(shopCheck, { PUBLIC_URL: "https://app.example.org" });
    expect(open).toMatchObject({ status: "warning", lines: [expect.stringContaining("pay with test cards")] });
  });

  test("that it wants receipts, which no order of ours brings", async () => {
    start().yooKassa.configure({ fiscalization: true });
    const finding = await examine(shopCheck);
    expect(finding).toMatchObject({ status: "failed", lines: [expect.stringContaining("switch fiscalization off")] });
  });

  test("that stored cards were refused while renewals are on, and not while they are off", async () => {
    const { ctx } = start();
    expect((await examine(shopCheck, { YOOKASSA_AUTOPAYMENTS: "on" })).status).toBe("ok");
    await ctx.transaction((tx) => tellOwner(tx, { level: "warning", reason: "autopayments_refused", details: {} }));
    const finding = await examine(shopCheck, { YOOKASSA_AUTOPAYMENTS: "on" });
    expect(finding).toMatchObject({ status: "warning", lines: [expect.stringContaining("refused to store a card")] });
    expect((await examine(shopCheck)).status).toBe("ok");
  });
});

describe("what doctor says of the shop's notices", () => {
  const notice = (outcome: string, address: string) => {
    const { ctx } = start();
    const row = { id: newId(), address, event: "payment.succeeded", objectId: null, outcome };
    return ctx.db.insert(paymentNotices).values({ ...row, createdAt: ctx.clock.now() });
  };

  test("none yet; foreign ones; a paid order that none told of; and all well after one came", async () => {
    const app = start();
    await app.ctx.db.delete(paymentNotices);
    expect(await examine(noticesCheck)).toMatchObject({
      status: "ok",
      text: "None was ever received. Nothing was paid yet.",
    });

    await paidFor(app, await app.signIn());
    // As if no notice had come and the sweep had found the payment.
    await app.ctx.db.delete(paymentNotices);
    // Too early to tell: the notice may be on its way.
    expect((await examine(noticesCheck)).status).toBe("ok");
    app.clock.advance(HOUR_MS + MINUTE_MS);
    const missed = await examine(noticesCheck);
    expect(missed.status).toBe("warning");
    expect(missed.text).toStartWith("None was ever received. The payment of ");
    expect(missed.lines?.[0]).toContain(`${app.ctx.settings.PUBLIC_URL}/api/v1/payments/webhook`);

    await notice("foreign_address", "10.0.0.7");
    const foreign = await examine(noticesCheck);
    expect(foreign).toMatchObject({ status: "warning", lines: [expect.stringContaining("TRUSTED_PROXIES")] });
    expect(foreign.text).toContain("Later ones came from 10.0.0.7");

    app.clock.advance(MINUTE_MS);
    await notice("payment_succeeded", "185.71.76.1");
    expect((await examine(noticesCheck)).status).toBe("ok");
  });
});

describe("what doctor says of the tax deadline", () => {
  test.each([
    ["2026-11-22", "2026-12-09"],
    ["2026-12-31", "2027-01-09"],
    ["2027-01-01", "2027-02-09"],
  ])("a sale of %s has to be registered by %s", (date, deadline) => {
    expect(registrationDeadline(date)).toBe(deadline);
  });

  test("nothing waits; it waits; the day is near; the day is past", async () => {
    const app = start();
    await app.ctx.db.delete(taxEntries);
    expect((await examine(taxDeadlineCheck)).text).toBe("No sale waits to be registered.");
    await paidFor(app, await app.signIn());
    const date = moscowDate(app.clock.now());
    const deadline = registrationDeadline(date);
    const early = await examine(taxDeadlineCheck);
    expect([early.status, early.text.includes(`of ${date}; it has to be by ${deadline}, in `)]).toEqual(["ok", true]);
    app.clock.set(new Date(Date.parse(`${deadline}T09:00:00Z`) - 2 * DAY_MS));
    expect((await examine(taxDeadlineCheck)).status).toBe("warning");
    app.clock.set(new Date(Date.parse(`${deadline}T09:00:00Z`)));
    expect((await examine(taxDeadlineCheck)).status).toBe("warning");
    app.clock.set(new Date(Date.parse(`${deadline}T21:00:01Z`)));
    expect(await examine(taxDeadlineCheck)).toMatchObject({
      status: "failed",
      text: expect.stringContaining("which is past"),
    });
    // Behind a live key, what a test shop sold is nobody's income.
    const live = { YOOKASSA_SECRET_KEY: "live_a-key" };
    expect((await examine(taxDeadlineCheck, live)).text).toBe("No sale waits to be registered.");
  });
});
