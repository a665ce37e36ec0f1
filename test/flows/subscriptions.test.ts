import { describe, expect, test } from "bun:test";
import { asc, eq } from "drizzle-orm";
import {
  creditGrants,
  grantCredits,
  grantPlanDays,
  payments,
  planOrders,
  previewRefund,
  reconcile,
  refundPayment,
  subscriptionPeriods,
  subscriptions,
  taxMonth,
  verifyLedger,
} from "../../src/features/billing/index.ts";
import { sweepPayments } from "../../src/features/billing/payments/payment-sweep.ts";
import { runSubscriptions } from "../../src/features/billing/subscriptions/subscription-renewals.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/platform/clock.ts";
import { liveEvents } from "../../src/platform/live/tables.ts";
import { type Person, startTestApp, type TestApp } from "../support/app.ts";
import { alerts, bought, buy, notify, paidFor, remoteId, row, succeededPayments } from "../support/buying.ts";
import { balance, finish, ordered } from "../support/fitting.ts";

const AUTOPAYMENTS = { YOOKASSA_AUTOPAYMENTS: "on", FREE_ACTIONS_PER_MONTH: "0" };
/** The test clock begins on 18 November at noon in Moscow. */
const FIRST_END = "2026-12-18T09:00:00.000Z";
/** When the person is told: a whole day before the first try, which comes ten minutes before the end. */
const NOTICE = -DAY_MS - 10 * MINUTE_MS;

interface View {
  type: string;
  state: string;
  ends_at: string;
  amount: string;
  auto_renew: boolean;
  method: { title: string | null } | null;
  next_charge_at: string | null;
  next_plan: { type: string } | null;
}

async function subscription(app: TestApp, person: Person): Promise<View | null> {
  return ((await (await app.request("/subscription", { as: person })).json()) as { subscription: View | null })
    .subscription;
}

function act(app: TestApp, person: Person, path: string, json?: unknown): Promise<Response> {
  const method = path === "method" ? "DELETE" : "POST";
  return app.request(`/subscription/${path}`, { method, as: person, ...(json === undefined ? {} : { json }) });
}

/** Who has to sign in again when the clock jumps past the life of their token. */
const signedIn = new Map<TestApp, Person[]>();

async function moved(app: TestApp, moment: Date): Promise<void> {
  app.clock.set(moment);
  for (const person of signedIn.get(app) ?? []) {
    Object.assign(person, await app.signIn({ telegramId: person.telegramId }));
  }
}

async function later(app: TestApp, ms: number): Promise<void> {
  await moved(app, new Date(app.clock.now().getTime() + ms));
}

/** Moves the clock to so long after the first end, or to a moment, and lets the recurring jobs run. */
async function at(app: TestApp, moment: string | number): Promise<void> {
  await moved(app, new Date(typeof moment === "string" ? moment : Date.parse(FIRST_END) + moment));
  await runSubscriptions(app.ctx);
  await sweepPayments(app.ctx);
}

/** What the person was told about the subscription, oldest first. */
async function told(app: TestApp, person: Person): Promise<string[]> {
  const rows = await app.ctx.db
    .select({ data: liveEvents.data })
    .from(liveEvents)
    .where(eq(liveEvents.userId, person.id))
    .orderBy(asc(liveEvents.number));
  return rows.map(({ data }) => String(data.about ?? "")).filter((about) => about.startsWith("subscription."));
}

async function clean(app: TestApp): Promise<void> {
  expect((await verifyLedger(app.ctx)).differences).toEqual([]);
}

async function started(settings: Record<string, string> = {}): Promise<{ app: TestApp; person: Person }> {
  const app = await startTestApp({ settings: { ...AUTOPAYMENTS, ...settings } });
  const person = await app.signIn();
  signedIn.set(app, [person]);
  return { app, person };
}

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

describe("refunds of a subscription", () => {
  test("P15 a full refund takes the unused credits and ends it; the preview said so", async () => {
    const { app, person } = await started();
    const payment = await paidFor(app, person, "basic", { saveMethod: true });
    const made = await ordered(app, person);
    await finish(app, person, made.id);
    await later(app, 5 * DAY_MS);
    const preview = await previewRefund(app.ctx, await row(app, payment.id), 29_900);
    expect(preview).toMatchObject({ creditsRevoked: 48, creditsUsed: 2, subscription: { ends: true } });
    await refundPayment(app.ctx, { payment: await row(app, payment.id), amountKopecks: 29_900, reason: "asked" });
    expect(await balance(app, person)).toMatchObject({ credits: 0, subscription: null });
    const [stored] = await app.ctx.db.select().from(subscriptions);
    expect(stored).toMatchObject({ state: "ended", endReason: "refunded", autoRenew: false, methodId: null });
    await at(app, 0);
    expect(app.yooKassa.stats().payments).toHaveLength(1);
    await clean(app);
  });

  test("P15 half of it shortens the subscription by half and takes half of the credits, from the cabinet too", async () => {
    const { app, person } = await started();
    const payment = await paidFor(app, person, "basic");
    await later(app, 5 * DAY_MS);
    const refund = app.yooKassa.refund(await remoteId(app, payment.id), 14_950);
    await notify(app, refund, { event: "refund.succeeded" });
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2026-12-03T09:00:00.000Z" });
    expect(await balance(app, person)).toMatchObject({
      credits: 25,
      next_expiry: { credits: 25, at: "2026-12-03T09:00:00.000Z" },
    });
    expect((await taxMonth(app.ctx, "2026-11")).map(({ state, grossKopecks }) => [state, grossKopecks])).toEqual([
      ["annulled", 29_900],
      ["ready", 14_950],
    ]);
    await clean(app);
  });

  test("P15 the first of two paid periods goes back: the second begins earlier and is whole", async () => {
    const { app, person } = await started();
    const first = await paidFor(app, person, "basic");
    await paidFor(app, person, "basic");
    await later(app, 10 * DAY_MS);
    await refundPayment(app.ctx, { payment: await row(app, first.id), amountKopecks: 29_900, reason: "asked" });
    // Twenty of the first period's thirty days lay ahead.
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2026-12-29T09:00:00.000Z" });
    expect(await balance(app, person)).toMatchObject({ credits: 50, next_expiry: { at: "2026-12-29T09:00:00.000Z" } });
    await clean(app);
  });

  test("P15 a refund of time that is over changes no other time", async () => {
    const { app, person } = await started();
    const first = await paidFor(app, person, "basic", { saveMethod: true });
    await at(app, NOTICE);
    await at(app, 0);
    await refundPayment(app.ctx, { payment: await row(app, first.id), amountKopecks: 29_900, reason: "late" });
    expect(await subscription(app, person)).toMatchObject({ state: "active", ends_at: "2027-01-18T09:00:00.000Z" });
    expect(await balance(app, person)).toMatchObject({ credits: 50 });
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
