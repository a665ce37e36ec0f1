import { describe, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { type LedgerDifference, verifyLedger, verifyLedgerNightly } from "../../../src/features/billing/index.ts";
import { recentAlerts } from "../../../src/features/notifications/index.ts";
import { findOrCreateUser } from "../../../src/features/profile/index.ts";
import { after, DAY_MS } from "../../../src/platform/clock.ts";
import { startTestApp, type TestApp } from "../../support/app.ts";
import {
  expectSound,
  give,
  hold,
  makePerson,
  makeRichPerson,
  numbersOf,
  releaseHold,
  settleHold,
  times,
} from "./ledger-tools.ts";

const start = () => startTestApp({ settings: { FREE_ACTIONS_PER_MONTH: "3" } });
const product = await start();
/** Databases of their own: what was tampered with in the first one must not be counted in these. */
const crowded = await start();
const busy = await start();

/** A person who has done everything once: grants of two kinds, free actions, a hold of each state, an expiry. */
async function makeBusyPerson(product: TestApp): Promise<string> {
  const userId = await makePerson(product);
  const { clock } = product;
  await give(product, userId, 2, { kind: "gift", expiresAt: after(clock.now(), 1_000) });
  clock.advance(2_000);
  await give(product, userId, 10, { kind: "plan", expiresAt: after(clock.now(), 30 * DAY_MS) });
  await give(product, userId, 20);
  const free = [await hold(product, userId), await hold(product, userId), await hold(product, userId)];
  if (free[0]) await settleHold(product, free[0]);
  if (free[1]) await releaseHold(product, free[1]);
  await hold(product, userId);
  await settleHold(product, await hold(product, userId));
  await releaseHold(product, await hold(product, userId));
  await hold(product, userId);
  await expectSound(product, userId);
  return userId;
}

interface Tampering {
  what: string;
  statements: (userId: string) => SQL[];
  named: string[];
}

const tamperings: Tampering[] = [
  {
    what: "a balance raised",
    statements: (id) => [sql`update users set balance_credits = balance_credits + 5 where id = ${id}`],
    named: ["balance against entries", "balance against what is left of grants"],
  },
  {
    what: "a reserve lowered",
    statements: (id) => [sql`update users set reserved_credits = reserved_credits - 1 where id = ${id}`],
    named: ["reserved against entries", "reserved against open holds"],
  },
  {
    what: "credits taken out of a grant",
    statements: (id) => [
      sql`update credit_grants set credits_left = credits_left - 1 where user_id = ${id} and kind = 'pack'`,
    ],
    named: ["balance against what is left of grants", "grants that do not add up on their own"],
  },
  {
    what: "credits moved from a grant that ends to one that never does",
    statements: (id) => [
      sql`update credit_grants set credits_left = credits_left - 1 where user_id = ${id} and kind = 'plan'`,
      sql`update credit_grants set credits = credits + 1, credits_left = credits_left + 1
          where user_id = ${id} and kind = 'pack'`,
      sql`update credit_grants set credits = credits - 1 where user_id = ${id} and kind = 'plan'`,
    ],
    named: ["grants that do not add up on their own"],
  },
  {
    what: "a grant made larger together with the balance",
    statements: (id) => [
      sql`update credit_grants set credits = credits + 9, credits_left = credits_left + 9
          where user_id = ${id} and kind = 'pack'`,
      sql`update users set balance_credits = balance_credits + 9 where id = ${id}`,
    ],
    named: ["balance against entries", "granted against entries"],
  },
  {
    what: "an entry changed on both of its sides",
    statements: (id) => [
      sql`update credit_entries set balance_delta = balance_delta + 3, counter_delta = counter_delta - 3
          where user_id = ${id} and kind = 'grant' and action = 'pack'`,
    ],
    named: ["balance against entries", "granted against entries"],
  },
  {
    what: "an entry deleted",
    statements: (id) => [sql`delete from credit_entries where user_id = ${id} and kind = 'expire'`],
    named: ["balance against entries", "what left the grants against holds, expiries and revocations"],
  },
  {
    what: "a free action's entry deleted, which carries no credits",
    statements: (id) => [
      sql`delete from credit_entries where user_id = ${id} and kind = 'release' and free_action_delta = 1`,
    ],
    named: ["released holds without exactly one entry of their end", "free actions of entries against holds"],
  },
  {
    what: "an open hold called settled",
    statements: (id) => [
      sql`update credit_holds set state = 'settled', ended_at = created_at
          where user_id = ${id} and state = 'held' and free_month is not null`,
      sql`update credit_holds set state = 'settled', ended_at = created_at
          where user_id = ${id} and state = 'held' and free_month is null`,
    ],
    named: ["reserved against open holds", "settled holds without exactly one entry of their end"],
  },
  {
    what: "a settled hold called released",
    statements: (id) => [
      sql`update credit_holds set state = 'released' where user_id = ${id} and state = 'settled' and credits > 0`,
    ],
    named: ["spent against settled holds", "released holds without exactly one entry of their end"],
  },
  {
    what: "a settlement called a release in the history",
    statements: (id) => [sql`update credit_entries set kind = 'release' where user_id = ${id} and kind = 'settle'`],
    named: ["settled holds without exactly one entry of their end"],
  },
  {
    what: "a hold's part made smaller",
    statements: (id) => [
      sql`update credit_hold_parts set credits = 1
          where hold_id in (select id from credit_holds where user_id = ${id} and state = 'settled')`,
    ],
    named: ["credits of holds against their parts", "grants that do not add up on their own"],
  },
  {
    what: "a counter of free actions set back",
    statements: (id) => [sql`update users set freemium_actions_used = 0 where id = ${id}`],
    named: ["free actions used against holds of the month"],
  },
];

describe("the ledger check", () => {
  const verify = async (): Promise<LedgerDifference[]> => (await verifyLedger(product.ctx)).differences;
  /** Leaves out the people with whom earlier tests tampered. */
  const newSince = async (before: readonly LedgerDifference[]): Promise<LedgerDifference[]> => {
    const known = new Set(before.map((difference) => difference.user_id));
    return (await verify()).filter((difference) => !known.has(difference.user_id));
  };

  test("finds nothing where nothing is wrong", async () => {
    const userId = await makeBusyPerson(product);
    const report = await verifyLedger(product.ctx);
    expect(report.differences).toEqual([]);
    expect(report.people).toBe(1);
    await expectSound(product, userId);
  });

  for (const { what, statements, named } of tamperings) {
    test(`names ${what}`, async () => {
      const [innocent, userId] = [await makeBusyPerson(product), await makeBusyPerson(product)];
      const clean = await verify();
      expect(clean.filter((difference) => difference.user_id === userId)).toEqual([]);
      for (const statement of statements(userId)) await product.open.database.raw(statement);
      const found = await newSince(clean);
      expect(found.map((difference) => difference.what)).toEqual(expect.arrayContaining(named));
      expect(found.every((difference) => difference.user_id === userId)).toBe(true);
      expect(found.every((difference) => difference.expected !== difference.found)).toBe(true);
      expect(found.some((difference) => difference.user_id === innocent)).toBe(false);
    });
  }

  test("names both people when an entry is moved from one to the other", async () => {
    const [from, to] = [await makeBusyPerson(product), await makeBusyPerson(product)];
    const clean = await verify();
    await product.open.database.raw(
      sql`update credit_entries set user_id = ${to} where user_id = ${from} and kind = 'grant' and action = 'pack'`,
    );
    const found = await newSince(clean);
    expect(new Set(found.map((difference) => difference.user_id))).toEqual(new Set([from, to]));
  });

  test("tells the owner at night, with what was found", async () => {
    const before = await recentAlerts(product.ctx, product.clock.now());
    await verifyLedgerNightly(product.ctx);
    const alerts = (await recentAlerts(product.ctx, product.clock.now())).slice(0, 1);
    expect(before).toEqual([]);
    expect(alerts[0]).toMatchObject({ level: "critical", reason: "ledger_differences" });
    expect(alerts[0]?.details.total).toBe((await verify()).length);
  });
});

describe("the ledger check over many people", () => {
  test("reads on page after page and finds the one at the end", async () => {
    let last = "";
    await crowded.ctx.transaction(async (tx) => {
      for (let index = 0; index < 1_003; index += 1) {
        last = (await findOrCreateUser(tx, { telegramId: 90_000_000 + index, firstName: "Many" })).user.id;
      }
    });
    await crowded.open.database.raw(sql`update users set balance_credits = 1 where id = ${last}`);
    const report = await verifyLedger(crowded.ctx);
    expect(report.people).toBe(1_003);
    expect(new Set(report.differences.map((difference) => difference.user_id))).toEqual(new Set([last]));
  }, 60_000);

  test("beside people who grant, hold, settle and release all the time it reports nothing", async () => {
    const people = await Promise.all(times(6, () => makeRichPerson(busy, 40)));
    let isOver = false;
    const movements = Promise.all(
      people.map(async (userId, index) => {
        for (let round = 0; !isOver; round += 1) {
          const held = await hold(busy, userId, "chat_turn").catch(() => null);
          if (held) await (round % 3 === 0 ? settleHold : releaseHold)(busy, held);
          if (round % 4 === index % 4) await give(busy, userId, 2);
        }
        return userId;
      }),
    );
    const reports = [];
    for (let round = 0; round < 15; round += 1) reports.push(await verifyLedger(busy.ctx));
    isOver = true;
    await movements;
    expect(reports.flatMap((report) => report.differences)).toEqual([]);
    for (const userId of people) {
      await expectSound(busy, userId);
      expect((await numbersOf(busy, userId)).reserved).toBe(0);
    }
  }, 60_000);
});
