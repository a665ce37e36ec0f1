import { describe, expect, test } from "bun:test";
import { eq, like, sql } from "drizzle-orm";
import { sendBroadcasts } from "../../../src/features/admin/index.ts";
import { auditEntries } from "../../../src/features/audit/index.ts";
import { notify, outboxMessages } from "../../../src/features/notifications/index.ts";
import { outboxPauses } from "../../../src/features/notifications/tables.ts";
import { searchKeys, users } from "../../../src/features/profile/index.ts";
import { DAY_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete } from "../../../src/platform/queue/claim.ts";
import { giveBack, LeaseLost } from "../../../src/platform/queue/outcome.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { type Person, startTestApp, type TestApp } from "../../support/app.ts";
import { admin, OWNER_SETTING, OWNER_TELEGRAM_ID } from "../../support/operators.ts";

const FIRST_TELEGRAM_ID = 6_000_000;
const PEOPLE_A_SECOND = 15;

interface Row {
  id: string;
  state: string;
  tested_at: string | null;
  counts: Record<"written" | "sent" | "blocked" | "failed" | "withdrawn" | "switched_off" | "unreachable", number>;
  everybody_written: boolean;
}

async function start(people: number): Promise<{ app: TestApp; owner: Person; ids: string[] }> {
  const app = await startTestApp({ settings: OWNER_SETTING });
  app.telegram.setNewcomers("started");
  const owner = await app.signIn({ telegramId: OWNER_TELEGRAM_ID });
  const rows = Array.from({ length: people }, (_, number) => personRow(app, number));
  if (rows.length > 0) await app.ctx.db.insert(users).values(rows);
  return { app, owner, ids: rows.map((row) => row.id) };
}

function personRow(app: TestApp, number: number): typeof users.$inferInsert & { id: string } {
  const now = app.clock.now();
  return {
    id: newId(),
    telegramId: FIRST_TELEGRAM_ID + number,
    firstName: `Person ${number}`,
    ...searchKeys({ firstName: `Person ${number}` }),
    language: number % 2 === 0 ? "ru" : "en",
    writeState: "enabled",
    notifyResults: true,
    notifyNews: true,
    balanceCredits: 0,
    reservedCredits: 0,
    freemiumMonth: "2026-11",
    freemiumActionsUsed: 0,
    assistantTokens: 0,
    createdAt: new Date(now.getTime() - 100 * DAY_MS),
    updatedAt: now,
  };
}

const reason = "something new";
async function act(app: TestApp, owner: Person, path: string, json: object = { reason }) {
  return admin<Row & { code?: string; reason?: string }>(app, owner, `/broadcasts${path}`, json);
}
async function draft(app: TestApp, owner: Person, segment = "all"): Promise<string> {
  const body = { segment, text_ru: "Новости <b>{text}</b>", text_en: "News <b>{text}</b>", reason };
  return (await act(app, owner, "", body)).body.id;
}
async function started(app: TestApp, owner: Person, segment = "all"): Promise<string> {
  const id = await draft(app, owner, segment);
  expect((await act(app, owner, `/${id}/test`)).status).toBe(200);
  expect((await act(app, owner, `/${id}/start`)).body.state).toBe("running");
  return id;
}
const look = async (app: TestApp, owner: Person, id: string) =>
  (await admin<Row>(app, owner, `/broadcasts/${id}`)).body;

/** How many messages of broadcasts each made-up person has in their chat. */
function received(app: TestApp, people: number): number[] {
  return Array.from(
    { length: people },
    (_, number) => app.telegram.messages(FIRST_TELEGRAM_ID + number).filter((one) => one.from === "bot").length,
  );
}

