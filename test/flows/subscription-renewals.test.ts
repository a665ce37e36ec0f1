import { describe, expect, test } from "bun:test";
import {
  payments,
  planOrders,
  reconcile,
  subscriptionPeriods,
  subscriptions,
} from "../../src/features/billing/index.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { alerts, notify, paidFor, succeededPayments } from "../support/buying.ts";
import { balance } from "../support/fitting.ts";
import {
  act,
  at,
  clean,
  FIRST_END,
  moved,
  NOTICE,
  started,
  subscription,
  told,
  type View,
} from "../support/subscribing.ts";

describe("renewal from a stored card", () => {
  test("S1 is told a day before and charged once however many schedulers run; each period exists once", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    expect(await subscription(app, person)).toMatchObject({ auto_renew: true, next_charge_at: null });
    expect((await subscription(app, person))?.method?.title).toContain("4444");
    await at(app, NOTICE);
    expect(await told(app, person)).toEqual(["subscription.renewal_soon"]);
    expect((await subscription(app, person))?.next_charge_at).toBe("2026-12-18T08:50:00.000Z");
    await moved(app, new Date("2026-12-18T08:50:00.000Z"));
    await Promise.all([runSubscriptions(app.ctx), runSubscriptions(app.ctx), runSubscriptions(app.ctx)]);
    await runSubscriptions(app.ctx);
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    expect((await succeededPayments(app, person)).map(({ amountKopecks }) => amountKopecks)).toEqual([29_900, 29_900]);
    expect(await subscription(app, person)).toMatchObject({ ends_at: "2027-01-18T09:00:00.000Z", auto_renew: true });
    const periods = await app.ctx.db.select().from(subscriptionPeriods).orderBy(subscriptionPeriods.number);
    expect(
      periods.map(({ number, startsAt, endsAt }) => [number, startsAt.toISOString(), endsAt.toISOString()]),
    ).toEqual([
      [1, "2026-11-18T09:00:00.000Z", FIRST_END],
      [2, FIRST_END, "2027-01-18T09:00:00.000Z"],
    ]);
    await at(app, 1_000);
    expect(await balance(app, person)).toMatchObject({ credits: 50 });
    await clean(app);
  });

  test("S1 a notice of an automatic charge, doubled and late, gives nothing more", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    await at(app, -MINUTE_MS);
    const [, renewal] = await succeededPayments(app, person);
    const remote = app.yooKassa.stats().payments.find(({ id }) => id === renewal?.yookassaId) as Record<
      string,
      unknown
    >;
    await Promise.all([notify(app, remote), notify(app, remote), notify(app, remote)]);
    await reconcile(app.ctx);
    expect(await app.ctx.db.select().from(subscriptionPeriods)).toHaveLength(2);
    await clean(app);
  });

  test("S1 a charge whose answer was lost is found under the same key, once", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    // Every try at the answer is lost, until the sweep comes.
    app.yooKassa.faults.set("yookassa.create", { mode: "executed_500" });
    await moved(app, new Date(Date.parse(FIRST_END) - 5 * MINUTE_MS));
    await runSubscriptions(app.ctx);
    expect(await subscription(app, person)).toMatchObject({ ends_at: FIRST_END });
    app.yooKassa.faults.clear();
    await at(app, 0);
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2027-01-18T09:00:00.000Z" });
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    await clean(app);
  }, 60_000);

  test("S5 a failed try leaves the state as it was, with one notice for each; after the third it lapses", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    app.yooKassa.faults.set("yookassa.autopayment", { mode: "insufficient_funds" });
    const before = await subscription(app, person);
    await at(app, -9 * MINUTE_MS);
    const after = await subscription(app, person);
    expect(after).toMatchObject({ state: "active", ends_at: FIRST_END, auto_renew: true, type: "basic" });
    expect(after?.next_charge_at).toBe("2026-12-19T08:51:00.000Z");
    expect(before?.ends_at).toBe(after?.ends_at as string);
    expect(await balance(app, person)).toMatchObject({ credits: 50 });
    await at(app, -MINUTE_MS);
    expect(await told(app, person)).toEqual(["subscription.renewal_soon", "subscription.renewal_failed"]);
    // Grace: what the plan opens stays open, its credits have ended.
    await at(app, HOUR_MS);
    expect(await subscription(app, person)).toMatchObject({ state: "grace" });
    expect(await balance(app, person)).toMatchObject({ credits: 0, subscription: { type: "basic" } });
    await at(app, DAY_MS);
    await at(app, DAY_MS + HOUR_MS);
    expect((await told(app, person)).filter((about) => about === "subscription.renewal_failed")).toHaveLength(2);
    await at(app, 2 * DAY_MS);
    expect(await subscription(app, person)).toBeNull();
    expect(await balance(app, person)).toMatchObject({ subscription: null });
    await at(app, 10 * DAY_MS);
    expect((await told(app, person)).slice(-1)).toEqual(["subscription.lapsed"]);
    expect(app.yooKassa.stats().counts.payments).toEqual({ succeeded: 1, canceled: 3 });
    const attempts = await app.ctx.db
      .select({ attempt: planOrders.attempt })
      .from(planOrders)
      .orderBy(planOrders.paymentId);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([null, 1, 2, 3]);
    await clean(app);
  });

  test("S5 a second try that succeeds goes on from the old end", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    app.yooKassa.faults.set("yookassa.autopayment", { mode: "issuer_unavailable", times: 1 });
    await at(app, -5 * MINUTE_MS);
    await at(app, HOUR_MS);
    expect(await subscription(app, person)).toMatchObject({ state: "grace" });
    await at(app, DAY_MS);
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2027-01-18T09:00:00.000Z" });
    expect(await balance(app, person)).toMatchObject({ credits: 50 });
  });

  for (const reason of ["permission_revoked", "card_expired"]) {
    test(`S5 ${reason}: the card is forgotten, no further try, and the person can pay by hand`, async () => {
      const { app, person } = await started();
      await paidFor(app, person, "basic", { saveMethod: true });
      await at(app, NOTICE);
      app.yooKassa.faults.set("yookassa.autopayment", { mode: reason });
      await at(app, -5 * MINUTE_MS);
      expect(await subscription(app, person)).toMatchObject({ auto_renew: false, method: null, next_charge_at: null });
      await at(app, HOUR_MS);
      expect(await subscription(app, person)).toMatchObject({ state: "grace" });
      await at(app, 2 * DAY_MS);
      expect(app.yooKassa.stats().counts.payments).toEqual({ succeeded: 1, canceled: 1 });
      await paidFor(app, person, "basic");
      expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2027-01-18T09:00:00.000Z" });
      await at(app, 20 * DAY_MS);
      expect(await subscription(app, person)).toMatchObject({ state: "active", auto_renew: false });
    });
  }

  test("S2 off takes effect at once, also while a retry is pending, and forgetting the card too", async () => {
    for (const way of ["cancel", "method"]) {
      const { app, person } = await started();
      await paidFor(app, person, "basic", { saveMethod: true });
      await at(app, NOTICE);
      app.yooKassa.faults.set("yookassa.autopayment", { mode: "insufficient_funds" });
      await at(app, -5 * MINUTE_MS);
      expect((await act(app, person, way)).status).toBe(200);
      expect(await subscription(app, person)).toMatchObject({
        state: "active",
        auto_renew: false,
        next_charge_at: null,
      });
      app.yooKassa.faults.clear();
      for (const days of [1, 2, 3, 4]) await at(app, days * DAY_MS);
      expect(app.yooKassa.stats().payments).toHaveLength(2);
      expect(await subscription(app, person)).toBeNull();
      const [stored] = await app.ctx.db.select().from(subscriptions);
      expect([stored?.methodId, stored?.methodTitle]).toEqual([null, null]);
    }
  });

  test("S2 off in grace ends it now; nothing is charged afterwards", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    app.yooKassa.faults.set("yookassa.autopayment", { mode: "insufficient_funds" });
    await at(app, -5 * MINUTE_MS);
    await at(app, HOUR_MS);
    const answer = (await (await act(app, person, "cancel")).json()) as { subscription: View };
    expect(answer.subscription).toMatchObject({ state: "ended", auto_renew: false });
    app.yooKassa.faults.clear();
    await at(app, 2 * DAY_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    expect((await act(app, person, "cancel")).status).toBe(409);
  });

  test("S2 off while a charge has no answer yet: it is looked up, never asked again", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    // Nothing of the charge reaches the provider.
    app.yooKassa.faults.set("yookassa.create", { mode: "http_500" });
    await moved(app, new Date(Date.parse(FIRST_END) - 9 * MINUTE_MS));
    await runSubscriptions(app.ctx);
    await act(app, person, "cancel");
    app.yooKassa.faults.clear();
    await at(app, -5 * MINUTE_MS);
    await at(app, 0);
    await at(app, HOUR_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
    expect(await subscription(app, person)).toBeNull();
    const rows = await app.ctx.db.select().from(payments).orderBy(payments.id);
    expect(rows.map(({ status, cancelReason }) => [status, cancelReason])).toEqual([
      ["succeeded", null],
      ["cancelled", "withdrawn"],
    ]);
  }, 60_000);

  test("S2 off while a charge was carried out and its answer lost: the person has what was paid", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    app.yooKassa.faults.set("yookassa.create", { mode: "executed_500" });
    await moved(app, new Date(Date.parse(FIRST_END) - 9 * MINUTE_MS));
    await runSubscriptions(app.ctx);
    await act(app, person, "cancel");
    app.yooKassa.faults.clear();
    await at(app, -5 * MINUTE_MS);
    expect(await subscription(app, person)).toMatchObject({ auto_renew: false, ends_at: "2027-01-18T09:00:00.000Z" });
    await at(app, 31 * DAY_MS);
    expect(await subscription(app, person)).toBeNull();
    expect(app.yooKassa.stats().payments).toHaveLength(2);
    await clean(app);
  }, 60_000);

  test("S2 on again: the notice comes anew and the charge a whole day after it", async () => {
    const { app, person } = await started();
    await paidFor(app, person, "basic", { saveMethod: true });
    await act(app, person, "cancel");
    await at(app, NOTICE);
    expect(await told(app, person)).toEqual(["subscription.ends_soon"]);
    await moved(app, new Date(Date.parse(FIRST_END) - 12 * HOUR_MS));
    expect((await act(app, person, "resume")).status).toBe(200);
    await at(app, -12 * HOUR_MS);
    expect((await told(app, person)).slice(-1)).toEqual(["subscription.renewal_soon"]);
    expect((await subscription(app, person))?.next_charge_at).toBe("2026-12-18T21:00:00.000Z");
    await at(app, HOUR_MS);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
    expect(await subscription(app, person)).toMatchObject({ state: "grace" });
    await at(app, 12 * HOUR_MS);
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2027-01-18T09:00:00.000Z" });
  });

  test("nobody is charged where the owner has not switched it on, the person did not say so, or the bank refused to store", async () => {
    const off = await started({ YOOKASSA_AUTOPAYMENTS: "off" });
    await paidFor(off.app, off.person, "basic", { saveMethod: true });
    expect(await subscription(off.app, off.person)).toMatchObject({ auto_renew: false, method: null });
    expect(off.app.yooKassa.stats().counts.methods).toBe(0);

    const unsaid = await started();
    await paidFor(unsaid.app, unsaid.person, "basic");
    expect(await subscription(unsaid.app, unsaid.person)).toMatchObject({ auto_renew: false, method: null });

    const refused = await started();
    refused.app.yooKassa.faults.set("yookassa.save", { mode: "not_saved" });
    await paidFor(refused.app, refused.person, "basic", { saveMethod: true });
    expect(await subscription(refused.app, refused.person)).toMatchObject({ auto_renew: false, method: null });
    expect((await act(refused.app, refused.person, "resume")).status).toBe(409);
  });

  test("a shop that may not store cards: the order goes through without, under another key, and the owner hears of it", async () => {
    const { app, person } = await started();
    app.yooKassa.configure({ recurring: false });
    await paidFor(app, person, "basic", { saveMethod: true });
    expect(await subscription(app, person)).toMatchObject({ type: "basic", auto_renew: false });
    expect(await alerts(app)).toEqual(["autopayments_refused"]);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
  });
});
