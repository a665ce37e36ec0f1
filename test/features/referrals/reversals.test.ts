import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditEntries, findPayment, refundPayment } from "../../../src/features/billing/index.ts";
import { DAY_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../../support/app.ts";
import { paidFor } from "../../support/buying.ts";
import { balance, finish, ordered } from "../../support/fitting.ts";
import {
  broughtBy,
  differences,
  givenBack,
  grantedTo,
  happens,
  inHands,
  paidOrder,
  pictureEnded,
  referralOf,
  seenBy,
} from "./referral-tools.ts";

const creditsOf = async (app: TestApp, person: Person) => (await balance(app, person)).credits;

describe("P15 a reward that a payment earned", () => {
  const product = useTestApp({ settings: { REFERRAL_REWARD_ON: "first_payment", FREE_ACTIONS_PER_MONTH: "0" } });

  /** Buys through the front door and returns the order's id. */
  async function buy(app: TestApp, person: Person, product = "pack_20"): Promise<string> {
    const { id } = await paidFor(app, person, product);
    await app.work();
    return id;
  }

  async function refund(app: TestApp, paymentId: string, amountKopecks: number): Promise<void> {
    const payment = await findPayment(app.ctx, paymentId);
    if (!payment) throw new Error("the order is there");
    await refundPayment(app.ctx, { payment, amountKopecks, reason: "asked for" });
    await app.work();
  }

  test("P15 T10 comes with the first payment only, and goes with its refund; the second payment keeps nothing", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    await pictureEnded(app, invited);
    expect(await creditsOf(app, inviter)).toBe(0);
    const first = await buy(app, invited);
    expect(await creditsOf(app, inviter)).toBe(10);
    const second = await buy(app, invited);
    expect(await creditsOf(app, inviter)).toBe(10);

    await refund(app, second, 14_900);
    expect(await creditsOf(app, inviter)).toBe(10);
    await refund(app, first, 14_900);
    expect([await creditsOf(app, inviter), await creditsOf(app, invited)]).toEqual([0, 0]);
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "reversed", creditsReversed: 10 });
    expect(await seenBy(app, inviter)).toMatchObject({ invited: 1, rewarded: 0, credits_earned: 0 });

    await buy(app, invited);
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
    expect(await creditsOf(app, inviter)).toBe(0);
    expect(await differences(app)).toEqual([]);
  });

  test("P15 T10 comes and goes with the first month of a plan as well", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    const paymentId = await buy(app, invited, "basic");
    expect(await creditsOf(app, inviter)).toBe(10);
    await refund(app, paymentId, 29_900);
    expect([await creditsOf(app, inviter), await creditsOf(app, invited)]).toEqual([0, 0]);
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "reversed", cause: `payment:${paymentId}` });
  });

  test("P15 stays with a partial refund, and goes when the rest is given back too", async () => {
    const app = product();
    const inviter = await app.signIn();
    const paymentId = await buy(app, await broughtBy(app, inviter));
    await refund(app, paymentId, 4_900);
    expect(await creditsOf(app, inviter)).toBe(10);
    await refund(app, paymentId, 10_000);
    expect(await creditsOf(app, inviter)).toBe(0);
  });

  test("P15 what is spent or held by then stays, noted, and the balance is never below zero", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    const paymentId = await buy(app, invited);
    await finish(app, inviter, (await ordered(app, inviter)).id);
    app.kie.faults.set("kie.outcome", { mode: "never", times: 1 });
    const running = await ordered(app, inviter);
    expect(await balance(app, inviter)).toMatchObject({ credits: 6, reserved: 2 });

    // Straight to the job: a picture that never ends would keep `work` busy up to its deadline.
    await givenBack(app, [paymentId], 14_900);
    await enqueue(app.ctx, "payment.refunded", {
      payment_id: paymentId,
      user_id: invited.id,
      rest_kopecks: 0,
      refund_id: newId(),
    });
    const { taken, run, done } = await inHands(app, "payment.refunded");
    for (const job of [...taken, ...taken, ...taken]) expect(await run(job)).toEqual({ kind: "done" });
    await done();
    expect(await balance(app, inviter)).toMatchObject({ credits: 0, reserved: 2 });
    expect(await referralOf(app, invited.id)).toMatchObject({
      state: "reversed",
      creditsAwarded: 10,
      creditsReversed: 6,
    });
    expect((await seenBy(app, inviter)).items).toMatchObject([{ state: "reversed", credits: 4 }]);
    const reversals = await app.ctx.db.select().from(creditEntries).where(eq(creditEntries.kind, "revoke"));
    expect(reversals.filter((entry) => entry.userId === inviter.id)).toMatchObject([{ balanceDelta: -6 }]);
    expect((await app.request(`/generations/${running.id}/cancel`, { method: "POST", as: inviter })).status).toBe(200);
    expect(await differences(app)).toEqual([]);
  });

  test("P15 T10 a payment that went back before its reward earns none, and a later one does", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    const paymentId = await paidOrder(app, invited);
    await givenBack(app, [paymentId], 14_900);
    await happens(app, "payment.refunded", {
      payment_id: paymentId,
      user_id: invited.id,
      rest_kopecks: 0,
      refund_id: newId(),
    });
    await happens(app, "payment.applied", { payment_id: paymentId, user_id: invited.id });
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "waiting" });
    await happens(app, "payment.applied", { payment_id: await paidOrder(app, invited), user_id: invited.id });
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
  });

  test("P15 a payment and its refund that are handled at the same moment leave nothing behind", async () => {
    const app = product();
    const inviter = await app.signIn();
    for (let round = 0; round < 8; round += 1) {
      app.clock.advance(DAY_MS);
      const invited = await app.signIn({ startParam: `ref_${(await seenBy(app, await again(app, inviter))).code}` });
      await app.work();
      const paymentId = await paidOrder(app, invited);
      const about = { payment_id: paymentId, user_id: invited.id };
      await enqueue(app.ctx, "payment.applied", about);
      await enqueue(app.ctx, "payment.refunded", { ...about, rest_kopecks: 0, refund_id: newId() });
      const { taken, run, done } = await inHands(app, "payment.applied", "payment.refunded");
      const [applied, refunded] = taken.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
      if (!applied || !refunded) throw new Error("both jobs were claimed");
      const giveBack = async () => {
        await givenBack(app, [paymentId], 14_900);
        await run(refunded);
      };
      await Promise.all([run(applied), giveBack()]);
      await done();
      expect((await referralOf(app, invited.id))?.state).toBeOneOf(["waiting", "reversed"]);
      expect(await creditsOf(app, await again(app, inviter))).toBe(0);
    }
    expect(await differences(app)).toEqual([]);
  });

  const again = (app: TestApp, person: Person) => app.signIn({ telegramId: person.telegramId });

  test("P15 T10 a refund reverses nothing that the payment did not earn", async () => {
    const app = await startTestApp();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    await pictureEnded(app, invited);
    const paymentId = await paidOrder(app, invited);
    await happens(app, "payment.refunded", {
      payment_id: paymentId,
      user_id: invited.id,
      rest_kopecks: 0,
      refund_id: newId(),
    });
    await happens(app, "payment.refunded", {
      payment_id: newId(),
      user_id: newId(),
      rest_kopecks: 0,
      refund_id: newId(),
    });
    expect(await creditsOf(app, inviter)).toBe(10);
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "rewarded" });
  });
});
