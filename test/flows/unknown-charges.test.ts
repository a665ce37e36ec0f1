import { expect, test } from "bun:test";
import { isNotNull } from "drizzle-orm";
import { payments, planOrders, reconcile } from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { PROVIDER_TRIES } from "../../src/providers/retry.ts";
import type { TestApp } from "../support/app.ts";
import { alerts, bought, buy, paidFor, row, succeededPayments } from "../support/buying.ts";
import { at, clean, FIRST_END, moved, NOTICE, started, subscription, told } from "../support/subscribing.ts";

/**
 * A charge of which nobody knows whether it was made. Until that is known no other order may take its place: whatever the
 * provider answers meanwhile, the same order is asked about under its own key, or looked for.
 */

const SECOND_END = "2027-01-18T09:00:00.000Z";
/** The calls that the shop's login opens. */
const CALLS = ["yookassa.create", "yookassa.read", "yookassa.list", "yookassa.refund"];

/** A charge is due, and what its one call meets is `mode`, at each try. */
async function chargedInto(mode: string) {
  const { app, person } = await started();
  await paidFor(app, person, "basic", { saveMethod: true });
  await at(app, NOTICE);
  app.yooKassa.faults.set("yookassa.create", { mode, times: PROVIDER_TRIES });
  await moved(app, new Date(Date.parse(FIRST_END) - 9 * MINUTE_MS));
  await runSubscriptions(app.ctx);
  return { app, person };
}

/** Every call is refused from now on, as with a secret key that was replaced. */
function lockOut(app: TestApp): void {
  for (const call of CALLS) app.yooKassa.faults.set(call, { mode: "http_401" });
}

/** The tries at the coming period, oldest first. */
async function tries(app: TestApp) {
  const orders = await app.ctx.db.select().from(planOrders).where(isNotNull(planOrders.attempt));
  const rows = await Promise.all(orders.map(({ paymentId }) => row(app, paymentId)));
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ status, cancelReason }) => [status, cancelReason]);
}

const chargesOf = (app: TestApp) => app.yooKassa.stats().payments.length - 1;

test("P13 S1 a charge whose answer was lost, and whose repetition meets a refused login, is not ordered anew: charged once", async () => {
  const { app, person } = await chargedInto("executed_500");
  lockOut(app);
  // All notices are lost as well.
  for (const minutes of [-7, -5, 0, 30, 60, 90]) await at(app, minutes * MINUTE_MS);
  expect(await tries(app)).toEqual([["pending", null]]);
  expect(await alerts(app)).toContain("payment_provider_unauthorized");
  // The plan stays open while nobody knows.
  expect(await subscription(app, person)).toMatchObject({ state: "grace", auto_renew: true });
  app.yooKassa.faults.clear();
  await at(app, 2 * HOUR_MS);
  await at(app, 3 * HOUR_MS);
  expect(chargesOf(app)).toBe(1);
  expect(await tries(app)).toEqual([["succeeded", null]]);
  expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: SECOND_END });
  expect(await told(app, person)).toEqual(["subscription.renewal_soon"]);
  await clean(app);
}, 60_000);

test.each([
  ["two days, so that its key is forgotten", 2 * DAY_MS],
  ["five days, longer than open orders are asked about", 5 * DAY_MS],
])(
  "P13 S1 such a charge is found once the login works again, after %s",
  async (_, ms) => {
    const { app, person } = await chargedInto("executed_500");
    lockOut(app);
    for (let passed = -MINUTE_MS; passed < ms; passed += 8 * HOUR_MS) await at(app, passed);
    expect(await tries(app)).toEqual([["pending", null]]);
    expect(await subscription(app, person)).toMatchObject({ state: "grace" });
    app.yooKassa.faults.clear();
    await at(app, ms + HOUR_MS);
    await at(app, ms + 2 * HOUR_MS);
    expect(chargesOf(app)).toBe(1);
    expect(await tries(app)).toEqual([["succeeded", null]]);
    expect((await succeededPayments(app, person)).map(({ amountKopecks }) => amountKopecks)).toEqual([29_900, 29_900]);
    await clean(app);
  },
  60_000,
);

for (const mode of ["http_400_key", "http_400", "http_403"]) {
  test(`P13 a charge whose answer was lost is looked for when its repetition is refused with ${mode.slice(5)}`, async () => {
    const { app, person } = await chargedInto("executed_500");
    app.yooKassa.faults.set("yookassa.create", { mode });
    await at(app, -7 * MINUTE_MS);
    const isLogin = mode === "http_403";
    expect(await tries(app)).toEqual([isLogin ? ["pending", null] : ["succeeded", null]]);
    app.yooKassa.faults.clear();
    for (const hours of [1, 2, 26]) await at(app, hours * HOUR_MS);
    expect(chargesOf(app)).toBe(1);
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: SECOND_END });
    await clean(app);
  }, 60_000);
}

