import { eq } from "drizzle-orm";
import {
  grantCredits,
  payments,
  planOrders,
  reserve,
  subscriptionPeriods,
  subscriptions,
  taxEntries,
} from "../../src/features/billing/index.ts";
import { creditHoldParts } from "../../src/features/billing/tables.ts";
import { newId } from "../../src/platform/ids.ts";
import * as tables from "../../src/tables.ts";
import type { TestApp } from "./app.ts";
import { type FullPerson, makeFullPerson } from "./full-person.ts";

/** Text that has been somebody's trouble before: quotes, breaks, other planes, joined and mirrored letters, what looks like code. */
export const STRANGE_TEXT = `"O'Neil"\\\\ \\N \t\r\n\u2028\u0001\u007f {"a":[1]} $1 %s ; -- Ё👩‍👩‍👧‍👦e\u0301 é \u202eabc\u{10ffff}\ufeff`;
const INTEGER_MAX = 2 ** 31 - 1;
const LONG_AGO = new Date("0099-12-31T23:59:59.999Z");
/** The last moment that the product can hand to both databases. */
const FAR_AHEAD = new Date("9999-12-31T23:59:59.999Z");
const BEFORE_1970 = new Date(-1);
const AT = new Date("2026-11-22T12:34:56.789Z");

/** A JSON document of everything that such documents can hold. */
export const STRANGE_JSON: Record<string, unknown> = JSON.parse(
  '{"z":1,"a":{"b":null,"":[]},"__proto__":{"x":true},"constructor":"c","10":2,"9":1,"é":"e\\u0301","n":[0.1,1e21,1e-7,-1.5,9007199254740991,1e300],"t":"\\u2028\\"\\\\/"}',
);

/**
 * A full person, and at least one row in every table that a person does not reach, with the smallest, largest and strangest
 * values that the columns take.
 */
export async function fillEveryTable(app: TestApp): Promise<FullPerson> {
  const full = await makeFullPerson(app);
  const { db } = app.ctx;
  const userId = full.person.id;
  const other = await app.signIn();
  await db.update(tables.users).set({ firstName: STRANGE_TEXT, lastName: "" }).where(eq(tables.users.id, other.id));
  const [payment] = await db.select().from(payments).limit(1);
  const [entry] = await db.select().from(taxEntries).limit(1);
  if (!payment || !entry) throw new Error("the person has bought nothing");
  await db.insert(tables.botUpdates).values([
    { id: Number.MAX_SAFE_INTEGER, takenAt: FAR_AHEAD },
    { id: Number.MIN_SAFE_INTEGER, takenAt: LONG_AGO },
    { id: 0, takenAt: BEFORE_1970 },
  ]);
  await db.insert(tables.initDataUses).values(
    // Their order differs between languages, and between UTF-8 and UTF-16.
    ["a", "B", "á", "Z", "_", "я", "\u{1f600}", "\uff5e", "aa", "a b", ""].map((hash) => ({
      ...{ hash, address: STRANGE_TEXT, uses: INTEGER_MAX, firstAt: AT },
    })),
  );
  await db.insert(tables.liveEvents).values({
    ...{ userId: newId(), number: Number.MAX_SAFE_INTEGER, type: STRANGE_TEXT, data: STRANGE_JSON, at: FAR_AHEAD },
  });
  await db.insert(tables.idempotencyKeys).values(
    // Documents that are no objects, and none at all.
    [JSON.parse("null"), "123", 5, false, [], STRANGE_JSON, undefined].map((answer, place) => ({
      ...{ userId, key: `${STRANGE_TEXT}${place}`, requestHash: "", state: "done" as const, run: newId(), status: 200 },
      ...(answer === undefined ? {} : { answer }),
      ...{ createdAt: AT, updatedAt: LONG_AGO },
    })),
  );
  await db.insert(tables.rateWindows).values({ name: STRANGE_TEXT, recentMs: [0, 1.5, -1, 1e15] });
  await db.insert(tables.providerStates).values({
    ...{ provider: "strange", failures: -INTEGER_MAX - 1, openUntil: FAR_AHEAD, toldReason: "" },
    ...{ balanceMillicredits: Number.MIN_SAFE_INTEGER, updatedAt: BEFORE_1970 },
  });
  await fillAboutPeople(app, { userId, otherId: other.id });
  await fillAboutMoney(app, { userId: other.id, paymentId: payment.id, entryId: entry.id });
  await fillAboutProcesses(app, userId);
  return full;
}

