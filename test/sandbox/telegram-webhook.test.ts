import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/platform/clock.ts";
import { createTestClock, type TestClock } from "../support/clock.ts";
import type { Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { ANNA, type Delivery, startBotServer, startTelegramLane, type TelegramLane } from "./telegram-lane.ts";

const SECRET = "the-secret-of-the-webhook";
const BORIS = 1_002;
let clock: TestClock;
let lane: TelegramLane;
let bot: Receiver<Delivery>;
beforeEach(async () => {
  clock = createTestClock();
  lane = await startTelegramLane({ clock });
  bot = startBotServer();
  lane.emulator.setWebhook({ url: bot.url, secretToken: SECRET });
  lane.emulator.person(ANNA, { state: "started" });
  lane.emulator.person(BORIS, { state: "started" });
});
afterEach(async () => {
  await bot.stop();
  await lane.emulator.stop();
});

const say = async (chatId: number, ...texts: string[]) => {
  for (const text of texts) lane.emulator.say(chatId, text);
  await lane.emulator.tried();
};
/** What came of one person, without what claims to be Telegram and is not. */
const textsOf = (chatId: number) =>
  bot.received.filter(({ update }) => update.message?.chat.id === chatId).map(({ update }) => update.message?.text);
const status = (code: number, headers: Record<string, string> = {}) => new Response(null, { status: code, headers });

describe("updates to a webhook", () => {
  test("come with the secret, once each, and are gone when they were taken", async () => {
    lane.emulator.start(ANNA, "ref_1");
    await lane.emulator.tried();
    lane.emulator.block(ANNA);
    await lane.emulator.tried();
    expect(bot.received.map(({ secret }) => secret)).toEqual([SECRET, SECRET]);
    expect(bot.received[0]?.update.message?.text).toBe("/start ref_1");
    expect(bot.received[1]?.update.my_chat_member?.new_chat_member.status).toBe("kicked");
    expect(lane.emulator.stats()).toMatchObject({
      webhook: { sent: 2, taken: 2, failed: 0, url: bot.url },
      updates: { waiting: 0 },
    });
  });

  test("that are not taken come again, almost at once and then after growing pauses, for a day", async () => {
    bot.answer = () => status(500);
    await say(ANNA, "one");
    expect(bot.received.length).toBe(2);
    expect(await lane.client.getWebhookInfo()).toMatchObject({
      pendingUpdateCount: 1,
      lastErrorMessage: "Wrong response from the webhook: 500 Internal Server Error",
    });
    const moments: number[] = [];
    const start = clock.now().getTime();
    for (let seconds = 0; seconds < 300; seconds += 1) {
      const before = bot.received.length;
      await lane.emulator.advance(SECOND_MS);
      if (bot.received.length > before) moments.push(seconds + 1);
    }
    expect(clock.now().getTime()).toBe(start);
    expect(moments.slice(0, 7)).toEqual([1, 3, 7, 15, 31, 63, 123]);
    expect(moments.slice(6).every((moment, place, all) => place === 0 || moment - (all[place - 1] ?? 0) === 60)).toBe(
      true,
    );
    const ids = new Set(bot.received.map(({ update }) => update.update_id));
    expect(ids.size).toBe(1);
    await lane.emulator.advance(25 * HOUR_MS);
    expect(lane.emulator.stats().updates.waiting).toBe(0);
  });

  test("keep the order of each person: a later one waits for the one before, other people do not", async () => {
    bot.answer = (count) => status(count <= 2 ? 503 : 200);
    lane.emulator.say(ANNA, "a1");
    await lane.emulator.tried();
    await say(ANNA, "a2", "a3");
    await say(BORIS, "b1");
    expect(textsOf(ANNA)).toEqual(["a1", "a1"]);
    expect(textsOf(BORIS)).toEqual(["b1"]);
    await lane.emulator.advance(SECOND_MS);
    expect(textsOf(ANNA)).toEqual(["a1", "a1", "a1", "a2", "a3"]);
  });

  test("one person's come one after the other even when the bot is slow", async () => {
    let open = 0;
    let most = 0;
    let isAnswering = true;
    bot.answer = async () => {
      open += 1;
      most = Math.max(most, open);
      await Bun.sleep(15);
      await until(() => isAnswering, "it may answer");
      open -= 1;
      return status(200);
    };
    await say(ANNA, "1", "2", "3", "4");
    expect(textsOf(ANNA)).toEqual(["1", "2", "3", "4"]);
    expect(most).toBe(1);
    isAnswering = false;
    lane.emulator.say(ANNA, "5");
    lane.emulator.say(BORIS, "5");
    await until(() => most === 2, "two people's come at once");
    isAnswering = true;
    await lane.emulator.tried();
  });

  test("honour Retry-After", async () => {
    bot.answer = (count) => (count === 1 ? status(429, { "retry-after": "90" }) : status(204));
    await say(ANNA, "one");
    await lane.emulator.advance(89 * SECOND_MS);
    expect(bot.received.length).toBe(1);
    await lane.emulator.advance(SECOND_MS);
    expect(bot.received.length).toBe(2);
    expect(lane.emulator.stats().updates.waiting).toBe(0);
  });

  test("wait while nobody answers, and go on by themselves", async () => {
    lane.emulator.setWebhook({ url: "http://127.0.0.1:9/webhook", secretToken: SECRET });
    await say(ANNA, "one", "two");
    expect((await lane.client.getWebhookInfo()).lastErrorMessage).toBe("Connection refused");
    lane.emulator.setWebhook({ url: bot.url, secretToken: SECRET });
    await lane.emulator.tried();
    expect(textsOf(ANNA)).toEqual(["one", "two"]);
  });

  test("stop for good when the bot says for 23 hours that it is gone", async () => {
    bot.answer = () => status(410);
    await say(ANNA, "one");
    await lane.emulator.advance(22 * HOUR_MS);
    expect(lane.emulator.stats().webhook.url).toBe(bot.url);
    await lane.emulator.advance(HOUR_MS + MINUTE_MS);
    expect(lane.emulator.stats().webhook.url).toBe("");
  });

  test("an answer that holds a call is carried out", async () => {
    bot.answer = () => Response.json({ method: "sendMessage", chat_id: ANNA, text: "в ответ" });
    await say(ANNA, "one");
    expect(lane.emulator.messages(ANNA).at(-1)).toMatchObject({ from: "bot", text: "в ответ" });
    bot.answer = () => Response.json({ ok: true });
    await say(ANNA, "two");
    expect(lane.emulator.messages(ANNA).at(-1)?.text).toBe("two");
  });
});

describe("the switches", () => {
  const strike = (mode: string, more: object = {}) =>
    lane.emulator.faults.set("telegram.webhook", { mode, times: 1, ...more });

  test.each([
    ["duplicate", 2],
    ["duplicate_10", 10],
    ["answer_lost", 2],
  ] as const)("%s delivers the very same update %i times", async (mode, count) => {
    strike(mode);
    await say(ANNA, "one");
    expect(bot.received).toHaveLength(count);
    expect(new Set(bot.received.map(({ text }) => text)).size).toBe(1);
    expect(bot.received.every(({ secret }) => secret === SECRET)).toBe(true);
    expect(lane.emulator.stats().updates.waiting).toBe(0);
  });

  test("wrong_secret and no_secret come before the true one", async () => {
    strike("wrong_secret");
    await say(ANNA, "one");
    strike("no_secret");
    await say(ANNA, "two");
    expect(bot.received.map(({ secret }) => secret)).toEqual([`${SECRET}-guessed`, SECRET, null, SECRET]);
  });

  test("not_json and unknown_shape too", async () => {
    strike("not_json");
    await say(ANNA, "one");
    strike("unknown_shape");
    await say(ANNA, "two");
    expect(bot.received.map(({ text }) => text.slice(0, 30))).toMatchObject([
      "<update/>",
      expect.stringContaining("update_id"),
      '{"update_id":0,"future_kind":{',
      expect.stringContaining("update_id"),
    ]);
  });

  test("hold keeps one person's updates until they are released", async () => {
    strike("hold");
    await say(ANNA, "a1", "a2");
    await say(BORIS, "b1");
    expect(textsOf(ANNA)).toEqual([]);
    expect(textsOf(BORIS)).toEqual(["b1"]);
    await lane.emulator.release();
    expect(textsOf(ANNA)).toEqual(["a1", "a2"]);
  });

  test("delay waits", async () => {
    strike("delay", { delayMs: 1_000 });
    lane.emulator.say(ANNA, "one");
    await Bun.sleep(20);
    expect(bot.received).toHaveLength(0);
    await until(() => bot.received.length === 1, "the late update");
  });
});
