import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditGrants, grantCredits, subscriptions, taxMonth } from "../../src/features/billing/index.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { paidFor, row } from "../support/buying.ts";
import { balance, finish, ordered } from "../support/fitting.ts";
import { act, at, clean, FIRST_END, NOTICE, started, subscription, told } from "../support/subscribing.ts";

describe("a subscription", () => {
  test("S6 is bought on the page: credits that end with the period, no watermark, ahead in the queue; all numbers are right", async () => {
    const { app, person } = await started({ FREE_ACTIONS_PER_MONTH: "1" });
    const plans = (await (await app.request("/plans")).json()) as { plans: Array<{ key: string; available: boolean }> };
    expect(plans.plans.map(({ key, available }) => [key, available])).toEqual([
      ["basic", true],
      ["pro", true],
      ["premium", true],
    ]);
    const payment = await paidFor(app, person, "basic");
    expect(await subscription(app, person)).toMatchObject({
      type: "basic",
      state: "active",
      ends_at: FIRST_END,
      amount: "299.00",
      auto_renew: false,
      method: null,
      next_plan: null,
    });
    expect(await balance(app, person)).toMatchObject({
      credits: 50,
      subscription: { type: "basic", ends_at: FIRST_END, credits_left: 50, auto_renew: false },
      next_expiry: { credits: 50, at: FIRST_END },
    });
    // 4 % of 299.00; 2.8 % is 8.37 (8.372), and 22 % of that 1.84.
    expect(await row(app, payment.id)).toMatchObject({ taxKopecks: 1_196, commissionKopecks: 837 + 184 });
    expect(await taxMonth(app.ctx, "2026-11")).toMatchObject([{ grossKopecks: 29_900, state: "ready" }]);
    // Its free action pays first, and still the picture has no watermark.
    const made = await ordered(app, person);
    expect(await finish(app, person, made.id)).toMatchObject({ status: "succeeded", watermarked: false });
    await clean(app);
  });

  test("S4 without renewal the person is told a day before, has it to the very end, and is on the free plan after it", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic");
    await at(app, -2 * DAY_MS);
    expect(await told(app, person)).toEqual([]);
    await at(app, NOTICE);
    await at(app, -HOUR_MS);
    expect(await told(app, person)).toEqual(["subscription.ends_soon"]);
    await at(app, -1);
    expect(await balance(app, person)).toMatchObject({ credits: 50, subscription: { type: "basic" } });
    await at(app, 0);
    expect(await balance(app, person)).toMatchObject({ credits: 0, subscription: null });
    expect(await subscription(app, person)).toBeNull();
    await at(app, 60 * DAY_MS);
    expect(await told(app, person)).toEqual(["subscription.ends_soon", "subscription.ended"]);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
    await clean(app);
  });

  test("C8 renewal, downgrade and expiry never touch what was bought as a pack or given", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "pack_20");
    await grantCredits(app.ctx, { userId: person.id, kind: "gift", credits: 3, source: "test:gift" });
    await paidFor(app, person, "pro", { saveMethod: true });
    expect(await balance(app, person)).toMatchObject({ credits: 163 });
    // Plan credits pay first.
    const made = await ordered(app, person);
    await finish(app, person, made.id);
    await act(app, person, "change", { plan: "basic" });
    await at(app, NOTICE);
    await at(app, -5 * MINUTE_MS);
    expect(await subscription(app, person)).toMatchObject({ type: "basic", amount: "299.00", next_plan: null });
    await at(app, 1_000);
    expect(await balance(app, person)).toMatchObject({
      credits: 73,
      subscription: { type: "basic", credits_left: 50 },
    });
    await act(app, person, "cancel");
    await at(app, 40 * DAY_MS);
    expect(await balance(app, person)).toMatchObject({ credits: 23, subscription: null });
    const left = await app.ctx.db
      .select({ kind: creditGrants.kind, left: creditGrants.creditsLeft })
      .from(creditGrants)
      .where(eq(creditGrants.userId, person.id))
      .orderBy(creditGrants.id);
    expect(left.filter(({ kind }) => kind !== "plan")).toEqual([
      { kind: "pack", left: 20 },
      { kind: "gift", left: 3 },
    ]);
    await clean(app);
  });
});

test("each turn of a subscription is also told by the bot, once, and no payment twice", async () => {
  const { app, person } = await started();
  app.telegram.setNewcomers("started");
  await paidFor(app, person, "basic", { saveMethod: true });
  await at(app, NOTICE);
  app.yooKassa.faults.set("yookassa.autopayment", { mode: "insufficient_funds", times: 1 });
  await at(app, -10 * MINUTE_MS);
  await at(app, DAY_MS);
  await at(app, DAY_MS + HOUR_MS);
  await act(app, person, "cancel");
  await at(app, 40 * DAY_MS);
  await app.work();
  const keys = await app.ctx.db.select({ key: outboxMessages.key }).from(outboxMessages).orderBy(outboxMessages.id);
  expect(keys.map(({ key }) => key).toSorted()).toEqual([
    "subscription_ends",
    "subscription_lapsed",
    "subscription_payment_failed",
    "subscription_renewal_soon",
    "subscription_renewed",
    "subscription_started",
  ]);
});

test("a stranger neither sees nor changes another's subscription", async () => {
  const { app, person } = await started();
  await paidFor(app, person, "basic", { saveMethod: true });
  const stranger = await app.signIn();
  expect(await subscription(app, stranger)).toBeNull();
  for (const path of ["cancel", "resume", "method"]) expect((await act(app, stranger, path)).status).toBe(409);
  expect(await subscription(app, person)).toMatchObject({ type: "basic", auto_renew: true });
  expect(JSON.stringify(await subscription(app, person))).not.toContain(
    (await app.ctx.db.select({ id: subscriptions.methodId }).from(subscriptions))[0]?.id ?? "-",
  );
});