async function fillAboutPeople({ ctx: { db } }: TestApp, { userId, otherId }: { userId: string; otherId: string }) {
  await db
    .insert(tables.consents)
    .values({ id: newId(), userId, version: STRANGE_TEXT, acceptedAt: AT })
    .onConflictDoNothing();
  await db
    .insert(tables.departures)
    .values({ hash: "h", freeMonth: "2026-11", freeActionsUsed: 2, expiresAt: FAR_AHEAD });
  const counts = { deleted: { a: 1 }, anonymised: {}, files: 0, credits_forfeited: 0, subscription_ended: true };
  await db.insert(tables.erasures).values({ id: newId(), askedBy: "person", counts, erasedAt: AT });
  await db
    .insert(tables.deletions)
    .values({ id: newId(), subjectId: newId(), kind: "orphan", reason: "retention", nameHash: "x", deletedAt: AT });
  await db.insert(tables.referralCodes).values({ userId, code: "ABC", createdAt: AT });
  await db
    .insert(tables.pendingReferrals)
    .values({ telegramId: Number.MAX_SAFE_INTEGER, code: "ABC", startedAt: AT, expiresAt: FAR_AHEAD });
  await db.insert(tables.referrals).values({
    ...{
      id: newId(),
      referrerId: userId,
      referredId: otherId,
      state: "waiting",
      creditsAwarded: 0,
      creditsReversed: 0,
    },
    createdAt: AT,
  });
  const codeId = newId();
  await db.insert(tables.promoCodes).values({
    ...{ id: codeId, code: "X", days: INTEGER_MAX, plan: "pro", usesMax: INTEGER_MAX, uses: 1, createdBy: "command" },
    createdAt: AT,
  });
  await db.insert(tables.promoUses).values({ id: newId(), codeId, userId, createdAt: AT });
}

async function fillAboutMoney(
  app: TestApp,
  { userId, paymentId, entryId }: { userId: string; paymentId: string; entryId: string },
) {
  const { db } = app.ctx;
  const subscriptionId = newId();
  await db.insert(subscriptions).values({
    ...{ id: subscriptionId, userId, type: "pro", state: "active", amountKopecks: Number.MAX_SAFE_INTEGER, credits: 1 },
    ...{ anchorAt: AT, anchorMonths: 1, periodCount: 1, endsAt: AT, autoRenew: true, methodId: "m", nextTryAt: AT },
    // Told in time, so that the charge is due.
    ...{ noticedFor: AT, graceEndsAt: FAR_AHEAD },
    ...{ failedTries: 0, createdAt: AT, updatedAt: AT },
  });
  await db.insert(subscriptionPeriods).values({
    ...{ id: newId(), subscriptionId, number: 1, type: "pro", startsAt: LONG_AGO, endsAt: FAR_AHEAD, createdAt: AT },
  });
  await db.insert(planOrders).values({
    ...{
      paymentId,
      purpose: "purchase",
      type: "pro",
      priceKopecks: 1,
      creditsCounted: 0,
      extraSeconds: 0,
      saveMethod: false,
    },
  });
  await db.insert(tables.taxFilings).values({ entryId, attempts: 1, looks: 0, nextAt: AT, updatedAt: AT });
  await db.insert(tables.taxDesks).values({ service: "s", failures: 0, refusals: 0, updatedAt: AT });
  await grantCredits(app.ctx, { userId, kind: "gift", credits: 100, source: "every-table" });
  // Free actions come first; one hold that credits pay for stays open.
  for (let operation = 0; (await db.select().from(creditHoldParts).limit(1)).length === 0; operation += 1) {
    await app.ctx.transaction((tx) => reserve(tx, userId, "fitting", `every-table:${operation}`));
  }
}

