import { describe, expect, test } from "bun:test";
import { grantPlanDays } from "../../src/features/billing/index.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { DAY_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { bought, buy, notify, paidFor, remoteId, succeededPayments } from "../support/buying.ts";
import { balance, finish, ordered } from "../support/fitting.ts";
import { act, at, clean, FIRST_END, later, NOTICE, signedIn, started, subscription } from "../support/subscribing.ts";

describe("more time and other plans", () => {
  test("S3 a period paid by hand moves the end and the next charge", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    expect((await subscription(app, person))?.next_charge_at).not.toBeNull();
    await paidFor(app, person, "basic");
    expect(await subscription(app, person)).toMatchObject({
      ends_at: "2027-01-18T09:00:00.000Z",
      next_charge_at: null,
    });
    await at(app, 0);
    await at(app, DAY_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    // The first period's credits have ended, those of the second have not.
    expect(await balance(app, person)).toMatchObject({ credits: 50 });
    await at(app, "2027-01-17T08:50:00.000Z");
    await at(app, "2027-01-18T08:55:00.000Z");
    expect(app.yooKassa.stats().payments).toHaveLength(3);
    expect(await subscription(app, person)).toMatchObject({ ends_at: "2027-02-18T09:00:00.000Z" });
    await clean(app);
  });

  test("S3 days that are given move the next charge, once for each cause; without a subscription they begin one", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    const gift = { userId: person.id, type: "pro", days: 10, source: "test:days" } as const;
    expect(await grantPlanDays(app.ctx, gift)).toBe(true);
    expect(await grantPlanDays(app.ctx, gift)).toBe(false);
    expect(await subscription(app, person)).toMatchObject({ type: "basic", ends_at: "2026-12-28T09:00:00.000Z" });
    await at(app, DAY_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
    await at(app, 10 * DAY_MS + NOTICE);
    await at(app, 10 * DAY_MS - MINUTE_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    expect(await subscription(app, person)).toMatchObject({ ends_at: "2027-01-28T09:00:00.000Z" });

    const other = await app.signIn();
    signedIn.get(app)?.push(other);
    await grantPlanDays(app.ctx, { userId: other.id, type: "pro", days: 3, source: "test:other" });
    expect(await subscription(app, other)).toMatchObject({ type: "pro", state: "active" });
    expect(await balance(app, other)).toMatchObject({ credits: 14, subscription: { type: "pro" } });
    await later(app, 4 * DAY_MS);
    await runSubscriptions(app.ctx);
    expect(await balance(app, other)).toMatchObject({ credits: 0, subscription: null });
    await clean(app);
  });

  test("an upgrade costs the price less the unused part, as it was stated, and begins at once", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await later(app, 10 * DAY_MS);
    const stated = (await (await app.request("/subscription/change?plan=pro", { as: person })).json()) as {
      change: string;
      amount: string;
      unused_kopecks: number;
      credits_counted: number;
    };
    expect(stated).toMatchObject({ change: "upgrade", amount: "490.67", unused_kopecks: 19_933, credits_counted: 50 });
    expect((await act(app, person, "change", { plan: "pro" })).status).toBe(409);
    const payment = await paidFor(app, person, "pro");
    expect(payment.amountKopecks).toBe(49_067);
    expect(await subscription(app, person)).toMatchObject({
      type: "pro",
      amount: "690.00",
      ends_at: "2026-12-28T09:00:00.000Z",
      auto_renew: true,
    });
    expect(await balance(app, person)).toMatchObject({ credits: 140, subscription: { type: "pro" } });
    await at(app, 10 * DAY_MS + NOTICE);
    await at(app, 10 * DAY_MS);
    expect((await succeededPayments(app, person)).map(({ amountKopecks }) => amountKopecks)).toEqual([
      29_900, 49_067, 69_000,
    ]);
    await clean(app);
  });

  test("credits spent between the stated price and the payment are spent of the new ones", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic");
    await later(app, 10 * DAY_MS);
    const payment = await bought(app, person, "pro");
    const again = await bought(app, person, "pro");
    expect([again.id, again.amount]).toEqual([payment.id, payment.amount]);
    const made = await ordered(app, person);
    await finish(app, person, made.id);
    await notify(app, app.yooKassa.pay(await remoteId(app, payment.id)));
    expect(await balance(app, person)).toMatchObject({ credits: 138 });
    await clean(app);
  });

  test("a cheaper plan begins with the next period, is not sold before, and can be taken back", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "pro", { saveMethod: true });
    const refused = await buy(app, person, "basic");
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([409, "plan_not_now"]);
    expect((await act(app, person, "change", { plan: "basic" })).status).toBe(200);
    expect(await subscription(app, person)).toMatchObject({ type: "pro", next_plan: { type: "basic" } });
    await act(app, person, "change", { plan: "pro" });
    expect(await subscription(app, person)).toMatchObject({ type: "pro", next_plan: null });
    await act(app, person, "change", { plan: "basic" });
    await at(app, NOTICE);
    await at(app, 0);
    expect((await succeededPayments(app, person)).map(({ amountKopecks }) => amountKopecks)).toEqual([69_000, 29_900]);
    expect(await subscription(app, person)).toMatchObject({ type: "basic", state: "active" });
    await clean(app);
  });

  test("two orders of different plans that are both paid: nobody pays without getting", async () => {
    const { app, person } = await started();
    const basic = await bought(app, person, "basic");
    const premium = await bought(app, person, "premium");
    await notify(app, app.yooKassa.pay(await remoteId(app, premium.id)));
    await notify(app, app.yooKassa.pay(await remoteId(app, basic.id)));
    expect(await balance(app, person)).toMatchObject({ credits: 400 });
    const view = await subscription(app, person);
    // 299 of 1490 of a month of 31 days is a good six days.
    expect(view).toMatchObject({ type: "premium" });
    expect(Date.parse(view?.ends_at ?? "") - Date.parse(FIRST_END)).toBeWithin(6 * DAY_MS, 6.5 * DAY_MS);
    await clean(app);
  });

  test("S6 a changed catalogue does not change what was agreed", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    const plan = app.ctx.catalogue.plans.find(({ key }) => key === "basic");
    if (!plan) throw new Error("the plan is there");
    const before = { ...plan };
    Object.assign(plan, { price_kopecks: 99_900, credits: 5 });
    try {
      await at(app, NOTICE);
      await at(app, 0);
      expect(
        (await succeededPayments(app, person)).map(({ amountKopecks, credits }) => [amountKopecks, credits]),
      ).toEqual([
        [29_900, 50],
        [29_900, 50],
      ]);
    } finally {
      Object.assign(plan, before);
    }
  });
});
