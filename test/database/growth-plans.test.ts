import { beforeAll, describe, expect, test } from "bun:test";
import { eq, getTableName, is, sql, Table } from "drizzle-orm";
import { getTableConfig as shapeOfPostgres } from "drizzle-orm/pg-core";
import { getTableConfig as shapeOfSqlite } from "drizzle-orm/sqlite-core";
import type { Context } from "../../src/context.ts";
import { seed } from "../../src/features/admin/index.ts";
import { forgetOldSessions } from "../../src/features/auth/index.ts";
import { balanceEntries, balanceOf } from "../../src/features/billing/ledger/balance.ts";
import { peopleWithLateCredits } from "../../src/features/billing/ledger/close-account.ts";
import { peopleWithExpiredCredits } from "../../src/features/billing/ledger/ledger.ts";
import { listPayments } from "../../src/features/billing/payments/payment-view.ts";
import { forgetOldNotices } from "../../src/features/billing/payments/payment-webhook.ts";
import { isRevokedOf } from "../../src/features/billing/subscriptions/plan-terms.ts";
import { creditEntries, creditGrants } from "../../src/features/billing/tables.ts";
import { forgetOldConversations, listConversations } from "../../src/features/editing/conversations.ts";
import { chatTurns } from "../../src/features/editing/index.ts";
import { listGenerations } from "../../src/features/generations/index.ts";
import { activeGenerations } from "../../src/features/generations/view.ts";
import { forgetOldMessages } from "../../src/features/notifications/index.ts";
import { deleteDueFiles } from "../../src/features/privacy/delete-files.ts";
import { personalTables } from "../../src/features/privacy/personal-tables.ts";
import { forgetOldDepartures, type User, users } from "../../src/features/profile/index.ts";
import { forgetOldStarts } from "../../src/features/referrals/index.ts";
import { forgetOldKeys } from "../../src/platform/http/idempotency.ts";
import { newId } from "../../src/platform/ids.ts";
import { forgetFullBuckets } from "../../src/platform/limits/shared-bucket.ts";
import { eventsSince, forgetOldEvents } from "../../src/platform/live/events.ts";
import { forgetOldTickets } from "../../src/platform/live/tickets.ts";
import * as tables from "../../src/tables.ts";
import { useTestApp } from "../support/app.ts";
import { lane } from "../support/database.ts";
import { costlySteps, planByIndexOnly, plansOf } from "../support/plan.ts";

/** What the person at the Mini App and the hourly cleanup ask, as plans: none of it may take longer with more history. */

const shapeOf = lane === "postgres" ? shapeOfPostgres : (shapeOfSqlite as unknown as typeof shapeOfPostgres);
const nameOf = (column: unknown): string => (column as { name?: string } | undefined)?.name ?? "";

const shared = useTestApp();
const page = { before: null, limit: 21 };
let person: User;

beforeAll(async () => {
  const { ctx, database, open } = shared();
  await seed(ctx, { people: 400, payments: 600, generations: 2_000, turns: 2_000, days: 400, seed: 4 });
  const [one] = await ctx.db.select().from(users).limit(1);
  if (!one) throw new Error("nobody was made up");
  // Nothing is asked of the grants of somebody without credits, or of the plan of somebody without one.
  person = { ...one, balanceCredits: 5, subscriptionType: "pro", subscriptionEnd: new Date("2099-01-01") };
  await planByIndexOnly(database, open.database.raw);
});

type Read = (ctx: Context) => Promise<unknown>;

const plan = (read: Read) =>
  plansOf(shared().database, (db) => {
    const recording = { ...shared().ctx, db } as Context;
    return read({ ...recording, transaction: (work) => work(recording) });
  });

/** Putting in order what has the same moment is no sorting of the whole. */
const TIES = /Incremental Sort|^\s*Sort Key:|LAST TERM OF ORDER BY/;

/** `few` names what sorts rows that were found by an index and are few for a reason. */
async function expectByIndex(read: Read, { few = /^$/, index = "" }: { few?: RegExp; index?: string } = {}) {
  const steps = await plan(read);
  expect(steps.length).toBeGreaterThan(0);
  expect(costlySteps(steps).filter((step) => !TIES.test(step) && !few.test(step))).toEqual([]);
  expect(steps.join("\n")).toContain(index);
}

const ANY_ORDER = /TEMP B-TREE|\bSort\b/;

