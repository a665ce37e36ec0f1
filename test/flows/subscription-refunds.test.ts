import { describe, expect, test } from "bun:test";
import { previewRefund, refundPayment, subscriptions, taxMonth } from "../../src/features/billing/index.ts";
import { DAY_MS } from "../../src/platform/clock.ts";
import { notify, paidFor, remoteId, row } from "../support/buying.ts";
import { balance, finish, ordered } from "../support/fitting.ts";
import { at, clean, later, NOTICE, started, subscription } from "../support/subscribing.ts";

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
