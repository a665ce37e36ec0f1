import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { grantCredits, release, reserve, settle } from "../../../src/features/billing/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { startTestApp } from "../../support/app.ts";
import {
  entryKinds,
  expectSound,
  give,
  hold,
  makePerson,
  makeRichPerson,
  numbersOf,
  oneRow,
  releaseHold,
  settleHold,
  tally,
  times,
} from "./ledger-tools.ts";

const product = await startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "0" } });

describe("a grant", () => {
  test("C7 of one source is given once, however many ask at once", async () => {
    const userId = await makePerson(product);
    const granted = await Promise.all(times(25, () => give(product, userId, 20, { source: "payment:c7" })));
    expect(granted.filter(Boolean)).toHaveLength(1);
    expect(await numbersOf(product, userId)).toEqual({ balance: 20, reserved: 0, used: 0 });
    expect(await entryKinds(product, userId)).toEqual(["grant"]);
    await expectSound(product, userId);
  });

  test("C7 of one source is not given to a second person either", async () => {
    const [first, second] = [await makePerson(product), await makePerson(product)];
    expect(await give(product, first, 20, { source: "payment:c7-two" })).toBe(true);
    expect(await give(product, second, 20, { source: "payment:c7-two" })).toBe(false);
    expect((await numbersOf(product, second)).balance).toBe(0);
  });

  test("C7 of different sources add up when they come at once", async () => {
    const userId = await makePerson(product);
    await Promise.all(times(25, () => give(product, userId, 3)));
    expect((await numbersOf(product, userId)).balance).toBe(75);
    await expectSound(product, userId);
  });

  test("C6 of nothing, of less than nothing or of no number at all is a bug and writes nothing", async () => {
    const userId = await makePerson(product);
    for (const credits of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(give(product, userId, credits)).rejects.toThrow("invariant");
    }
    expect(await entryKinds(product, userId)).toEqual([]);
  });

  test("C6 a price that is no positive number holds nothing", async () => {
    const userId = await makeRichPerson(product, 20);
    for (const fitting of [0, -2, Number.NaN]) {
      const catalogue = { ...product.ctx.catalogue, actions: { ...product.ctx.catalogue.actions, fitting } };
      const attempt = product.ctx.transaction((tx) => reserve({ ...tx, catalogue }, userId, "fitting", newId()));
      await expect(attempt).rejects.toThrow("invariant");
    }
    expect(await numbersOf(product, userId)).toEqual({ balance: 20, reserved: 0, used: 0 });
  });

  test("that is undone by its transaction leaves no trace", async () => {
    const userId = await makePerson(product);
    const attempt = product.ctx.transaction(async (tx) => {
      await grantCredits(tx, { userId, kind: "gift", credits: 5, source: "undone" });
      throw new Error("undone");
    });
    await expect(attempt).rejects.toThrow("undone");
    expect(await entryKinds(product, userId)).toEqual([]);
    expect(await give(product, userId, 5, { source: "undone" })).toBe(true);
  });
});

describe("a hold", () => {
  test("takes from what can be spent and ends as spent", async () => {
    const userId = await makeRichPerson(product, 5);
    const held = await hold(product, userId);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 3, reserved: 2 });
    expect(await settleHold(product, held)).toBe(true);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 3, reserved: 0 });
    expect(await entryKinds(product, userId)).toEqual(["grant", "hold", "settle"]);
    await expectSound(product, userId);
  });

  test("gives everything back when it is released", async () => {
    const userId = await makeRichPerson(product, 5);
    const held = await hold(product, userId);
    expect(await releaseHold(product, held)).toBe(true);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 5, reserved: 0 });
    await expectSound(product, userId);
  });

  test("C4 reported as failed ten times at once is released once, and the totals stay", async () => {
    const userId = await makeRichPerson(product, 5);
    const held = await hold(product, userId);
    const released = await Promise.all(times(10, () => releaseHold(product, held)));
    expect(released.filter(Boolean)).toHaveLength(1);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 5, reserved: 0 });
    expect(await entryKinds(product, userId)).toEqual(["grant", "hold", "release"]);
    const lifetime = await oneRow(
      product,
      sql`select coalesce(sum(case when counter_account = 'granted' then -counter_delta else 0 end), 0) as granted,
        coalesce(sum(case when counter_account = 'spent' then counter_delta else 0 end), 0) as spent
        from credit_entries where user_id = ${userId}`,
    );
    expect(lifetime).toEqual({ granted: 5, spent: 0 });
    await expectSound(product, userId);
  });

  test("C3 settled and released at once ends in exactly one of the two", async () => {
    for (let round = 0; round < 8; round += 1) {
      const userId = await makeRichPerson(product, 5);
      const held = await hold(product, userId);
      const ends = [settleHold, releaseHold, settleHold, releaseHold, releaseHold, settleHold];
      const answers = await Promise.all(ends.map((end) => end(product, held)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      const isSettled = ends[answers.indexOf(true)] === settleHold;
      expect(await numbersOf(product, userId)).toMatchObject({ balance: isSettled ? 3 : 5, reserved: 0 });
      await expectSound(product, userId);
    }
  });

  test("C3 that has ended cannot end again in any way", async () => {
    for (const [first, second] of [
      [settleHold, releaseHold],
      [releaseHold, settleHold],
      [settleHold, settleHold],
      [releaseHold, releaseHold],
    ] as const) {
      const userId = await makeRichPerson(product, 5);
      const held = await hold(product, userId);
      expect(await first(product, held)).toBe(true);
      const before = [await numbersOf(product, userId), await entryKinds(product, userId)];
      expect(await second(product, held)).toBe(false);
      expect([await numbersOf(product, userId), await entryKinds(product, userId)]).toEqual(before);
    }
  });

  test("is never made twice for one operation", async () => {
    const userId = await makeRichPerson(product, 10);
    const attempt = () => product.ctx.transaction((tx) => reserve(tx, userId, "fitting", "generation:twice"));
    const results = await Promise.allSettled(times(5, attempt));
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 8, reserved: 2 });
    await expectSound(product, userId);
  });

  test("goes with the transaction that was to enqueue its work", async () => {
    const userId = await makeRichPerson(product, 10);
    const attempt = product.ctx.transaction(async (tx) => {
      await reserve(tx, userId, "fitting", "generation:rolled-back");
      throw new Error("the queue refused");
    });
    await expect(attempt).rejects.toThrow("the queue refused");
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 10, reserved: 0 });
    await expectSound(product, userId);
  });

  test("of another person's credits does not exist", async () => {
    await expect(hold(product, newId())).rejects.toThrow("not_found");
    const unknown = product.ctx.transaction((tx) => release(tx, newId()));
    await expect(unknown).rejects.toThrow("invariant");
    await expect(product.ctx.transaction((tx) => settle(tx, newId()))).rejects.toThrow("invariant");
  });
});

