import { expect, test } from "bun:test";
import { outboxCounts } from "../../src/features/notifications/index.ts";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { SECOND_MS } from "../../src/platform/clock.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { startTestApp } from "../support/app.ts";
import { lane } from "../support/database.ts";
import { makeAddressees, writeToAll } from "../support/outbox-load.ts";

/** 10 000 messages in all: most people get one, some four, and some have blocked the bot. */
const PEOPLE = { one: 8_000, four: 350, blocked: 200 };
const MESSAGES = PEOPLE.one + 4 * PEOPLE.four + 3 * PEOPLE.blocked;
const PER_SECOND = 25;

/** Drives the product's own worker step by step with a clock that stands still: 400 s pass in some 20. */
test(`T4 T5 ${MESSAGES} messages against Telegram's own limits: none lost, none twice, the pace kept, blocked people asked once`, async () => {
  const app = await startTestApp();
  app.telegram.faults.set("telegram.limits", { mode: "on" });
  app.telegram.setNewcomers("started");
  const one = await makeAddressees(app.ctx, PEOPLE.one, 60_000_000);
  const four = (await makeAddressees(app.ctx, PEOPLE.four, 61_000_000)).map((person) => ({ ...person, messages: 4 }));
  const blocked = (await makeAddressees(app.ctx, PEOPLE.blocked, 62_000_000)).map((person) => ({
    ...person,
    messages: 3,
  }));
  for (const { telegramId } of blocked) app.telegram.person(telegramId, { state: "blocked" });
  expect(await writeToAll(app.ctx, [...blocked, ...four, ...one])).toBe(MESSAGES);
  expect((await outboxCounts(app.ctx)).waiting).toBe(MESSAGES);

  const startedAt = app.clock.now().getTime();
  const startedRealAt = performance.now();
  const left = async () => (await app.ctx.db.select({ id: jobs.id }).from(jobs)).length;
  // `work` gives up after so many rounds, to find a queue that never comes to rest.
  while ((await left()) > 0) {
    let rounds = 0;
    await app.work(async () => {
      rounds += 1;
      return rounds > 300;
    });
  }
  const seconds = (app.clock.now().getTime() - startedAt) / SECOND_MS;

  const counts = new Map<number, string[]>();
  for (const { chatId, text } of app.telegram.messages()) counts.set(chatId, [...(counts.get(chatId) ?? []), text]);
  for (const { telegramId, messages } of [...one, ...four]) {
    const texts = counts.get(telegramId) ?? [];
    expect([telegramId, texts.length, new Set(texts).size]).toEqual([telegramId, messages, messages]);
  }
  for (const { telegramId } of blocked) expect(counts.get(telegramId)).toBeUndefined();

  const arrived = MESSAGES - 3 * PEOPLE.blocked;
  const stats = app.telegram.stats();
  expect(stats.counts).toEqual({ "sendMessage 200": arrived, "sendMessage 403": PEOPLE.blocked });
  expect(stats.pace).toMatchObject({ refusedForBot: 0, refusedForChat: 0 });
  expect(stats.pace.asksPerSecondMax).toBe(PER_SECOND);
  const tried = arrived + PEOPLE.blocked;
  expect(seconds).toBeGreaterThan(tried / PER_SECOND - 1);
  expect(seconds).toBeLessThan((tried / PER_SECOND) * 1.05 + 10);

  const states: Record<string, number> = {};
  for (const { state } of await app.ctx.db.select({ state: outboxMessages.state }).from(outboxMessages)) {
    states[state] = (states[state] ?? 0) + 1;
  }
  expect(states).toEqual({ sent: arrived, dropped: 3 * PEOPLE.blocked });
  process.stdout.write(
    `outbox (${lane}): ${tried} sends in ${Math.round(seconds)} s of its clock (${Math.round((performance.now() - startedRealAt) / 100) / 10} s real), ${MESSAGES} messages\n`,
  );
}, 240_000);