test("P13 refused, and not in the provider's list: it is given up only when it must have been listed by then", async () => {
  const { app, person } = await chargedInto("http_500");
  app.yooKassa.faults.set("yookassa.create", { mode: "http_400" });
  await at(app, -7 * MINUTE_MS);
  expect(await tries(app)).toEqual([["pending", null]]);
  await at(app, -3 * MINUTE_MS);
  expect(await tries(app)).toEqual([["cancelled", "provider_rejected"]]);
  expect(await told(app, person)).toEqual(["subscription.renewal_soon", "subscription.renewal_failed"]);
  app.yooKassa.faults.clear();
  await at(app, DAY_MS);
  expect(chargesOf(app)).toBe(1);
  expect(await tries(app)).toEqual([
    ["cancelled", "provider_rejected"],
    ["succeeded", null],
  ]);
}, 60_000);

test("S5 refused at the very first time: nothing was done, so it is tried again in an hour, under another order", async () => {
  const { app, person } = await chargedInto("http_401");
  expect(await tries(app)).toEqual([["cancelled", "provider_unauthorized"]]);
  app.yooKassa.faults.clear();
  await at(app, 40 * MINUTE_MS);
  expect(chargesOf(app)).toBe(0);
  await at(app, 52 * MINUTE_MS);
  expect(chargesOf(app)).toBe(1);
  expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: SECOND_END });
  expect(await told(app, person)).toEqual(["subscription.renewal_soon"]);
}, 60_000);

test("P13 the owner's reconcile, refused too, leaves such a charge open and finds it later", async () => {
  const { app } = await chargedInto("executed_500");
  lockOut(app);
  await reconcile(app.ctx).catch(() => {});
  expect(await tries(app)).toEqual([["pending", null]]);
  app.yooKassa.faults.clear();
  await reconcile(app.ctx);
  expect(await tries(app)).toEqual([["succeeded", null]]);
  expect(chargesOf(app)).toBe(1);
}, 60_000);

test("S3 paid by hand while the charge has no answer: it is looked up, and never put to the card any more", async () => {
  const { app, person } = await chargedInto("http_500");
  await moved(app, new Date(Date.parse(FIRST_END) - 8.5 * MINUTE_MS));
  await paidFor(app, person, "basic");
  for (const minutes of [-8, -5, 0, 60]) await at(app, minutes * MINUTE_MS);
  // The first month and the one by hand; none for the month after, of which nobody was told.
  expect(chargesOf(app)).toBe(1);
  expect(await tries(app)).toEqual([["cancelled", "withdrawn"]]);
  expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: SECOND_END, auto_renew: true });
  await clean(app);
}, 60_000);

test("P13 an order for a page is refused at once, and stands once its answer may have been lost", async () => {
  const { app, person } = await started();
  app.yooKassa.faults.set("yookassa.create", { mode: "http_401" });
  expect((await buy(app, person)).status).toBe(503);
  expect(await app.ctx.db.select().from(payments)).toMatchObject([{ cancelReason: "provider_unauthorized" }]);
  app.yooKassa.faults.set("yookassa.create", { mode: "executed_500", times: PROVIDER_TRIES });
  expect((await buy(app, person, "pack_20")).status).toBe(503);
  lockOut(app);
  await moved(app, new Date(app.clock.now().getTime() + 2 * MINUTE_MS));
  await reconcile(app.ctx).catch(() => {});
  expect((await buy(app, person, "pack_20")).status).toBe(503);
  app.yooKassa.faults.clear();
  expect((await buy(app, person, "pack_20")).status).toBe(201);
  expect(app.yooKassa.stats().payments).toHaveLength(1);
  expect(await app.ctx.db.select().from(payments)).toHaveLength(2);
}, 60_000);

test("P5 P9 what the provider says of an open order is asked for three days, and it is left alone only after an answer", async () => {
  const { app, person } = await started();
  const { id } = await bought(app, person);
  // Paid with another amount: nothing is granted, and the order stays open.
  app.yooKassa.pay((await row(app, id)).yookassaId ?? "");
  app.yooKassa.faults.set("yookassa.object", { mode: "underpaid" });
  app.yooKassa.faults.set("yookassa.read", { mode: "http_401" });
  const swept = async (ms: number) => {
    await moved(app, new Date(app.clock.now().getTime() + ms));
    await sweepPayments(app.ctx);
    const { nextCheckAt, status, flagged } = await row(app, id);
    return { isAsked: nextCheckAt !== null, status, flagged };
  };
  expect(await swept(3 * DAY_MS + HOUR_MS)).toEqual({ isAsked: true, status: "pending", flagged: null });
  app.yooKassa.faults.clear("yookassa.read");
  expect(await swept(HOUR_MS)).toEqual({ isAsked: false, status: "pending", flagged: "amount_differs" });
  const calls = app.yooKassa.stats().calls.length;
  await swept(DAY_MS);
  expect(app.yooKassa.stats().calls.length).toBe(calls);
  // The owner's reconcile still looks at it.
  app.yooKassa.faults.clear();
  await reconcile(app.ctx);
  expect(await row(app, id)).toMatchObject({ status: "succeeded", nextCheckAt: null });
});
