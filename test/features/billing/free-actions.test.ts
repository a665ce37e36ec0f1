import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { FREE_RETURNS_PER_DAY_MAX, verifyLedger } from "../../../src/features/billing/index.ts";
import { startTestApp } from "../../support/app.ts";
import {
  expectSound,
  give,
  hold,
  makePerson,
  numbersOf,
  oneRow,
  refusalOf,
  releaseHold,
  settleHold,
  tally,
  times,
} from "./ledger-tools.ts";

const product = await startTestApp();
const { clock } = product;
const NOVEMBER = "2026-11-18T09:00:00Z";
/** Moscow is three hours ahead of UTC all year. */
const MIDNIGHT_BEFORE_DECEMBER = "2026-11-30T21:00:00.000Z";

async function useFreeActions(userId: string, count: number) {
  const holds = [];
  for (let index = 0; index < count; index += 1) holds.push(await hold(product, userId));
  return holds;
}

test("ten free actions a month pay one operation each, whatever it costs; then credits pay", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  await give(product, userId, 3);
  const free = [...(await useFreeActions(userId, 9)), await hold(product, userId, "chat_turn")];
  expect(free.map((held) => held.credits)).toEqual(times(10, () => 0));
  expect(free.every((held) => held.freeMonth === "2026-11")).toBe(true);
  const paid = await hold(product, userId);
  expect([paid.credits, paid.freeMonth]).toEqual([2, null]);
  expect(await numbersOf(product, userId)).toEqual({ balance: 1, reserved: 2, used: 10 });
  await expectSound(product, userId);
});

test("a free action is never mixed with credits", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  await give(product, userId, 1);
  await useFreeActions(userId, 10);
  const refusal = await refusalOf(hold(product, userId));
  expect(refusal.details).toMatchObject({ required: 2, available: 1, reserved: 0, free_actions_left: 0 });
  // One credit pays a chat turn, and nothing of it was taken by the refused fitting.
  expect((await hold(product, userId, "chat_turn")).credits).toBe(1);
  await expectSound(product, userId);
});

test("F14 fifty operations at once on one free action that is left: one is accepted", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  await useFreeActions(userId, 9);
  const { accepted, refused } = await tally(times(50, () => hold(product, userId)));
  expect([accepted, refused.length]).toEqual([1, 49]);
  expect((await numbersOf(product, userId)).used).toBe(10);
});

test("F12 free actions renew at midnight in Moscow, not before and not at midnight UTC", async () => {
  clock.set("2026-11-30T20:59:59.999Z");
  const userId = await makePerson(product);
  await useFreeActions(userId, 10);
  const refusal = await refusalOf(hold(product, userId));
  expect(refusal.details.renews_at).toBe(MIDNIGHT_BEFORE_DECEMBER);
  clock.set(MIDNIGHT_BEFORE_DECEMBER);
  const held = await hold(product, userId);
  expect(held.freeMonth).toBe("2026-12");
  expect((await numbersOf(product, userId)).used).toBe(1);
});

test("F12 a clock that is set back over midnight gives no second ten", async () => {
  clock.set("2026-11-30T20:30:00Z");
  const userId = await makePerson(product);
  await useFreeActions(userId, 10);
  clock.set("2026-11-30T21:10:00Z");
  await useFreeActions(userId, 10);
  clock.set("2026-11-30T20:40:00Z");
  expect((await refusalOf(hold(product, userId))).code).toBe("insufficient_credits");
  clock.set("2026-11-30T21:20:00Z");
  expect((await refusalOf(hold(product, userId))).code).toBe("insufficient_credits");
  await expectSound(product, userId);
});

test("a free action of a failed operation comes back", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  const [held] = await useFreeActions(userId, 10);
  if (!held) throw new Error("ten were held");
  expect(await releaseHold(product, held)).toBe(true);
  expect((await numbersOf(product, userId)).used).toBe(9);
  expect((await hold(product, userId)).credits).toBe(0);
  expect((await refusalOf(hold(product, userId))).code).toBe("insufficient_credits");
});

test("a free action of a successful operation stays used", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  for (const held of await useFreeActions(userId, 10)) await settleHold(product, held);
  expect((await numbersOf(product, userId)).used).toBe(10);
  expect((await refusalOf(hold(product, userId))).code).toBe("insufficient_credits");
  await expectSound(product, userId);
});

test("at most ten free actions come back in a Moscow day; after its midnight they do again", async () => {
  clock.set("2026-11-18T20:00:00Z");
  const userId = await makePerson(product);
  const returned: boolean[] = [];
  for (let round = 0; round < FREE_RETURNS_PER_DAY_MAX + 2; round += 1) {
    const held = await hold(product, userId);
    const before = (await numbersOf(product, userId)).used;
    await releaseHold(product, held);
    returned.push((await numbersOf(product, userId)).used < before);
  }
  expect(returned).toEqual([...times(FREE_RETURNS_PER_DAY_MAX, () => true), false, false]);
  clock.set("2026-11-18T21:00:00Z");
  const held = await hold(product, userId);
  await releaseHold(product, held);
  expect((await numbersOf(product, userId)).used).toBe(2);
  await expectSound(product, userId);
});

test("the limit of returns holds when many fail at once", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  const first = await useFreeActions(userId, 5);
  for (const held of first) await releaseHold(product, held);
  const second = await useFreeActions(userId, 10);
  await Promise.all(second.map((held) => releaseHold(product, held)));
  expect((await numbersOf(product, userId)).used).toBe(5);
});

test("a return into a month that is over changes nothing of the new month", async () => {
  clock.set("2026-11-30T20:50:00Z");
  const userId = await makePerson(product);
  const [held] = await useFreeActions(userId, 1);
  if (!held) throw new Error("one was held");
  clock.set("2026-11-30T21:30:00Z");
  await useFreeActions(userId, 10);
  expect(await releaseHold(product, held)).toBe(true);
  expect((await numbersOf(product, userId)).used).toBe(10);
  expect((await refusalOf(hold(product, userId))).code).toBe("insufficient_credits");
  await expectSound(product, userId);
});

test("each free action, taken or given back, is a line of the history", async () => {
  clock.set(NOVEMBER);
  const userId = await makePerson(product);
  const [held] = await useFreeActions(userId, 2);
  if (!held) throw new Error("two were held");
  await releaseHold(product, held);
  const sums = await oneRow(
    product,
    sql`select count(*) as lines, sum(free_action_delta) as free, sum(balance_delta) as credits
        from credit_entries where user_id = ${userId}`,
  );
  expect(sums).toEqual({ lines: 3, free: -1, credits: 0 });
});

test("none of this leaves a difference that the nightly check would find", async () => {
  expect((await verifyLedger(product.ctx)).differences).toEqual([]);
});