async function fillAboutProcesses({ ctx: { db } }: TestApp, userId: string) {
  const hostId = newId();
  await db.insert(tables.liveHosts).values({ id: hostId, heartbeatAt: AT });
  await db.insert(tables.liveConnections).values({ id: newId(), hostId, userId });
  const message = {
    chatId: 5_000_000_123,
    key: "result_ready",
    parameters: { strange: STRANGE_TEXT },
    language: "ru",
  } as const;
  await db.insert(tables.outboxMessages).values(
    (["waiting", "sending"] as const).map((state) => ({
      ...{ ...message, id: newId(), userId, lane: "texts" as const, state, priority: 1, cause: `every-table:${state}` },
      ...{ dueAt: AT, staleAt: FAR_AHEAD, attempts: 0, createdAt: AT, updatedAt: AT },
      senderJob: state === "sending" ? newId() : null,
    })),
  );
  await db.insert(tables.outboxPauses).values({ provider: "telegram", until: AT, failures: 0 });
  await db.insert(tables.ownerAlerts).values({
    ...{ id: newId(), level: "warning", reason: "strange", details: STRANGE_JSON, createdAt: AT },
  });
  await db.insert(tables.ownerAlertPauses).values({ reason: STRANGE_TEXT, toldAt: AT, suppressed: 0 });
  await db.insert(tables.remoteSessions).values({ account: "a", deviceId: "d", sealed: STRANGE_TEXT, updatedAt: AT });
  await db
    .insert(tables.schedules)
    .values({ name: "s", lastSlot: AT, runs: Number.MAX_SAFE_INTEGER })
    .onConflictDoNothing();
  await db
    .insert(tables.schedulerLease)
    .values({
      ...{ name: "s", holderId: hostId, hostname: STRANGE_TEXT, processId: 1, processStart: "" },
      ...{ beats: Number.MAX_SAFE_INTEGER, actsSince: LONG_AGO, beatAt: AT },
    })
    .onConflictDoNothing();
  await db.insert(tables.broadcasts).values({
    ...{ id: newId(), segment: "all", textRu: STRANGE_TEXT, textEn: STRANGE_TEXT, state: "running", createdBy: userId },
    ...{ cursor: userId, written: 1, switchedOff: 0, unreachable: 0, sent: 0, blocked: 0, failed: 0, withdrawn: 0 },
    ...{ startedAt: AT, createdAt: LONG_AGO, updatedAt: AT },
  });
  await db
    .insert(tables.audienceCounts)
    .values({ segment: "all", people: INTEGER_MAX, reachable: 0, countedAt: LONG_AGO });
  const money = { paidKopecks: Number.MAX_SAFE_INTEGER, baseKopecks: 0, taxKopecks: 0, commissionKopecks: 0 };
  await db
    .insert(tables.dayFigures)
    .values({
      ...{ date: "2024-02-29", newPeople: 1, actives: 1, buyers: 1, firstBuyers: 1, sales: 1, ...money },
      ...{ commissionForecastKopecks: 0, testKopecks: 0, pictures: 1, picturesFailed: 0, picturesCancelled: 0 },
      ...{ turns: 0, turnsFailed: 0, pictureCostKopecks: 0, turnCostKopecks: 0, kieThousandKopecks: 1 },
      ...{ dollarKopecks: 1, pictureTimes: [0, 1], computedAt: AT },
    })
    .onConflictDoNothing();
  const figures = { date: "2024-02-29", credits: 1 };
  await db.insert(tables.productFigures).values({ ...figures, product: "pack", sales: 1, ...money });
  await db.insert(tables.actionFigures).values({ ...figures, action: "a", paidBy: "free", actions: 1, costKopecks: 0 });
  await db.insert(tables.figureMarks).values({ name: "strange", seenUntil: AT });
  await db.insert(tables.economyWarnings).values({ product: STRANGE_TEXT, toldAt: AT });
  await db.insert(tables.operators).values({ userId, role: "viewer", createdAt: AT });
  await db.insert(tables.operatorLinks).values({ hash: "h", userId, expiresAt: FAR_AHEAD, createdAt: AT });
  await db.insert(tables.auditEntries).values({
    ...{
      id: newId(),
      operatorId: userId,
      action: "person.ban",
      subject: "person",
      subjectId: userId,
      personId: userId,
    },
    ...{ reason: STRANGE_TEXT, before: null, after: { banned: true }, requestId: null, createdAt: AT },
  });
  await db.insert(tables.rateBuckets).values({ hash: "h", fullAtMs: Number.MAX_SAFE_INTEGER });
  await db.insert(tables.maintenanceSwitches).values({
    ...{ name: "strange", isOn: false, reason: STRANGE_TEXT, noticeRu: STRANGE_TEXT, noticeEn: null },
    ...{ changedBy: "command", changedAt: AT },
  });
  await db.insert(tables.workers).values({
    ...{ id: newId(), hostname: STRANGE_TEXT, processId: 1, processStart: "", kinds: ["a", ""], startedAt: AT },
    heartbeatAt: AT,
  });
}