describe("Q7 what a person asks is found by index, however much others have done", () => {
  const reads: Record<string, Read> = {
    balance: (ctx) => balanceOf(ctx, person),
    "the credit history": (ctx) => balanceEntries(ctx, person.id, page),
    "the credit history behind a cursor": (ctx) => balanceEntries(ctx, person.id, { ...page, before: newId() }),
    payments: (ctx) => listPayments(ctx, person.id, page),
    "payments behind a cursor": (ctx) => listPayments(ctx, person.id, { ...page, before: newId() }),
    pictures: (ctx) => listGenerations(ctx, person.id, page),
    "pictures behind a cursor": (ctx) => listGenerations(ctx, person.id, { ...page, before: newId() }),
    "failed edits": (ctx) => listGenerations(ctx, person.id, { ...page, type: "editing", status: "failed" }),
    "pictures of a conversation": (ctx) => listGenerations(ctx, person.id, { ...page, sessionId: newId() }),
    "pictures in work": (ctx) => activeGenerations(ctx, person.id),
    "live events": (ctx) => eventsSince(ctx, person.id, 0),
  };

  test.each(Object.entries(reads))("%s", async (_name, read) => {
    await expectByIndex(read);
  });

  test("conversations are found in the order of their list", async () => {
    await expectByIndex((ctx) => listConversations(ctx, person.id, page), { index: "chat_history_person" });
  });
});

describe("Q7 the cleanup finds what is past its time by index", () => {
  const cleanups: Record<string, Read> = {
    files: (ctx) => deleteDueFiles(ctx),
    events: (ctx) => forgetOldEvents(ctx),
    "idempotency keys": (ctx) => forgetOldKeys(ctx),
    "strict limits": (ctx) => forgetFullBuckets(ctx),
    tickets: (ctx) => forgetOldTickets(ctx),
    conversations: (ctx) => forgetOldConversations(ctx, 100),
    "payment notices": (ctx) => forgetOldNotices(ctx),
    messages: (ctx) => forgetOldMessages(ctx),
    "pending referrals": (ctx) => forgetOldStarts(ctx),
    departures: (ctx) => forgetOldDepartures(ctx),
  };

  test.each(Object.entries(cleanups))("%s", async (_name, read) => {
    await expectByIndex(read);
  });

  test("sessions that have ended, in either way", async () => {
    for (const index of ["sessions_expiry", "sessions_revoked"]) await expectByIndex(forgetOldSessions, { index });
  });

  test("people with expired credits, and people who have left and have some", async () => {
    await expectByIndex((ctx) => peopleWithExpiredCredits(ctx, 100), { few: ANY_ORDER, index: "credit_grants_expiry" });
    // Not all who ever left, and not everybody by their ids, which no plan would call costly.
    await expectByIndex((ctx) => peopleWithLateCredits(ctx, 100), { index: "users_late" });
  });
});

describe("Q7 what is said of a person or a row elsewhere is found by index", () => {
  // Tickets live for a minute and are few at any time.
  const asked = personalTables.filter(({ table }) => getTableName(table) !== "live_tickets");
  test.each(asked.map((entry) => [getTableName(entry.table), entry] as const))("%s", async (_name, entry) => {
    // Both for an export and for an erasure, which would otherwise read what everybody has.
    const steps = await plan((ctx) => ctx.db.select({ one: sql`1` }).from(entry.table).where(entry.of(person.id)));
    expect(steps.length).toBeGreaterThan(0);
    expect(costlySteps(steps)).toEqual([]);
    expect(steps.filter((step) => /^SCAN (?!CONSTANT)/.test(step))).toEqual([]);
  });

  test("a row that goes is looked for in what may refer to it, without reading the whole of that", () => {
    const bare = Object.values(tables).flatMap((table) => {
      if (!is(table, Table)) return [];
      const { name, columns: all, foreignKeys, indexes, primaryKeys } = shapeOf(table as never);
      const leading = new Set([
        ...indexes.map(({ config }) => nameOf(config.columns[0])),
        ...all.filter(({ primary }) => primary).map(nameOf),
        ...primaryKeys.map(({ columns }) => nameOf(columns[0])),
      ]);
      return foreignKeys.flatMap((key) => {
        const { columns, foreignTable } = key.reference();
        const column = nameOf(columns[0]);
        return leading.has(column) ? [] : [`${name}.${column} -> ${getTableName(foreignTable)}`];
      });
    });
    // Rows of the ledger stay for ever, so nobody asks.
    expect(bare.filter((one) => !/ -> credit_(holds|grants)$/.test(one))).toEqual([]);
  });

  test("what was taken back of a plan's credits, when somebody looks at another plan", async () => {
    const joined = (ctx: Context) =>
      ctx.db
        .select({ left: creditGrants.creditsLeft, sum: sql`sum(${creditEntries.balanceDelta})` })
        .from(creditGrants)
        .leftJoin(creditEntries, isRevokedOf(creditGrants))
        .where(eq(creditGrants.source, "payment:1"))
        .groupBy(creditGrants.id, creditGrants.creditsLeft);
    await expectByIndex(joined, { few: ANY_ORDER, index: "credit_entries_revoked" });
  });
});

test("a question without an index would be seen here", async () => {
  const steps = await plan((ctx) => ctx.db.select().from(chatTurns).orderBy(chatTurns.inputTokens).limit(5));
  expect(costlySteps(steps)).not.toEqual([]);
});
