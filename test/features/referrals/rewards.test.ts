import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/features/profile/index.ts";
import { endReferralsOf } from "../../../src/features/referrals/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { enqueue } from "../../../src/platform/queue/enqueue.ts";
import { DONE, LeaseLost } from "../../../src/platform/queue/outcome.ts";
import { type Person, startTestApp, type TestApp, useTestApp } from "../../support/app.ts";
import { balance, finish, ordered } from "../../support/fitting.ts";
import {
  broughtBy,
  differences,
  endedPicture,
  grantedTo,
  happens,
  inHands,
  linkOf,
  paidOrder,
  pictureEnded,
  referralOf,
  seenBy,
} from "./referral-tools.ts";

const creditsOf = async (app: TestApp, person: Person) => (await balance(app, person)).credits;

describe("T10 the first picture, as it is by default", () => {
  const product = useTestApp();

  test("T10 rewards the inviter once, when it is there and not before; nobody else gets anything", async () => {
    const app = product();
    const [inviter, bystander] = [await app.signIn(), await app.signIn()];
    const invited = await broughtBy(app, inviter);
    await app.work();
    expect(await creditsOf(app, inviter)).toBe(0);

    app.kie.faults.set("kie.outcome", { mode: "moderated", times: 1 });
    const failed = await finish(app, invited, (await ordered(app, invited)).id);
    await app.work();
    expect([failed.status, await creditsOf(app, inviter)]).toEqual(["failed", 0]);

    const made = await finish(app, invited, (await ordered(app, invited)).id);
    await app.work();
    expect([made.status, await creditsOf(app, inviter)]).toEqual(["succeeded", 10]);
    expect(await referralOf(app, invited.id)).toMatchObject({
      state: "rewarded",
      cause: `generation:${made.id}`,
      creditsAwarded: 10,
      creditsReversed: 0,
    });
    await finish(app, invited, (await ordered(app, invited)).id);
    await app.work();
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
    expect(await seenBy(app, inviter)).toMatchObject({ invited: 1, rewarded: 1, credits_earned: 10 });
    for (const other of [invited, bystander]) expect(await creditsOf(app, other)).toBe(0);
    expect(await differences(app)).toEqual([]);
  });

  test("T10 tells the inviter's open app of the new balance", async () => {
    const app = product();
    const inviter = await app.signIn();
    await pictureEnded(app, await broughtBy(app, inviter));
    const { events } = (await (await app.request("/live/events?since=0", { as: inviter })).json()) as {
      events: { type: string; data: Record<string, unknown> }[];
    };
    expect(events).toMatchObject([
      { type: "balance.changed", data: { credits: 10, reserved: 0, reason: "grant", action: "referral" } },
    ]);
  });

  test("T10 failed and cancelled pictures, payments and the sign-in itself earn nothing", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    for (const status of ["failed", "cancelled"]) await pictureEnded(app, invited, status);
    const paymentId = await paidOrder(app, invited);
    await happens(app, "payment.applied", { payment_id: paymentId, user_id: invited.id });
    // A row of an older version, which did not say whose picture it was.
    await happens(app, "generation.ended", { generation_id: newId() });
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "waiting", creditsAwarded: 0 });
    expect(await grantedTo(app, inviter.id)).toEqual([]);
  });

  test("T10 somebody whom nobody brought earns nothing for anybody", async () => {
    const app = product();
    const alone = await app.signIn();
    await linkOf(app, alone);
    await pictureEnded(app, alone);
    expect(await referralOf(app, alone.id)).toBeNull();
    expect(await grantedTo(app, alone.id)).toEqual([]);
  });

  test("T10 eight runs of one job at once, and a worker that lost it, reward once", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    await app.work();
    await enqueue(app.ctx, "generation.ended", endedPicture(invited));
    const { taken, run, done } = await inHands(app, "generation.ended");
    const [job] = taken;
    if (!job) throw new Error("the job was claimed");
    const lost = await run({ ...job, lease: newId() });
    expect(lost).toMatchObject({ kind: "failed", error: expect.any(LeaseLost) });
    expect(await grantedTo(app, inviter.id)).toEqual([]);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => run(job)));
    expect(outcomes.every((outcome) => outcome.kind === "done")).toBe(true);
    await done();
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
  });

  test("T10 two pictures of one person that end at once reward once", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    await app.work();
    for (let n = 0; n < 6; n += 1) await enqueue(app.ctx, "generation.ended", endedPicture(invited));
    const { taken, run, done } = await inHands(app, "generation.ended");
    expect(taken).toHaveLength(6);
    for (const outcome of await Promise.all(taken.map(run))) expect(outcome).toEqual(DONE);
    await done();
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
  });

  test("T10 a banned inviter gets nothing, now or after the ban", async () => {
    const app = product();
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    const ban = (bannedAt: Date | null) => app.ctx.db.update(users).set({ bannedAt }).where(eq(users.id, inviter.id));
    await ban(app.clock.now());
    await pictureEnded(app, invited);
    await ban(null);
    await pictureEnded(app, invited);
    expect((await seenBy(app, inviter)).items).toMatchObject([
      { state: "declined", decline_reason: "inviter_banned", credits: 0 },
    ]);
    expect(await grantedTo(app, inviter.id)).toEqual([]);
  });

  test("T10 when somebody leaves, what waits ends, their link brings nobody, and what was earned stays", async () => {
    const app = product();
    const inviter = await app.signIn();
    const link = await linkOf(app, inviter);
    const [rewarded, waiting] = [await broughtBy(app, inviter), await broughtBy(app, inviter)];
    const below = await broughtBy(app, waiting);
    await pictureEnded(app, rewarded);
    const leave = (person: Person) => app.ctx.transaction((tx) => endReferralsOf(tx, person));
    await leave(waiting);
    for (const left of [waiting, below]) {
      await pictureEnded(app, left);
      expect(await referralOf(app, left.id)).toMatchObject({ state: "declined", declineReason: "person_left" });
    }
    await leave(inviter);
    expect(await referralOf(app, rewarded.id)).toMatchObject({ state: "rewarded" });
    const late = await app.signIn({ startParam: link });
    expect(await referralOf(app, late.id)).toBeNull();
    expect(await grantedTo(app, inviter.id)).toEqual([10]);
  });

  test("the ledger is clean after all of it, and nothing was a fault of ours", async () => {
    expect(await differences(product())).toEqual([]);
    expect(product().logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

describe("T10 another rule", () => {
  test("T10 the sign-in itself, where the setting says so", async () => {
    const app = await startTestApp({ settings: { REFERRAL_REWARD_ON: "signup", REFERRAL_REWARD_CREDITS: "3" } });
    const inviter = await app.signIn();
    const invited = await broughtBy(app, inviter);
    await app.work();
    await app.signIn({ telegramId: invited.telegramId, startParam: await linkOf(app, inviter) });
    await pictureEnded(app, invited);
    expect(await grantedTo(app, inviter.id)).toEqual([3]);
    expect(await referralOf(app, invited.id)).toMatchObject({ state: "rewarded", cause: "signup" });
    expect((await seenBy(app, inviter)).reward).toEqual({ credits: 3, on: "signup" });
  });

  test("T10 with a reward of 0 everything waits, and nothing is granted", async () => {
    const app = await startTestApp({ settings: { REFERRAL_REWARD_CREDITS: "0" } });
    const inviter = await app.signIn();
    await pictureEnded(app, await broughtBy(app, inviter));
    expect((await seenBy(app, inviter)).items).toMatchObject([{ state: "waiting", credits: 0 }]);
    expect(await grantedTo(app, inviter.id)).toEqual([]);
  });
});

describe("T10 the daily cap", () => {
  const product = useTestApp({ settings: { REFERRAL_REWARDS_PER_DAY_MAX: "2" } });

  test("T10 holds for a day of Moscow; what was beyond it is not made up for", async () => {
    const app = product();
    app.clock.set("2026-11-20T20:00:00.000Z");
    const inviter = await app.signIn();
    const invited = [];
    for (let n = 0; n < 5; n += 1) invited.push(await broughtBy(app, inviter));
    const [first, second, third, fourth, fifth] = invited;
    if (!first || !second || !third || !fourth || !fifth) throw new Error("five were brought");
    app.clock.set("2026-11-20T20:59:59.999Z");
    for (const person of [first, second, third]) await pictureEnded(app, person);
    expect(await grantedTo(app, inviter.id)).toEqual([10, 10]);
    expect(await referralOf(app, third.id)).toMatchObject({ state: "declined", declineReason: "daily_cap" });

    app.clock.set("2026-11-20T21:00:00.000Z");
    await pictureEnded(app, third);
    expect(await grantedTo(app, inviter.id)).toEqual([10, 10]);
    for (const person of [fourth, fifth]) await pictureEnded(app, person);
    expect(await grantedTo(app, inviter.id)).toEqual([10, 10, 10, 10]);
    const seen = await seenBy(app, await app.signIn({ telegramId: inviter.telegramId }));
    expect(seen).toMatchObject({ invited: 5, rewarded: 4, credits_earned: 40 });
    expect(await differences(app)).toEqual([]);
  });

  test("T10 holds for each inviter alone", async () => {
    const app = product();
    for (const inviter of [await app.signIn(), await app.signIn()]) {
      for (let n = 0; n < 3; n += 1) await pictureEnded(app, await broughtBy(app, inviter));
      expect(await grantedTo(app, inviter.id)).toEqual([10, 10]);
    }
  });

  test("T10 holds when eight friends finish at the same moment", async () => {
    const app = product();
    const inviter = await app.signIn();
    const friends = [];
    for (let n = 0; n < 8; n += 1) friends.push(await broughtBy(app, inviter));
    await app.work();
    for (const friend of friends) await enqueue(app.ctx, "generation.ended", endedPicture(friend));
    const { taken, run, done } = await inHands(app, "generation.ended");
    for (const outcome of await Promise.all(taken.map(run))) expect(outcome).toEqual(DONE);
    await done();
    expect(await grantedTo(app, inviter.id)).toEqual([10, 10]);
    expect(await seenBy(app, inviter)).toMatchObject({ invited: 8, rewarded: 2, credits_earned: 20 });
    expect(await differences(app)).toEqual([]);
  });

  test("T10 a reward that was taken back still counts for its day", async () => {
    const app = await startTestApp({
      settings: { REFERRAL_REWARDS_PER_DAY_MAX: "1", REFERRAL_REWARD_ON: "first_payment" },
    });
    const inviter = await app.signIn();
    const [first, second] = [await broughtBy(app, inviter), await broughtBy(app, inviter)];
    const paymentId = await paidOrder(app, first);
    await happens(app, "payment.applied", { payment_id: paymentId, user_id: first.id });
    await happens(app, "payment.refunded", {
      payment_id: paymentId,
      user_id: first.id,
      rest_kopecks: 0,
      refund_id: newId(),
    });
    await happens(app, "payment.applied", { payment_id: await paidOrder(app, second), user_id: second.id });
    expect(await referralOf(app, second.id)).toMatchObject({ state: "declined", declineReason: "daily_cap" });
  });
});
