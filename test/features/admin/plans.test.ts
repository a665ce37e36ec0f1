import { beforeAll, describe, expect, test } from "bun:test";
import type { Context } from "../../../src/context.ts";
import { audiencesOf } from "../../../src/features/admin/broadcasts/audience.ts";
import { listBroadcasts } from "../../../src/features/admin/broadcasts/broadcasts.ts";
import { listGenerations } from "../../../src/features/admin/generations/generation-list.ts";
import { seed } from "../../../src/features/admin/index.ts";
import { economyOf } from "../../../src/features/admin/overview/economy.ts";
import { monthsOf, overviewOf } from "../../../src/features/admin/overview/overview.ts";
import { listPayments } from "../../../src/features/admin/payments/payment-list.ts";
import { lastGrants, openHolds } from "../../../src/features/admin/people/card.ts";
import { listPeople } from "../../../src/features/admin/people/people.ts";
import { listTaxEntries, taxWaiting } from "../../../src/features/admin/tax/tax-entries.ts";
import { listChanges } from "../../../src/features/audit/index.ts";
import { payments } from "../../../src/features/billing/index.ts";
import { newId } from "../../../src/platform/ids.ts";
import { listJobs } from "../../../src/platform/queue/inspect.ts";
import { useTestApp } from "../../support/app.ts";
import { costlySteps, planByIndexOnly, plansOf } from "../../support/plan.ts";

const shared = useTestApp();
const page = { before: null, limit: 21 };

beforeAll(async () => {
  const { ctx, database, open } = shared();
  await seed(ctx, { people: 800, payments: 1_200, generations: 4_000, turns: 4_000, days: 400, seed: 3 });
  await planByIndexOnly(database, open.database.raw);
});

type Read = (ctx: Context) => Promise<unknown>;

const plan = (read: Read) => plansOf(shared().database, (db) => read({ ...shared().ctx, db } as Context));

describe("lists of operators read a page by an index, whatever the table holds", () => {
  const days = { from: "2026-01-01", to: "2026-01-31" };
  const lists: Record<string, Read> = {
    people: (ctx) => listPeople(ctx, {}, page),
    "people behind a cursor": (ctx) => listPeople(ctx, {}, { ...page, before: newId() }),
    "blocked people": (ctx) => listPeople(ctx, { only: "banned" }, page),
    "people with a subscription": (ctx) => listPeople(ctx, { only: "subscribed" }, page),
    "people by name": (ctx) => listPeople(ctx, { search: "ан" }, page),
    "people by username": (ctx) => listPeople(ctx, { search: "@made" }, page),
    "people by Telegram id": (ctx) => listPeople(ctx, { search: "4000000000001" }, page),
    "what a person holds": (ctx) => openHolds(ctx, newId()),
    "what a person was given": (ctx) => lastGrants(ctx, newId()),
    payments: (ctx) => listPayments(ctx, {}, page),
    "payments of some days": (ctx) => listPayments(ctx, days, page),
    "payments by status": (ctx) => listPayments(ctx, { status: "pending" }, page),
    "payments by status and days": (ctx) => listPayments(ctx, { status: "cancelled", ...days }, page),
    "payments by product": (ctx) => listPayments(ctx, { product: "pack_200" }, page),
    "flagged payments": (ctx) => listPayments(ctx, { flagged: true }, page),
    pictures: (ctx) => listGenerations(ctx, {}, page),
    "pictures of some days": (ctx) => listGenerations(ctx, days, page),
    "failed pictures": (ctx) => listGenerations(ctx, { status: "failed" }, page),
    "cancelled pictures": (ctx) => listGenerations(ctx, { status: "cancelled" }, page),
    "pictures by error": (ctx) => listGenerations(ctx, { error: "timed_out" }, page),
    "the tax journal of a month": (ctx) => listTaxEntries(ctx, { month: "2026-01" }, page),
    "what waits in the tax journal": (ctx) => taxWaiting(ctx),
    "dead letters": (ctx) => listJobs(ctx, { state: "parked", order: "newest", ...page }),
    "the audit trail": (ctx) => listChanges(ctx, {}, page),
    "what an operator did": (ctx) => listChanges(ctx, { operatorId: newId() }, page),
    "what was done about a person": (ctx) => listChanges(ctx, { personId: newId() }, page),
    "one kind of change": (ctx) => listChanges(ctx, { action: "person.grant" }, page),
    broadcasts: (ctx) => listBroadcasts(ctx, page),
  };

  test.each(Object.entries(lists))("%s", async (_name, read) => {
    const steps = await plan(read);
    expect(steps.length).toBeGreaterThan(0);
    expect(costlySteps(steps)).toEqual([]);
  });

  test("a list without an index would be seen here", async () => {
    const steps = await plan((ctx) => ctx.db.select().from(payments).orderBy(payments.tokensUsed).limit(5));
    expect(costlySteps(steps)).not.toEqual([]);
  });
});

test("the audience of a broadcast is one walk over the people, and of pictures and turns only the last days by their index", async () => {
  const text = (await plan((ctx) => audiencesOf(ctx))).join("\n");
  expect(text).not.toMatch(/(seq scan on|^scan) (generations|chat_turns)\b/im);
  for (const index of ["generations_created", "chat_turns_created"]) expect(text).toContain(index);
  // A list that is searched once for each person would be as long as the month times the people.
  expect(text).not.toContain("SubPlan");
});

test("the overview, the months and the economy read the figures of days and nothing that grows with history", async () => {
  const reads: Read[] = [(ctx) => overviewOf(ctx, 30), (ctx) => monthsOf(ctx, 12), (ctx) => economyOf(ctx, 30)];
  for (const read of reads) {
    const text = (await plan(read)).join("\n");
    expect(text).toMatch(/figures/);
    expect(text).not.toMatch(/\b(payments|generations|users|chat_turns|tax_entries|credit_\w+)\b/);
  }
});