describe("many at once", () => {
  test("F14 fifty holds on a balance for one: one is accepted, nothing goes below zero", async () => {
    const userId = await makeRichPerson(product, 2);
    const { accepted, refused } = await tally(times(50, () => hold(product, userId)));
    expect(accepted).toBe(1);
    expect(refused).toEqual(times(49, () => "insufficient_credits"));
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 0, reserved: 2 });
    await expectSound(product, userId);
  });

  test("C1 balance 2, twenty parallel fittings: one is accepted, nineteen hear insufficient_credits", async () => {
    const userId = await makeRichPerson(product, 2);
    const { accepted, refused } = await tally(times(20, () => hold(product, userId, "fitting")));
    expect([accepted, refused.length, new Set(refused)]).toEqual([1, 19, new Set(["insufficient_credits"])]);
    await expectSound(product, userId);
  });

  test("C1 a balance over several small grants pays exactly for what it covers", async () => {
    const userId = await makePerson(product);
    for (let grant = 0; grant < 7; grant += 1) await give(product, userId, 1);
    const { accepted } = await tally(times(10, () => hold(product, userId)));
    expect(accepted).toBe(3);
    expect(await numbersOf(product, userId)).toMatchObject({ balance: 1, reserved: 6 });
    await expectSound(product, userId);
  });

  test("grants, holds, ends and refusals in one heap keep every sum", async () => {
    const userId = await makeRichPerson(product, 6);
    const work = times(30, async (index) => {
      if (index % 5 === 0) await give(product, userId, 2);
      const held = await hold(product, userId).catch(() => null);
      if (held) await (index % 2 === 0 ? settleHold : releaseHold)(product, held);
    });
    await Promise.all(work);
    expect((await numbersOf(product, userId)).reserved).toBe(0);
    await expectSound(product, userId);
  });

  test("two people do not wait for, or see, each other", async () => {
    const [anna, boris] = [await makeRichPerson(product, 4), await makeRichPerson(product, 2)];
    const holds = await Promise.all([hold(product, anna), hold(product, boris), hold(product, anna)]);
    expect(holds.map((held) => held.userId)).toEqual([anna, boris, anna]);
    expect((await numbersOf(product, anna)).balance).toBe(0);
    expect((await numbersOf(product, boris)).balance).toBe(0);
    await expectSound(product, anna);
    await expectSound(product, boris);
  });

  test("the database itself refuses a negative number and an entry that does not add up", async () => {
    const userId = await makeRichPerson(product, 1);
    const raw = (statement: ReturnType<typeof sql>) => product.open.database.raw(statement);
    const attempts = [
      sql`update users set balance_credits = -1 where id = ${userId}`,
      sql`update users set reserved_credits = -1 where id = ${userId}`,
      sql`update credit_entries set balance_delta = 100 where user_id = ${userId}`,
      sql`update credit_grants set credits_left = 2 where user_id = ${userId}`,
      sql`update credit_grants set credits_left = -1 where user_id = ${userId}`,
    ];
    for (const attempt of attempts) {
      const refused = await raw(attempt).then(
        () => false,
        (error: Error) => /constraint|check/i.test(`${error.message} ${(error as { code?: string }).code}`),
      );
      expect(refused).toBe(true);
    }
    await expectSound(product, userId);
  });
});
