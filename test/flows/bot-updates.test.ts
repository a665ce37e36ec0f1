import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { outboxMessages } from "../../src/features/notifications/tables.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { startTestApp, TEST_WEBHOOK_SECRET, type TestApp } from "../support/app.ts";
import { outboxOf, postUpdate, says, signInWith, writeState, written } from "../support/bot.ts";

/** Starts the product on a real port with the emulator's webhook set to it. */
async function withWebhook(settings: Record<string, string> = {}): Promise<TestApp> {
  const app = await startTestApp({ settings });
  const port = await app.listen();
  const url = `http://127.0.0.1:${port}/api/v1/telegram/webhook`;
  app.telegram.setWebhook({ url, secretToken: TEST_WEBHOOK_SECRET });
  return app;
}

const startedJobs = (app: TestApp) =>
  app.ctx.db.select({ payload: jobs.payload }).from(jobs).where(eq(jobs.kind, "telegram.started"));

describe("somebody who never signed in", () => {
  test("presses Start and gets a greeting in their language with a button that opens the Mini App", async () => {
    const app = await withWebhook();
    for (const [id, languageCode, greeting, button] of [
      [8_100_001, "ru", "Здравствуйте!", "Открыть приложение"],
      [8_100_002, "en", "Hello!", "Open the app"],
    ] as const) {
      app.telegram.person(id, { languageCode });
      app.telegram.start(id);
      await app.telegram.tried();
      await app.work();
      const [message, ...more] = written(app, { telegramId: id });
      expect(message?.text).toStartWith(greeting);
      expect(message?.buttons).toEqual([[{ text: button, url: "http://127.0.0.1:9/", opensApp: true }]]);
      expect(more).toEqual([]);
    }
    expect(await startedJobs(app)).toEqual([]);
  });

  test("comes by a link: the parameter is handed on as a job with their id, and nothing else is", async () => {
    const app = await startTestApp();
    await postUpdate(app, says(8_100_003, "/start ref_Abc-123", "en"));
    expect(await startedJobs(app)).toEqual([{ payload: { telegram_id: 8_100_003, start_param: "ref_Abc-123" } }]);
    for (const text of ["/start", `/start ${"x".repeat(65)}`, "/start ref_ü", "/started x", "start x", "/help ref_a"]) {
      await postUpdate(app, says(8_100_004, text));
    }
    expect(await startedJobs(app)).toHaveLength(1);
    await app.work();
    expect(await startedJobs(app)).toEqual([]);
  });

  test("asks for help and about payments, and gets what the owner set as the contact", async () => {
    const app = await startTestApp({ settings: { SUPPORT_CONTACT: "@helpful_owner" } });
    app.telegram.person(8_100_005, { state: "started" });
    await postUpdate(app, says(8_100_005, "/help", "en"));
    await postUpdate(app, says(8_100_005, "/paysupport@atelier_bot", "en"));
    await app.work();
    const texts = written(app, { telegramId: 8_100_005 }).map((message) => message.text);
    expect(texts).toHaveLength(2);
    expect(texts[0]).toContain("/paysupport");
    expect(texts[1]).toContain("@helpful_owner");
  });

  test("types without end and gets a few answers, not thousands", async () => {
    const app = await startTestApp();
    app.telegram.person(8_100_006, { state: "started" });
    for (let count = 0; count < 50; count += 1) await postUpdate(app, says(8_100_006, "/start"));
    expect(await outboxOf(app, { telegramId: 8_100_006 })).toHaveLength(3);
  });
});

describe("T4 T6 blocking and letting in again", () => {
  test("T4 T6 stand in the profile as soon as Telegram tells of them, and what waited is dropped", async () => {
    const app = await withWebhook();
    const person = await signInWith(app, "started");
    await postUpdate(app, says(person.telegramId, "/help"));
    app.telegram.block(person.telegramId);
    await app.telegram.tried();
    expect(await writeState(app, person)).toBe("blocked");
    await app.work();
    expect(written(app, person)).toEqual([]);
    expect(await outboxOf(app, person)).toMatchObject([{ state: "dropped", reason: "blocked" }]);
    app.telegram.unblock(person.telegramId);
    await app.telegram.tried();
    expect(await writeState(app, person)).toBe("enabled");
  });

  test("T4 pressing Start lets the bot write again", async () => {
    const app = await withWebhook();
    const person = await signInWith(app, "never_started");
    await postUpdate(app, {
      my_chat_member: {
        chat: { id: person.telegramId, type: "private" },
        from: { id: person.telegramId },
        new_chat_member: { status: "kicked" },
      },
    });
    expect(await writeState(app, person)).toBe("blocked");
    app.telegram.start(person.telegramId);
    await app.telegram.tried();
    expect(await writeState(app, person)).toBe("enabled");
    await app.work();
    expect(written(app, person)).toHaveLength(1);
  });
});