describe("a broadcast", () => {
  test("is tried on oneself, started, sent once to everybody in their language, and counted", async () => {
    const people = 40;
    const { app, owner } = await start(people);
    const blocked = FIRST_TELEGRAM_ID + 3;
    app.telegram.block(blocked);
    await app.ctx.db
      .update(users)
      .set({ notifyNews: false })
      .where(eq(users.telegramId, FIRST_TELEGRAM_ID + 4));
    await app.ctx.db
      .update(users)
      .set({ writeState: "needs_start" })
      .where(eq(users.telegramId, FIRST_TELEGRAM_ID + 5));
    const id = await draft(app, owner);
    const untried = await act(app, owner, `/${id}/start`);
    expect([untried.status, untried.body.code, untried.body.reason]).toEqual([
      409,
      "broadcast_not_ready",
      "not_tested",
    ]);
    await act(app, owner, `/${id}/test`);
    await app.work();
    expect(app.telegram.messages(OWNER_TELEGRAM_ID).at(-1)?.text).toStartWith("News <b>{text}</b>\n\n");
    expect(received(app, people)).toEqual(Array.from({ length: people }, () => 0));
    const body = { segment: "all", text_ru: "Другое", text_en: "Another <i>&", reason };
    expect((await act(app, owner, `/${id}/change`, body)).body.tested_at).toBeNull();
    expect((await act(app, owner, `/${id}/start`)).body.code).toBe("broadcast_not_ready");
    await act(app, owner, `/${id}/test`);
    expect((await act(app, owner, `/${id}/start`)).body.state).toBe("running");
    expect((await act(app, owner, `/${id}/change`, body)).body.code).toBe("broadcast_not_ready");
    expect((await act(app, owner, `/${id}/start`)).body.code).toBe("broadcast_not_ready");
    await app.work();

    const counts = { written: 39, sent: 38, blocked: 1, failed: 0, withdrawn: 0, switched_off: 1, unreachable: 1 };
    expect(await look(app, owner, id)).toMatchObject({ state: "finished", everybody_written: true, counts });
    expect(received(app, people)).toEqual(
      Array.from({ length: people }, (_, number) => ([3, 4, 5].includes(number) ? 0 : 1)),
    );
    expect(app.telegram.messages(FIRST_TELEGRAM_ID).at(-1)?.text).toStartWith("Другое\n\n");
    expect(app.telegram.messages(FIRST_TELEGRAM_ID + 1).at(-1)?.text).toStartWith("Another <i>&\n\n");
    expect((await act(app, owner, `/${id}/stop`)).body.code).toBe("broadcast_not_ready");
    const trail = await app.ctx.db.select().from(auditEntries).where(like(auditEntries.action, "broadcast.%"));
    expect(trail.map((entry) => String(entry.action)).toSorted()).toEqual(
      ["broadcast.change", "broadcast.create", "broadcast.start", "broadcast.test", "broadcast.test"].toSorted(),
    );
    expect(JSON.stringify(trail)).not.toContain("Another");
  });

  test("writes to so many a second, and what somebody waits for goes before it", async () => {
    const people = 50;
    const { app, owner, ids } = await start(people);
    await started(app, owner);
    const written = () => app.ctx.db.select().from(outboxMessages).where(eq(outboxMessages.key, "broadcast"));
    await app.work(async () => (await written()).length > PEOPLE_A_SECOND);
    await app.ctx.transaction((tx) =>
      notify(tx, {
        userId: ids[49] ?? "",
        message: { key: "payment_refunded", parameters: { amount_kopecks: 100 } },
        about: "now",
      }),
    );
    await app.work();
    const seconds = new Map<number, number>();
    for (const row of await written()) {
      const second = Math.floor(row.createdAt.getTime() / 1000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    // The test run to the owner stands in the outbox as well.
    expect(Math.max(...seconds.values())).toBeLessThanOrEqual(PEOPLE_A_SECOND + 1);
    const all = await app.ctx.db.select().from(outboxMessages);
    const urgent = all.find((row) => row.key === "payment_refunded");
    const later = all.filter((row) => row.key === "broadcast" && row.createdAt > (urgent?.createdAt ?? new Date()));
    expect(later.length).toBeGreaterThan(0);
    for (const row of all.filter((one) => one.key === "broadcast" && one.priority !== 30)) {
      expect(row.priority).toBeGreaterThan(urgent?.priority ?? 99);
    }
    expect(Number(urgent?.sentAt) - Number(urgent?.createdAt)).toBeLessThanOrEqual(1_500);
    expect(received(app, people).slice(0, 49)).toEqual(Array.from({ length: 49 }, () => 1));
  });

  test("is stopped for good, and takes back what was not sent", async () => {
    const people = 60;
    const { app, owner } = await start(people);
    const id = await started(app, owner);
    await app.work(async () => (await look(app, owner, id)).counts.written >= 2 * PEOPLE_A_SECOND);
    expect((await act(app, owner, `/${id}/stop`)).body.state).toBe("stopped");
    await app.work();
    const { state, counts } = await look(app, owner, id);
    expect(state).toBe("stopped");
    expect(counts.written).toBe(2 * PEOPLE_A_SECOND);
    expect(counts.sent + counts.withdrawn).toBe(counts.written);
    expect(received(app, people).reduce((sum, one) => sum + one, 0)).toBe(counts.sent - (await ownMessages(app, id)));
    expect(await app.ctx.db.$count(jobs, eq(jobs.kind, "broadcasts.send"))).toBe(0);
    expect((await act(app, owner, `/${id}/start`)).body.code).toBe("broadcast_not_ready");
  });

  test("that is stopped while the bot rests reaches nobody, and had written no more than may wait", async () => {
    const people = 60;
    const { app, owner } = await start(people);
    const id = await draft(app, owner);
    await act(app, owner, `/${id}/test`);
    await app.work();
    const until = new Date(app.clock.now().getTime() + 10 * 60_000);
    await app.ctx.db
      .insert(outboxPauses)
      .values({ provider: "telegram", until, failures: 0 })
      .onConflictDoUpdate({ target: outboxPauses.provider, set: { until } });
    await act(app, owner, `/${id}/start`);
    const begun = app.clock.now().getTime();
    await app.work(async () => app.clock.now().getTime() > begun + 20_000);
    expect((await look(app, owner, id)).counts).toMatchObject({ written: 2 * PEOPLE_A_SECOND, sent: 0 });
    await act(app, owner, `/${id}/stop`);
    await app.work();
    expect((await look(app, owner, id)).counts).toMatchObject({ sent: 0, failed: 0, withdrawn: 2 * PEOPLE_A_SECOND });
    expect(received(app, people)).toEqual(Array.from({ length: people }, () => 0));
  });

  test("goes on where it was after its worker died at any moment, and nobody gets it twice", async () => {
    const people = 70;
    const { app, owner } = await start(people);
    const id = await started(app, owner);
    const { ctx, clock } = app;
    for (let step = 0; step < 12; step += 1) {
      clock.advance(1_001);
      const [job] = await claim(ctx, newId(), ["broadcasts.send"], 1);
      if (!job) throw new Error("the job waits");
      if (step % 3 === 0) {
        // Dies before its transaction is committed.
        const dying = {
          ...ctx,
          transaction: (work: (tx: typeof ctx) => Promise<unknown>) =>
            ctx.transaction(async (tx) => {
              await work(tx);
              throw new Error("killed");
            }),
        } as typeof ctx;
        await expect(sendBroadcasts(dying, job)).rejects.toThrow("killed");
        await ctx.db.update(jobs).set({ state: "ready", lease: null, workerId: null }).where(eq(jobs.id, job.id));
      } else if (step % 3 === 1) {
        // Dies after its commit, before the queue hears of it; somebody else takes the job, and the first comes back to life.
        await sendBroadcasts(ctx, job);
        await ctx.db.update(jobs).set({ state: "ready", lease: null, workerId: null }).where(eq(jobs.id, job.id));
        const [other] = await claim(ctx, newId(), ["broadcasts.send"], 1);
        if (!other) throw new Error("the job waits");
        await expect(sendBroadcasts(ctx, job)).rejects.toThrow(LeaseLost);
        await giveBack(ctx, other, 1_000);
      } else {
        const outcome = await sendBroadcasts(ctx, job);
        if (outcome.kind === "later") await giveBack(ctx, job, outcome.afterMs);
        else await complete(ctx, [job.id], [job.lease]);
      }
    }
    await app.work();
    expect(await look(app, owner, id)).toMatchObject({
      state: "finished",
      counts: { written: people + 1, sent: people + 1, failed: 0 },
    });
    expect(received(app, people)).toEqual(Array.from({ length: people }, () => 1));
  });

  test("reaches its segment, and another one waits for its end", async () => {
    const people = 12;
    const { app, owner, ids } = await start(people);
    const [first = "", second = "", third = ""] = ids;
    const { ctx, clock } = app;
    await ctx.db
      .update(users)
      .set({ subscriptionType: "pro", subscriptionEnd: new Date(clock.now().getTime() + DAY_MS) })
      .where(eq(users.id, first));
    await ctx.db
      .update(users)
      .set({ subscriptionType: "pro", subscriptionEnd: new Date(clock.now().getTime() - DAY_MS) })
      .where(eq(users.id, second));
    await ctx.db.update(users).set({ createdAt: clock.now() }).where(eq(users.id, third));
    const running: Record<string, string> = {};
    for (const segment of ["subscribed", "free", "sleeping"]) running[segment] = await started(app, owner, segment);
    const overlap: string[] = [];
    await app.work(async () => {
      const open = await ctx.db.select().from(outboxMessages).where(sql`${outboxMessages.broadcastId} is not null`);
      overlap.push([...new Set(open.map((row) => row.broadcastId))].join());
      return false;
    });
    const written = async (segment: string) => (await look(app, owner, running[segment] ?? "")).counts.written;
    // The owner has no subscription, and came a moment ago.
    expect([await written("subscribed"), await written("free"), await written("sleeping")]).toEqual([1, 12, 11]);
    expect(overlap.filter((seen) => seen.includes(","))).toEqual([]);
  });
});

/** Messages of the broadcast that went to the owner, who is one of everybody. */
async function ownMessages(app: TestApp, id: string): Promise<number> {
  const rows = await app.ctx.db.select().from(outboxMessages).where(eq(outboxMessages.chatId, OWNER_TELEGRAM_ID));
  return rows.filter((row) => row.cause.endsWith(id) && row.state === "sent").length;
}
