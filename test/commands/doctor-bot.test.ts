import { describe, expect, test } from "bun:test";
import { EXAMINATIONS_MS_MAX, setDoctorStage } from "../support/doctor-stage.ts";

const { app, examine, settings, webhook } = await setDoctorStage();

describe("atelier doctor", () => {
  test(
    "the bot: a refused token and another bot's name are failures, a name that is not set is a warning",
    async () => {
      const of = async (more: Record<string, string>) => (await examine(settings(more))).check("bot");
      const refused = await of({ TELEGRAM_BOT_TOKEN: "77:SomebodyElses_0123456789" });
      expect(refused.status).toBe("failed");
      expect(refused.text).toContain("HTTP 401 Unauthorized");
      expect(refused.text).toEndWith("Is TELEGRAM_BOT_TOKEN the one that @BotFather shows now?");
      expect(JSON.stringify(refused)).not.toContain("SomebodyElses");
      expect(await of({ TELEGRAM_BOT_NAME: "another_bot" })).toMatchObject({
        status: "failed",
        lines: [`Set TELEGRAM_BOT_NAME=${app.telegram.botName}, or the token of another_bot.`],
      });
      expect((await of({ TELEGRAM_BOT_NAME: app.telegram.botName.toUpperCase() })).status).toBe("ok");
      expect(await of({ TELEGRAM_BOT_NAME: "" })).toMatchObject({
        status: "warning",
        lines: [`Set TELEGRAM_BOT_NAME=${app.telegram.botName}.`],
      });
      expect(await of({ TELEGRAM_API_URL: "http://127.0.0.1:9" })).toMatchObject({
        status: "failed",
        text: expect.stringContaining("Does this machine reach the Internet"),
      });
    },
    EXAMINATIONS_MS_MAX,
  );

  test(
    "the bot's webhook: none, another server's, failures and a queue that grows are told apart",
    async () => {
      const of = async (more: Record<string, string> = {}) => (await examine(settings(more))).check("bot webhook");
      expect(await of({ TELEGRAM_WEBHOOK_SECRET: "" })).toMatchObject({
        status: "warning",
        text: expect.stringContaining("TELEGRAM_WEBHOOK_SECRET is not set"),
      });
      app.telegram.setWebhook(undefined);
      expect(await of()).toMatchObject({ status: "warning", lines: ["atelier bot set-webhook"] });
      app.telegram.setWebhook({ ...webhook, url: "https://old.example.org/hook" });
      expect(await of()).toMatchObject({
        status: "failed",
        text: `It leads to https://old.example.org/hook, not to ${webhook.url}.`,
      });
      // Where nobody listens; the address that Telegram tells is then put right.
      const closed = { ...webhook, url: "http://127.0.0.1:9/api/v1/telegram/webhook" };
      app.telegram.setWebhook(closed);
      for (let person = 1; person <= 51; person += 1) app.telegram.start(6_000 + person);
      await app.telegram.tried();
      const failing = await of({ PUBLIC_URL: "http://127.0.0.1:9" });
      expect(failing).toMatchObject({ status: "warning", text: "It leads here; 51 updates wait." });
      expect(failing.lines[0]).toStartWith("51 updates wait: ");
      expect(failing.lines[1]).toMatch(/^The last failure was at .+ UTC: Connection refused\. /);
      app.telegram.setWebhook(webhook);
    },
    EXAMINATIONS_MS_MAX,
  );
});