describe("the webhook", () => {
  test("takes nothing without the right secret, and says nothing of how near a wrong one was", async () => {
    const app = await startTestApp();
    const person = await signInWith(app, "started");
    const wrong = [null, "", "x", `${TEST_WEBHOOK_SECRET}x`, TEST_WEBHOOK_SECRET.slice(0, -1), "é".repeat(40)];
    for (const secret of wrong) {
      const headers = secret === "é".repeat(40) ? encodeURIComponent(secret) : secret;
      const answer = await postUpdate(app, says(person.telegramId, "/start ref_x"), { secret: headers });
      expect([secret, answer.status]).toEqual([secret, 401]);
      expect(await answer.json()).toMatchObject({ code: "unauthenticated" });
    }
    expect(await outboxOf(app, person)).toEqual([]);
    expect(await startedJobs(app)).toEqual([]);
    expect(await writeState(app, person)).toBe("unknown");
  });

  test("is not there where no secret is set", async () => {
    const app = await startTestApp({ settings: { TELEGRAM_WEBHOOK_SECRET: "" } });
    for (const secret of [null, "", TEST_WEBHOOK_SECRET]) {
      expect((await postUpdate(app, says(1, "/start"), { secret })).status).toBe(404);
    }
  });

  test("takes each update once, however often and however many at once it comes", async () => {
    const app = await startTestApp();
    app.telegram.person(8_100_010, { state: "started" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => postUpdate(app, says(8_100_010, "/start ref_x"), { id: 77 })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
    expect(await startedJobs(app)).toHaveLength(1);
    await app.work();
    expect(written(app, { telegramId: 8_100_010 })).toHaveLength(1);
  });

  for (const mode of ["duplicate", "answer_lost", "wrong_secret", "no_secret", "not_json", "unknown_shape"]) {
    test(`survives what the way makes of updates (${mode}): one answer`, async () => {
      const app = await withWebhook();
      app.telegram.faults.set("telegram.webhook", { mode, times: 1 });
      app.telegram.start(8_100_011);
      await app.telegram.tried();
      await app.telegram.advance(5_000);
      await app.work();
      expect(written(app, { telegramId: 8_100_011 })).toHaveLength(1);
    });
  }

  test("answers 200 to whatever carries the secret and is none of ours, so that it does not come again for a day", async () => {
    const app = await startTestApp();
    const secret = { "x-telegram-bot-api-secret-token": TEST_WEBHOOK_SECRET };
    const group = { ...(says(8_100_012, "/start").message as object), chat: { id: -100_5, type: "supergroup" } };
    const updates: unknown[] = [
      null,
      [],
      "text",
      {},
      { update_id: "1" },
      { update_id: 1.5 },
      { update_id: 900, poll: {} },
      { update_id: 901, message: group },
      { update_id: 902, message: { text: "/start" } },
      { update_id: 903, my_chat_member: { chat: { id: 5, type: "private" }, new_chat_member: { status: "odd" } } },
      { update_id: 904, ...says(8_100_012, "just words") },
      { update_id: 905, message: { ...(says(8_100_012, "/start").message as object), from: { is_bot: true } } },
    ];
    for (const json of updates) {
      const answer = await app.request("/telegram/webhook", { method: "POST", json, headers: secret });
      expect([json, answer.status]).toEqual([json, 200]);
    }
    // No JSON at all is nothing that Telegram sends.
    for (const [body, status] of [
      ["{", 400],
      ["\u0000", 400],
      [`"${"x".repeat(2_000_000)}"`, 413],
    ] as const) {
      const headers = { ...secret, "content-type": "application/json" };
      const answer = await app.request("/telegram/webhook", { method: "POST", body, headers });
      expect([body.slice(0, 10), answer.status]).toEqual([body.slice(0, 10), status]);
    }
    expect(await app.ctx.db.select().from(outboxMessages)).toEqual([]);
    expect(app.logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });

  test("takes an update that is larger than any body of our own clients", async () => {
    const app = await startTestApp();
    app.telegram.person(8_100_013, { state: "started" });
    const long = { ...says(8_100_013, "/help"), reply_to_message: { text: "ж".repeat(60_000) } };
    expect((await postUpdate(app, long)).status).toBe(200);
    await app.work();
    expect(written(app, { telegramId: 8_100_013 })).toHaveLength(1);
  });
});
