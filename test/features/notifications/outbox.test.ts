import { describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { notify, outboxCounts } from "../../../src/features/notifications/index.ts";
import { outboxMessages, outboxPauses } from "../../../src/features/notifications/tables.ts";
import { users } from "../../../src/features/profile/index.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import { type Person, startTestApp, type TestApp } from "../../support/app.ts";
import { callsAbout, outboxOf, signInWith, writeState, written } from "../../support/bot.ts";

/** Writes a message to a person: a reward by default, which is news. */
function tell(app: TestApp, person: Person, about: string = newId()) {
  return app.ctx.transaction((tx) =>
    notify(tx, { userId: person.id, message: { key: "referral_reward", parameters: { credits: 10 } }, about }),
  );
}

function tellResult(app: TestApp, person: Person, about: string = newId()) {
  return app.ctx.transaction((tx) =>
    notify(tx, { userId: person.id, message: { key: "picture_failed", parameters: { code: "timed_out" } }, about }),
  );
}

const sendJobs = (app: TestApp) => app.ctx.db.select().from(jobs).where(eq(jobs.kind, "outbox.send"));

describe("a message to a person", () => {
  test("is written with what causes it: undone together, sent once it is committed, in their language", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started", { languageCode: "ru" });
    const undone = app.ctx.transaction(async (tx) => {
      await notify(tx, { userId: person.id, message: { key: "low_balance", parameters: { credits: 1 } }, about: "x" });
      throw new Error("changed my mind");
    });
    expect(undone).rejects.toThrow("changed my mind");
    await app.work();
    expect([written(app, person).length, await outboxOf(app, person)]).toEqual([0, []]);

    expect(await tell(app, person)).toBe("waiting");
    expect(written(app, person)).toEqual([]);
    await app.work();
    const [message, ...more] = written(app, person);
    expect(message?.text.replaceAll("\u00a0", " ")).toBe(
      "Приглашённый вами друг присоединился: вам начислено 10 кредитов. Спасибо!",
    );
    expect(message?.buttons).toEqual([[{ text: "Открыть приложение", url: "http://127.0.0.1:9/", opensApp: true }]]);
    expect(more).toEqual([]);
    const [row] = await outboxOf(app, person);
    expect(row).toMatchObject({ state: "sent", attempts: 1, telegramMessageId: message?.messageId, reason: null });
    expect(await sendJobs(app)).toEqual([]);
  });

  test("of the same cause is written once, ever", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    expect(await tell(app, person, "friend:1")).toBe("waiting");
    expect(await tell(app, person, "friend:1")).toBe("repeated");
    await app.work();
    expect(await tell(app, person, "friend:1")).toBe("repeated");
    expect(await tell(app, person, "friend:2")).toBe("waiting");
    await app.work();
    expect(written(app, person)).toHaveLength(2);
  });

  test("respects the switches of the profile, each for its own kind, and money is always told", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    const payment = () =>
      app.ctx.transaction((tx) =>
        notify(tx, {
          userId: person.id,
          message: { key: "payment_succeeded", parameters: { amount_kopecks: 14_900, credits: 20 } },
          about: newId(),
        }),
      );
    const change = (json: object) => app.request("/profile", { method: "PATCH", as: person, json });
    await change({ notify_news: false });
    expect([await tell(app, person), await tellResult(app, person), await payment()]).toEqual([
      "switched_off",
      "waiting",
      "waiting",
    ]);
    await change({ notify_news: true, notify_results: false });
    expect([await tell(app, person), await tellResult(app, person), await payment()]).toEqual([
      "waiting",
      "switched_off",
      "waiting",
    ]);
    await app.work();
    expect(written(app, person)).toHaveLength(4);
  });

  test("goes to nobody who is banned, unknown, or has no Telegram id any more", async () => {
    const app = await startTestApp();
    const [banned, erased] = [await signInWith(app, "started"), await signInWith(app, "started")];
    await app.ctx.db.update(users).set({ bannedAt: app.clock.now() }).where(eq(users.id, banned.id));
    await app.ctx.db.update(users).set({ telegramId: -77 }).where(eq(users.id, erased.id));
    for (const id of [banned.id, erased.id, newId()]) {
      expect(await tell(app, { ...banned, id })).toBe("unreachable");
    }
    await app.work();
    expect(app.telegram.stats().calls).toEqual([]);
  });

  test("that nobody wants to read any more is dropped", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await tell(app, person);
    app.clock.advance(DAY_MS + 1);
    await app.work();
    expect(callsAbout(app, person)).toBe(0);
    expect(await outboxOf(app, person)).toMatchObject([{ state: "dropped", reason: "too_old" }]);
  });

  test("that another version wrote in words of its own is dropped and told to the owner, and holds up nobody", async () => {
    const app = await startTestApp();
    const [odd, person] = [await signInWith(app, "started"), await signInWith(app, "started")];
    await tell(app, odd);
    await tell(app, person);
    await app.ctx.db.update(outboxMessages).set({ parameters: {} }).where(eq(outboxMessages.chatId, odd.telegramId));
    await app.work();
    expect(await outboxOf(app, odd)).toMatchObject([{ state: "dropped", reason: "unwritable" }]);
    expect([callsAbout(app, odd), written(app, person).length]).toEqual([0, 1]);
    expect(app.logLines.join()).toContain("message_not_sendable");
  });
});

