import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { picture } from "../support/pictures.ts";
import { becomes } from "../support/until.ts";
import { press, TEST_MS_MAX, useChatLane } from "./telegram-chat-lane.ts";

const state = (page: Page) => page.locator("body").getAttribute("data-state");

describe("the chat page", () => {
  const chat = useChatLane();

  test(
    "is lived in: start, hear the bot, write, block, unblock, with nothing loaded again",
    async () => {
      const id = 3_001;
      const { page, context, requests, complaints } = await chat().look(String(id));
      let loads = 0;
      page.on("load", () => {
        loads += 1;
      });
      expect(await page.textContent("body")).toContain("SANDBOX");
      expect(await page.title()).toStartWith("SANDBOX");
      await becomes(() => page.getByRole("button", { name: "Start", exact: true }).isVisible(), true);
      await becomes(() => page.getByLabel("Message", { exact: true }).isVisible(), false);

      await press(page, "Start");
      await page.locator("body[data-state=started]").waitFor();
      expect(chat().inChat(id)).toEqual(["person: /start"]);
      await becomes(() => page.getByRole("button", { name: "Start", exact: true }).isVisible(), false);

      // The bot's words come by themselves.
      await chat().bot.sendMessage({
        chatId: id,
        text: "Картинка готова",
        button: { text: "Открыть приложение", url: `${chat().base}/docs`, opensApp: true },
      });
      await page.getByText("Картинка готова").waitFor();
      await becomes(() => page.getByRole("link", { name: "Открыть приложение" }).isVisible(), true);

      await page.getByLabel("Message", { exact: true }).fill("Спасибо!");
      await press(page, "Send");
      await page.locator("article.person").getByText("Спасибо!").waitFor();
      await becomes(() => page.getByLabel("Message", { exact: true }).inputValue(), "");

      await press(page, "Block");
      await page.locator("body[data-state=blocked]").waitFor();
      expect(chat().telegram.person(id).state).toBe("blocked");
      await becomes(() => page.getByLabel("Message", { exact: true }).isVisible(), false);
      await press(page, "Unblock");
      await page.locator("body[data-state=started]").waitFor();
      expect(chat().inChat(id).slice(0, 3)).toEqual(["person: /start", "bot: Картинка готова", "person: Спасибо!"]);

      expect(loads).toBe(0);
      expect(complaints).toEqual([]);
      // Nothing came from anywhere but the server's own port.
      expect(requests.filter((url) => !url.startsWith(chat().base) && !url.startsWith("data:"))).toEqual([]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "a link with ?start= offers Start once more, and sends what the link says",
    async () => {
      const id = 3_007;
      const { page, context } = await chat().look(`${id}?start=ref_AB12`);
      await press(page, "Start (from a link)");
      await page.getByText("/start ref_AB12").waitFor();
      expect(await state(page)).toBe("started");
      await becomes(() => page.getByRole("button", { name: "Start (from a link)" }).isVisible(), false);
      expect(chat().inChat(id)[0]).toBe("person: /start ref_AB12");
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "says what cannot be done",
    async () => {
      const id = 3_008;
      chat().telegram.start(id);
      const { page, context } = await chat().look(String(id));
      // Behind the page's back.
      chat().telegram.person(id, { state: "deactivated" });
      await page.locator("body[data-state=deactivated]").waitFor();
      expect(await page.locator("#status").textContent()).toContain("deactivated");
      const answer = await fetch(`${chat().base}/sandbox/telegram/chat/${id}`, {
        method: "POST",
        body: new URLSearchParams({ act: "say", text: "x", live: "yes" }),
      });
      expect([answer.status, await answer.text()]).toEqual([422, "The account is deactivated."]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "works without scripts too",
    async () => {
      const id = 3_009;
      const { page, context } = await chat().look(String(id), { scripts: false });
      await press(page, "Start");
      await page.getByLabel("Message", { exact: true }).fill("без скриптов");
      await press(page, "Send");
      await page.locator("article.person").nth(1).waitFor();
      expect(
        chat()
          .inChat(id)
          .filter((line) => line.startsWith("person")),
      ).toEqual(["person: /start", "person: без скриптов"]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "is light or dark as the phone is, and fits a narrow one",
    async () => {
      const id = 3_010;
      chat().telegram.start(id);
      const photo = {
        bytes: await picture({ width: 2_000, height: 300 }),
        fileName: `${"x".repeat(90)}.jpg`,
        mime: "image/jpeg",
      };
      await chat().bot.sendPhoto({ chatId: id, photo });
      await chat().bot.sendMessage({ chatId: id, text: "w".repeat(300) });
      const back = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const colours: string[] = [];
      for (const dark of [false, true]) {
        const { page, context } = await chat().look(String(id), { dark, width: 320 });
        colours.push(await back(page));
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
        expect(await page.evaluate(() => document.querySelector("main")?.scrollWidth)).toBeLessThanOrEqual(320);
        await context.close();
      }
      expect(colours).toEqual(["rgb(223, 231, 236)", "rgb(14, 20, 25)"]);
    },
    TEST_MS_MAX,
  );

  test(
    "the list leads to every chat, and to new ones",
    async () => {
      chat().telegram.person(3_011, { firstName: "Глеб" });
      const { page, context } = await chat().look("", { scripts: false });
      await page.getByRole("link", { name: /^Глеб \(3011\)/ }).click();
      await page.waitForURL(`${chat().base}/sandbox/telegram/chat/3011`);
      await page.getByRole("link", { name: "All chats" }).click();
      await page.getByLabel("Telegram id").fill("3012");
      await press(page, "Open");
      await page.waitForURL(`${chat().base}/sandbox/telegram/chat/3012`);
      for (const path of ["x", "0", "1/../2/nowhere", "3012/nowhere"]) {
        expect((await fetch(`${chat().base}/sandbox/telegram/chat/${path}`)).status).toBe(404);
      }
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "the API stays on loopback: it is not behind the server's own port",
    async () => {
      for (const path of [`bot${chat().telegram.botToken}/getMe`, "file/botx/photos/y"]) {
        expect((await fetch(`${chat().base}/sandbox/telegram/${path}`)).status).toBe(404);
      }
    },
    TEST_MS_MAX,
  );
});
