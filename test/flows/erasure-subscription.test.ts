import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { payments, planOrders, subscriptions, verifyLedger } from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { ownerAlerts } from "../../src/features/notifications/index.ts";
import { cleanUp } from "../../src/features/privacy/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { bought, notify, paidFor, remoteId } from "../support/buying.ts";
import { tracesInTables } from "../support/traces.ts";

const erase = (app: TestApp, person: Person) =>
  app.request("/profile", { method: "DELETE", as: person, json: { confirm: "erase" } });

test(
  "X4 a subscriber's subscription ends, the stored card is forgotten everywhere, and nothing is charged again",
  async () => {
    const app = await startTestApp({ settings: { YOOKASSA_AUTOPAYMENTS: "on", FREE_ACTIONS_PER_MONTH: "0" } });
    const person = await app.signIn();
    await paidFor(app, person, "basic", { saveMethod: true });
    // One renewal, so that an order names the stored card too.
    const [first] = await app.ctx.db.select().from(subscriptions);
    const endsAt = first?.endsAt.getTime() ?? 0;
    for (const moment of [endsAt - DAY_MS - 10 * MINUTE_MS, endsAt - 10 * MINUTE_MS, endsAt]) {
      app.clock.set(new Date(moment));
      await runSubscriptions(app.ctx);
      await sweepPayments(app.ctx);
    }
    const [before] = await app.ctx.db.select().from(subscriptions);
    expect(before).toMatchObject({ state: "active", autoRenew: true, periodCount: 2 });
    const [method, title] = [before?.methodId ?? "", before?.methodTitle ?? ""];
    expect([method.length > 8, title.length > 3]).toEqual([true, true]);
    // The provider numbers a stored card like the payment that stored it, and that number stays with the payment.
    const asMethod = `"method_id":"${method}"`;
    const named = await tracesInTables(app, [asMethod, title]);
    // A notice of the coming charge names the card as well.
    expect(new Set(named.map((trace) => trace.table))).toEqual(
      new Set(["live_events", "plan_orders", "subscriptions"]),
    );

    const again = await app.signIn({ telegramId: person.telegramId });
    const archive = await (await app.request("/profile/export", { as: again })).bytes();
    for (const word of [asMethod, title]) expect(Buffer.from(archive).includes(word)).toBe(true);

    const answer = await erase(app, again);
    expect(await answer.json()).toMatchObject({ subscription_ended: true, credits_forfeited: 50 });
    expect(await tracesInTables(app, [asMethod, title])).toEqual([]);
    expect(await app.ctx.db.select().from(subscriptions)).toMatchObject([{ state: "ended", endReason: "erased" }]);
    expect((await app.ctx.db.select().from(planOrders)).map((one) => one.methodId)).not.toContain(method);

    const charged = app.yooKassa.stats().payments.length;
    for (let day = 0; day < 40; day += 1) {
      app.clock.advance(DAY_MS);
      await runSubscriptions(app.ctx);
      await sweepPayments(app.ctx);
    }
    expect(app.yooKassa.stats().payments).toHaveLength(charged);
    expect((await verifyLedger(app.ctx)).differences).toEqual([]);
  },
  MINUTE_MS,
);

test("X4 P4 a card that was charged for a renewal, with the answer lost, is found after the erasure, and the owner hears of it", async () => {
  const app = await startTestApp({ settings: { YOOKASSA_AUTOPAYMENTS: "on" } });
  const person = await app.signIn();
  await paidFor(app, person, "basic", { saveMethod: true });
  const [subscription] = await app.ctx.db.select().from(subscriptions);
  const endsAt = subscription?.endsAt.getTime() ?? 0;
  app.clock.set(new Date(endsAt - DAY_MS - 10 * MINUTE_MS));
  await runSubscriptions(app.ctx);
  app.clock.set(new Date(endsAt - 10 * MINUTE_MS));
  app.yooKassa.faults.set("yookassa.create", { mode: "executed_500", times: 3 });
  await runSubscriptions(app.ctx);
  app.yooKassa.faults.clear();
  const taken = () => app.yooKassa.stats().payments.filter(({ status }) => status === "succeeded").length;
  expect(taken()).toBe(2);
  const again = await app.signIn({ telegramId: person.telegramId });
  expect((await erase(app, again)).status).toBe(200);
  app.clock.advance(2 * MINUTE_MS);
  await sweepPayments(app.ctx);
  const states = (await app.ctx.db.select().from(payments)).map(({ status }) => status);
  expect(states).toEqual(["succeeded", "succeeded"]);
  expect(taken()).toBe(2);
  await app.work();
  const alerts = await app.ctx.db.select().from(ownerAlerts);
  expect(alerts.map((alert) => alert.reason)).toContain("paid_after_erasure");
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}, 60_000);

test("X4 a plan that is paid for while an erasure is under way ends with it, and does not go on unseen", async () => {
  const app = await startTestApp();
  const person = await app.signIn();
  const { id } = await bought(app, person, "pro");
  expect((await erase(app, person)).status).toBe(200);
  expect((await notify(app, app.yooKassa.pay(await remoteId(app, id)))).status).toBe(200);
  expect(await app.ctx.db.select().from(subscriptions)).toMatchObject([{ state: "active" }]);
  await app.work();
  expect(await app.ctx.db.select().from(subscriptions)).toMatchObject([{ state: "ended", endReason: "erased" }]);
  const [stub] = await app.ctx.db.select().from(users).where(eq(users.id, person.id));
  expect(stub).toMatchObject({ balanceCredits: 0, subscriptionType: null, firstName: "" });
  const alerts = await app.ctx.db.select().from(ownerAlerts);
  expect(alerts.map((alert) => alert.reason)).toEqual(["paid_after_erasure"]);
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}, 60_000);

test("X4 a plan that is paid for after the erasure ends at the next cleanup, and the owner hears of it", async () => {
  const app = await startTestApp();
  const person = await app.signIn();
  const { id } = await bought(app, person, "pro");
  expect((await erase(app, person)).status).toBe(200);
  await app.work();
  expect((await notify(app, app.yooKassa.pay(await remoteId(app, id)))).status).toBe(200);
  await app.work();
  app.clock.advance(HOUR_MS);
  expect(await cleanUp(app.ctx, { dryRun: false })).toMatchObject({ late_credits_people: 1 });
  const [stub] = await app.ctx.db.select().from(users).where(eq(users.id, person.id));
  expect(stub).toMatchObject({ balanceCredits: 0, subscriptionType: null, firstName: "" });
  const live = await app.ctx.db.select().from(subscriptions).where(eq(subscriptions.state, "active"));
  expect(live).toEqual([]);
  const alerts = await app.ctx.db.select().from(ownerAlerts);
  expect(alerts.map((alert) => alert.reason)).toEqual(["paid_after_erasure"]);
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}, 60_000);