describe("T4 somebody who stopped the bot", () => {
  for (const [state, expected] of [
    ["blocked", "blocked"],
    ["deactivated", "blocked"],
    ["never_started", "needs_start"],
    ["not_found", "needs_start"],
  ] as const) {
    test(`T4 T6 (${state}) is marked ${expected} by the first refusal, gets nothing more, and is tried again after the next sign-in`, async () => {
      const app = await startTestApp();
      const person = await signInWith(app, state);
      expect(await writeState(app, person)).toBe("unknown");
      for (let count = 0; count < 4; count += 1) await tell(app, person);
      await app.work();
      expect(await writeState(app, person)).toBe(expected);
      expect(callsAbout(app, person)).toBe(1);
      const rows = await outboxOf(app, person);
      expect(rows.map((row) => row.state)).toEqual(["dropped", "dropped", "dropped", "dropped"]);

      // From now on nothing is even written.
      expect(await tell(app, person)).toBe("unreachable");
      expect(await tellResult(app, person)).toBe("unreachable");
      app.clock.advance(HOUR_MS);
      await app.work();
      expect(callsAbout(app, person)).toBe(1);

      app.telegram.person(person.telegramId, { state: "started" });
      const again = await app.signIn({ telegramId: person.telegramId });
      expect(await writeState(app, again)).toBe("unknown");
      expect(await tell(app, again)).toBe("waiting");
      await app.work();
      expect(written(app, person)).toHaveLength(1);
    });
  }

  test("T6 a message that was being written while the bot was blocked is dropped without an attempt", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await tell(app, person);
    await app.ctx.db.update(users).set({ writeState: "blocked" }).where(eq(users.id, person.id));
    await app.work();
    expect(callsAbout(app, person)).toBe(0);
    expect(await outboxOf(app, person)).toMatchObject([{ state: "dropped", reason: "unreachable" }]);
  });

  test("a sign-in leaves those whom the bot may write to as they are", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await app.ctx.db.update(users).set({ writeState: "enabled" }).where(eq(users.id, person.id));
    const again = await app.signIn({ telegramId: person.telegramId });
    expect(await writeState(app, again)).toBe("enabled");
  });
});

