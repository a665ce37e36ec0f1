import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { balanceOf, expireCredits, type GrantKind, verifyLedger } from "../../../src/features/billing/index.ts";
import { findUser } from "../../../src/features/profile/index.ts";
import { after, DAY_MS, HOUR_MS } from "../../../src/platform/clock.ts";
import { startTestApp } from "../../support/app.ts";
import {
  entryKinds,
  expectSound,
  give,
  hold,
  makePerson,
  numbersOf,
  refusalOf,
  releaseHold,
  settleHold,
  times,
} from "./ledger-tools.ts";

const product = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });
const { clock } = product;
const inDays = (days: number): Date => after(clock.now(), days * DAY_MS);

/** What is left of each of a person's grants, by the grants' sources. */
async function leftBySource(userId: string): Promise<Record<string, number>> {
  const rows = await product.open.database.raw(
    sql`select source, credits_left from credit_grants where user_id = ${userId}`,
  );
  return Object.fromEntries(rows.map((row) => [String(row.source).split(" ")[0] ?? "", Number(row.credits_left)]));
}

async function shownBalance(userId: string) {
  const user = await findUser(product.ctx, userId);
  if (!user) throw new Error("the person is there");
  return balanceOf(product.ctx, user);
}

describe("what pays first", () => {
  test("C8 plan credits pay before all others, then the earliest expiry, then the oldest, then those that never end", async () => {
    const userId = await makePerson(product);
    const grants: Array<[string, GrantKind, Date | undefined]> = [
      ["pack-forever", "pack", undefined],
      ["gift-late", "gift", inDays(60)],
      ["gift-soon", "gift", inDays(1)],
      ["plan-late", "plan", inDays(30)],
      ["plan-soon", "plan", inDays(10)],
      ["referral-forever", "referral", undefined],
    ];
    for (const [name, kind, expiresAt] of grants) {
      const source = `${name} ${userId}`;
      await give(product, userId, 1, { kind, source, ...(expiresAt ? { expiresAt } : {}) });
    }
    const order: string[] = [];
    let before = await leftBySource(userId);
    for (let turn = 0; turn < grants.length; turn += 1) {
      await hold(product, userId, "chat_turn");
      const now = await leftBySource(userId);
      order.push(...Object.keys(now).filter((name) => now[name] !== before[name]));
      before = now;
    }
    expect(order).toEqual(["plan-soon", "plan-late", "gift-soon", "gift-late", "pack-forever", "referral-forever"]);
  });

  test("one operation may be paid from several grants, and each gets its own part back", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 1, { source: `plan ${userId}`, kind: "plan", expiresAt: inDays(5) });
    await give(product, userId, 4, { source: `pack ${userId}` });
    const held = await hold(product, userId);
    expect(await leftBySource(userId)).toEqual({ plan: 0, pack: 3 });
    await releaseHold(product, held);
    expect(await leftBySource(userId)).toEqual({ plan: 1, pack: 4 });
    await expectSound(product, userId);
  });

  test("C8 the end of a plan never touches pack credits", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 50, { source: `plan ${userId}`, kind: "plan", expiresAt: inDays(30) });
    await give(product, userId, 20, { source: `pack ${userId}` });
    clock.advance(31 * DAY_MS);
    await expireCredits(product.ctx, 1_000);
    expect(await leftBySource(userId)).toEqual({ plan: 0, pack: 20 });
    expect((await numbersOf(product, userId)).balance).toBe(20);
    await expectSound(product, userId);
  });
});

describe("expiry", () => {
  test("F12 comes at the very moment, neither a millisecond early nor late", async () => {
    const userId = await makePerson(product);
    const expiresAt = inDays(1);
    await give(product, userId, 4, { kind: "plan", expiresAt });
    clock.set(after(expiresAt, -1));
    expect((await shownBalance(userId)).credits).toBe(4);
    await settleHold(product, await hold(product, userId));
    clock.set(expiresAt);
    expect((await shownBalance(userId)).credits).toBe(0);
    expect((await refusalOf(hold(product, userId))).details).toMatchObject({ available: 0 });
  });

  test("is seen in the balance before anybody has booked it out", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 7, { kind: "plan", expiresAt: inDays(1) });
    await give(product, userId, 3);
    expect(await shownBalance(userId)).toMatchObject({ credits: 10, next_expiry: { credits: 7 } });
    clock.advance(2 * DAY_MS);
    expect(await shownBalance(userId)).toMatchObject({ credits: 3, next_expiry: null });
    expect((await numbersOf(product, userId)).balance).toBe(10);
    expect(await entryKinds(product, userId)).toEqual(["grant", "grant"]);
  });

  test("is booked out before a hold takes anything", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 7, { kind: "plan", expiresAt: inDays(1) });
    await give(product, userId, 3);
    clock.advance(2 * DAY_MS);
    const held = await hold(product, userId);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 1, reserved: 2 });
    await releaseHold(product, held);
    expect(await entryKinds(product, userId)).toEqual(["grant", "grant", "expire", "hold", "release"]);
    await expectSound(product, userId);
  });

  test("credits that come back after their period expire at once, and the history shows both", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 2, { kind: "plan", expiresAt: inDays(1) });
    const held = await hold(product, userId);
    clock.advance(2 * DAY_MS);
    expect(await releaseHold(product, held)).toBe(true);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 0, reserved: 0 });
    expect(await entryKinds(product, userId)).toEqual(["grant", "hold", "release", "expire"]);
    await expectSound(product, userId);
  });

  test("credits that come back twice after their period expire twice, each with an entry of its own", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 4, { kind: "plan", expiresAt: inDays(1) });
    const [first, second] = [await hold(product, userId), await hold(product, userId)];
    clock.advance(2 * DAY_MS);
    await releaseHold(product, first);
    await releaseHold(product, second);
    expect((await entryKinds(product, userId)).filter((kind) => kind === "expire")).toHaveLength(2);
    expect((await numbersOf(product, userId)).balance).toBe(0);
    await expectSound(product, userId);
  });

  test("what is held when the period ends may still be spent", async () => {
    const userId = await makePerson(product);
    await give(product, userId, 2, { kind: "plan", expiresAt: inDays(1) });
    const held = await hold(product, userId);
    clock.advance(2 * DAY_MS);
    await expireCredits(product.ctx, 1_000);
    expect(await settleHold(product, held)).toBe(true);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 0, reserved: 0 });
    await expectSound(product, userId);
  });

  test("the sweep books everybody out once, also when several sweeps and holds run at once", async () => {
    const people = await Promise.all(times(6, () => makePerson(product)));
    for (const userId of people) await give(product, userId, 5, { kind: "plan", expiresAt: inDays(1) });
    for (const userId of people) await give(product, userId, 2);
    clock.advance(DAY_MS + HOUR_MS);
    await Promise.all([
      ...times(4, () => expireCredits(product.ctx, 1_000)),
      ...people.slice(0, 3).map((userId) => hold(product, userId)),
    ]);
    for (const [index, userId] of people.entries()) {
      const kinds = await entryKinds(product, userId);
      expect(kinds.filter((kind) => kind === "expire")).toHaveLength(1);
      expect((await numbersOf(product, userId)).balance).toBe(index < 3 ? 0 : 2);
      await expectSound(product, userId);
    }
    expect(await expireCredits(product.ctx, 1_000)).toBe(0);
  });

  test("none of this leaves a difference that the nightly check would find", async () => {
    expect((await verifyLedger(product.ctx)).differences).toEqual([]);
  });
});
