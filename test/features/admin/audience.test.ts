import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { audiencesOf } from "../../../src/features/admin/broadcasts/audience.ts";
import { BROADCAST_SEGMENTS, type BroadcastSegment } from "../../../src/features/admin/broadcasts/broadcast-tables.ts";
import { seed } from "../../../src/features/admin/index.ts";
import { creditHolds } from "../../../src/features/billing/index.ts";
import { chatTurns } from "../../../src/features/editing/index.ts";
import { generations } from "../../../src/features/generations/index.ts";
import { outboxMessages } from "../../../src/features/notifications/index.ts";
import { type User, users } from "../../../src/features/profile/index.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { type Person, startTestApp, type TestApp } from "../../support/app.ts";
import { admin, OWNER_SETTING, OWNER_TELEGRAM_ID } from "../../support/operators.ts";

const PEOPLE = 60;

type Answer = {
  at: string;
  segments: { segment: BroadcastSegment; people: number; reachable: number }[];
};

/** People of every sort that a segment or the bot tells apart; what is random about them is the same each time. */
async function fill(app: TestApp): Promise<void> {
  const { ctx, clock } = app;
  await seed(ctx, { people: PEOPLE, payments: 10, generations: 60, turns: 0, days: 90, seed: 5 });
  const far = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);
  const people = await ctx.db.select().from(users).orderBy(users.telegramId);
  for (const [number, { id }] of people.entries()) {
    const set: Partial<User> = {
      writeState:
        number % 7 === 0 ? "blocked" : number % 7 === 1 ? "needs_start" : number % 7 === 2 ? "unknown" : "enabled",
      notifyNews: number % 5 !== 0,
      bannedAt: number % 11 === 0 ? far(-1) : null,
      subscriptionEnd: number % 4 === 0 ? far(10) : number % 4 === 1 ? far(-10) : null,
      subscriptionType: number % 4 < 2 ? "pro" : null,
      ...(number % 13 === 0 ? { erasedAt: far(-1), telegramId: -1 - number } : {}),
    };
    await ctx.db.update(users).set(set).where(eq(users.id, id));
  }
}

/** Somebody who asked the assistant lately and ordered no picture. */
async function askAssistant(app: TestApp, userId: string): Promise<void> {
  const { ctx, clock } = app;
  const at = clock.now();
  const holdId = newId();
  const freeMonth = "2026-01";
  await ctx.db.insert(creditHolds).values({
    ...{ id: holdId, userId, operation: `turn:${holdId}`, action: "chat_turn", state: "settled", credits: 0 },
    ...{ freeMonth, freeReturned: false, createdAt: at, endedAt: at },
  });
  await ctx.db.insert(chatTurns).values({
    ...{ id: newId(), userId, sessionId: newId(), state: "succeeded", holdId, creditsSpent: 0 },
    ...{ inputTokens: 1, outputTokens: 1, deadlineAt: at, createdAt: at, finishedAt: at },
  });
}

const countsAsked = ({ ctx }: TestApp) => ctx.db.$count(jobs, eq(jobs.kind, "audience.count"));
const ask = (app: TestApp, as: Person) => admin<Answer>(app, as, "/broadcasts/audience");

describe("the audience of a broadcast", () => {
  test("is told before it starts, and is whom it then finds, in every segment", async () => {
    const app = await startTestApp({ settings: OWNER_SETTING });
    app.telegram.setNewcomers("started");
    await fill(app);
    const owner = await app.signIn({ telegramId: OWNER_TELEGRAM_ID });
    const { ctx, clock } = app;
    const before = await audiencesOf(ctx);
    const awake = new Set((await ctx.db.select().from(generations)).map((one) => one.userId));
    const sleeper = (await ctx.db.select().from(users)).find(
      (user) =>
        !awake.has(user.id) && user.erasedAt === null && user.createdAt.getTime() < clock.now().getTime() - 40 * DAY_MS,
    );
    await askAssistant(app, sleeper?.id ?? "");
    expect((await audiencesOf(ctx)).sleeping.people).toBe(before.sleeping.people - 1);

    const { body } = await ask(app, owner);
    expect(body.at).toBe(clock.now().toISOString());
    expect(body.segments.map(({ segment }) => segment)).toEqual([...BROADCAST_SEGMENTS]);
    for (const { segment, people, reachable } of body.segments) {
      // None of these numbers is there by chance or by being zero.
      expect([segment, reachable > 0, people > reachable]).toEqual([segment, true, true]);
    }
    const [all, free, subscribed, sleeping] = body.segments;
    expect((free?.people ?? 0) + (subscribed?.people ?? 0)).toBe(all?.people ?? 0);
    expect(sleeping?.people).toBeLessThan(all?.people ?? 0);

    for (const { segment, people, reachable } of body.segments) {
      const draft = { segment, text_ru: "да", text_en: "yes", reason: "news" };
      const { body: made } = await admin<{ id: string }>(app, owner, "/broadcasts", draft);
      await admin(app, owner, `/broadcasts/${made.id}/test`, { reason: "to look" });
      await admin(app, owner, `/broadcasts/${made.id}/start`, { reason: "looked" });
      await app.work();
      const { body: done } = await admin<{ counts: Record<string, number> }>(app, owner, `/broadcasts/${made.id}`);
      const { written = 0, switched_off: off = 0, unreachable = 0 } = done.counts;
      expect([segment, written + off + unreachable, written]).toEqual([segment, people, reachable]);
    }
    expect(await ctx.db.$count(outboxMessages, eq(outboxMessages.state, "waiting"))).toBe(0);
  }, 60_000);

  test("of nobody is nobody", async () => {
    const app = await startTestApp({ settings: OWNER_SETTING });
    expect(await audiencesOf(app.ctx)).toEqual(
      Object.fromEntries(BROADCAST_SEGMENTS.map((segment) => [segment, { people: 0, reachable: 0 }])) as Awaited<
        ReturnType<typeof audiencesOf>
      >,
    );
    const owner = await app.signIn({ telegramId: OWNER_TELEGRAM_ID });
    const { body } = await ask(app, owner);
    expect(body.segments.map(({ people }) => people)).toEqual([1, 1, 0, 0]);

    // Counted once a minute, however often somebody asks.
    await app.signIn();
    expect((await ask(app, owner)).body).toEqual(body);
    expect(await countsAsked(app)).toBe(0);
    app.clock.advance(MINUTE_MS);
    // Nobody waits for the next count: it is made behind the answer, once for all who ask, and is there then.
    for (let asked = 0; asked < 3; asked += 1) expect((await ask(app, owner)).body).toEqual(body);
    expect(await countsAsked(app)).toBe(1);
    await app.work();
    const { body: anew } = await ask(app, owner);
    expect(anew.segments.map(({ people }) => people)).toEqual([2, 2, 0, 0]);
    expect(anew.at > body.at).toBe(true);
    expect(await countsAsked(app)).toBe(0);
  });

  test("is told while the database takes no more jobs, as it was counted last", async () => {
    const app = await startTestApp({ settings: OWNER_SETTING });
    const owner = await app.signIn({ telegramId: OWNER_TELEGRAM_ID });
    const { body } = await ask(app, owner);
    app.clock.advance(MINUTE_MS);
    await app.open.database.raw("alter table jobs rename to jobs_elsewhere");
    expect((await ask(app, owner)).body).toEqual(body);
    await app.open.database.raw("alter table jobs_elsewhere rename to jobs");
    expect(app.logLines.join("\n")).toContain("cannot be counted anew");
  });
});