describe("T5 Telegram asks to wait", () => {
  for (const mode of ["http_429", "edge_429"]) {
    test(`T5 (${mode}) all sending rests for the time it names, on every lane, and nothing is lost or counted against a message`, async () => {
      const app = await startTestApp();
      const people = await Promise.all(Array.from({ length: 30 }, () => signInWith(app, "started")));
      for (const person of people) await tell(app, person);
      app.telegram.faults.set("telegram.send", { mode, delayMs: 7_000, times: 1 });
      const startedAt = app.clock.now().getTime();
      await app.work(async () => app.telegram.stats().calls.length > 0);
      const [pause] = await app.ctx.db.select().from(outboxPauses);
      expect(pause?.until.getTime()).toBe(startedAt + 7 * SECOND_MS);
      // The first step was 25 messages side by side, one of which heard of the pause.
      expect(app.telegram.messages().length).toBe(24);

      const late = await signInWith(app, "started");
      await tellResult(app, late);
      await app.work(async () => app.clock.now().getTime() >= startedAt + 7 * SECOND_MS - 100);
      expect(app.telegram.messages().length).toBe(24);
      await app.work();
      expect(app.telegram.messages().length).toBe(31);
      for (const person of [...people, late]) expect(written(app, person)).toHaveLength(1);
      expect(app.telegram.messages()[24]?.at.getTime()).toBeGreaterThanOrEqual(startedAt + 7 * SECOND_MS);
    });
  }

  test("T5 the limits of Telegram itself are never met: 25 a second for all, one a second for a chat", async () => {
    const app = await startTestApp();
    app.telegram.faults.set("telegram.limits", { mode: "on" });
    const people = await Promise.all(Array.from({ length: 40 }, () => signInWith(app, "started")));
    for (const person of people) for (let count = 0; count < 3; count += 1) await tell(app, person);
    await app.work();
    const { pace } = app.telegram.stats();
    expect(pace).toMatchObject({ passed: 120, refusedForBot: 0, refusedForChat: 0 });
    expect(pace.asksPerSecondMax).toBeLessThanOrEqual(25);
    for (const person of people) {
      const times = written(app, person).map((message) => message.at.getTime());
      expect(times).toHaveLength(3);
      for (const [place, at] of times.slice(1).entries()) {
        expect(at - (times[place] ?? 0)).toBeGreaterThanOrEqual(SECOND_MS);
      }
    }
  });
});

describe("the order of messages", () => {
  test("results go before news, whatever was written first", async () => {
    const app = await startTestApp();
    const [news, results] = await Promise.all(
      [30, 30].map((count) => Promise.all(Array.from({ length: count }, () => signInWith(app, "started")))),
    );
    for (const person of news ?? []) await tell(app, person);
    for (const person of results ?? []) await tellResult(app, person);
    await app.work();
    const at = (isNews: boolean) =>
      app.telegram
        .messages()
        .filter((message) => message.text.includes("friend") === isNews)
        .map((message) => message.at.getTime());
    expect([at(true).length, at(false).length]).toEqual([30, 30]);
    // Those of one step go side by side, so it is the moments of the steps that tell.
    expect(Math.max(...at(false))).toBeLessThanOrEqual(Math.min(...at(true)));
    expect(Math.max(...at(false))).toBeLessThan(Math.max(...at(true)));
  });

  test("one person with hundreds of messages does not hold up the others", async () => {
    const app = await startTestApp();
    const flooded = await signInWith(app, "started");
    for (let count = 0; count < 250; count += 1) await tell(app, flooded);
    const others = await Promise.all(Array.from({ length: 20 }, () => signInWith(app, "started")));
    for (const person of others) await tell(app, person);
    const startedAt = app.clock.now().getTime();
    await app.work(async () => others.every((person) => written(app, person).length === 1));
    expect(app.clock.now().getTime() - startedAt).toBeLessThan(3 * SECOND_MS);
  });
});

describe("P14 Telegram does not answer", () => {
  test("P14 messages wait, one at a time finds out whether it is back, after growing pauses; then each arrives once", async () => {
    const app = await startTestApp();
    const people = await Promise.all(Array.from({ length: 30 }, () => signInWith(app, "started")));
    for (const person of people) await tell(app, person);
    app.telegram.faults.set("telegram.edge", { mode: "edge_1010" });
    const startedAt = app.clock.now().getTime();
    await app.work(async () => app.clock.now().getTime() > startedAt + 10 * MINUTE_MS);
    expect(app.telegram.messages()).toEqual([]);
    expect(await outboxCounts(app.ctx)).toMatchObject({ waiting: 30, sending: 0, sent: 0, dropped: 0, unknown: 0 });
    const rows = await app.ctx.db.select().from(outboxMessages);
    // 25 in the first step; then one after pauses of 5, 10, 20, 40, 80 and 160 s, and the next one is 300 s long.
    expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(25 + 6);

    app.telegram.faults.clear("telegram.edge");
    await app.work();
    for (const person of people) expect(written(app, person)).toHaveLength(1);
    expect(await app.ctx.db.select().from(outboxPauses)).toMatchObject([{ failures: 0 }]);
  });

  test("an answer that was lost makes the message unknown: it is counted, and never sent again", async () => {
    for (const mode of ["executed_500", "http_500", "half_body", "unknown_shape"]) {
      const app = await startTestApp();
      const person = await signInWith(app, "started");
      await tell(app, person);
      app.telegram.faults.set("telegram.send", { mode, times: 1 });
      await app.work();
      app.clock.advance(HOUR_MS);
      await app.work();
      expect([mode, app.telegram.stats().calls.length]).toEqual([mode, 1]);
      expect(await outboxOf(app, person)).toMatchObject([{ state: "unknown", reason: "unknown" }]);
      expect(await outboxCounts(app.ctx)).toMatchObject({ unknown: 1, waiting: 0 });
    }
  });

  test("a token that is refused stops everything, is told to the owner, and is tried again after a while", async () => {
    const app = await startTestApp();
    const people = [await signInWith(app, "started"), await signInWith(app, "started")];
    for (const person of people) await tell(app, person);
    app.telegram.faults.set("telegram.send", { mode: "http_401" });
    const startedAt = app.clock.now().getTime();
    await app.work(async () => app.clock.now().getTime() > startedAt + 9 * MINUTE_MS);
    expect(app.telegram.stats().calls.length).toBe(2);
    expect(app.logLines.join()).toContain("telegram_refuses_token");
    app.telegram.faults.clear("telegram.send");
    await app.work();
    for (const person of people) expect(written(app, person)).toHaveLength(1);
  });

  test("a message that Telegram calls wrong is dropped at once and told to the owner", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await tell(app, person);
    app.telegram.faults.set("telegram.send", { mode: "http_400_entities", times: 1 });
    await app.work();
    expect(app.telegram.stats().calls.length).toBe(1);
    expect(await outboxOf(app, person)).toMatchObject([{ state: "dropped", reason: "rejected" }]);
    expect(app.logLines.join()).toContain("message_not_sendable");
  });
});

describe("the job that sends", () => {
  test("gives up its name before its last look, so that a message written meanwhile is found by it or brings its own", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await tell(app, person);
    await app.work(async () => (await sendJobs(app)).some((job) => job.uniqueKey === null));
    expect(await sendJobs(app)).toMatchObject([{ uniqueKey: null, state: "ready" }]);
    await tell(app, person);
    expect(await sendJobs(app)).toHaveLength(2);
    await app.work();
    expect(written(app, person)).toHaveLength(2);
    expect(await sendJobs(app)).toEqual([]);
  });

  test("is started again by the sweep for whatever slipped through", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    await tell(app, person);
    await app.ctx.db.delete(jobs).where(eq(jobs.kind, "outbox.send"));
    await app.work();
    expect(written(app, person)).toEqual([]);
    await app.ctx.db.insert(jobs).values({
      id: newId(),
      kind: "outbox.sweep",
      payload: {},
      state: "ready",
      priority: 30,
      turn: 0,
      runAt: app.clock.now(),
      claims: 0,
      failures: 0,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    await app.work();
    expect(written(app, person)).toHaveLength(1);
  });

  test("finds what its dead worker had in hand, and does not send it again", async () => {
    const app = await startTestApp();
    const [lost, other] = [await signInWith(app, "started"), await signInWith(app, "started")];
    await tell(app, lost);
    await tell(app, other);
    const [job] = await sendJobs(app);
    await app.ctx.db
      .update(outboxMessages)
      .set({ state: "sending", senderJob: job?.id ?? "", senderLease: newId() })
      .where(eq(outboxMessages.chatId, lost.telegramId));
    await app.work();
    expect([callsAbout(app, lost), written(app, other).length]).toEqual([0, 1]);
    expect(await outboxOf(app, lost)).toMatchObject([{ state: "unknown", reason: "worker_died" }]);
    const [counted] = await app.ctx.db
      .select({ rows: sql`count(*)`.mapWith(Number) })
      .from(outboxMessages)
      .where(sql`${outboxMessages.state} = 'sending'`);
    expect(counted?.rows).toBe(0);
  });
});
