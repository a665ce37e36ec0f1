import { describe, expect, test } from "bun:test";
import { picture } from "../support/pictures.ts";
import { becomes } from "../support/until.ts";
import { TEST_MS_MAX, useChatLane } from "./telegram-chat-lane.ts";

const ATTACK = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>"'&`;
const png = await picture({ width: 300, height: 400, format: "png" });

describe("what stands in a chat", () => {
  const chat = useChatLane();

  test(
    "shows photos and documents as thumbnails, and saves them byte by byte under their names",
    async () => {
      const id = 3_002;
      chat().telegram.start(id);
      const file = { bytes: png, fileName: "примерка 17.png", mime: "image/png" };
      await chat().bot.sendPhoto({ chatId: id, photo: file, caption: "Вот" });
      await chat().bot.sendDocument({ chatId: id, document: file });
      const text = new TextEncoder().encode("<script>window.hit=1</script>");
      await chat().bot.sendDocument({ chatId: id, document: { bytes: text, fileName: "a.html", mime: "text/html" } });
      const { page, context, complaints } = await chat().look(String(id));
      const widths = () =>
        page
          .locator("img")
          .evaluateAll((images) =>
            images.map((image) => [(image as HTMLImageElement).naturalWidth, (image as HTMLImageElement).width > 50]),
          );
      await becomes(widths, [
        [300, true],
        [300, true],
      ]);
      const download = page.waitForEvent("download");
      await page.getByRole("link", { name: /^примерка 17\.png document/ }).click();
      const saved = await download;
      expect(saved.suggestedFilename()).toBe("примерка 17.png");
      expect(new Uint8Array(await Bun.file(await saved.path()).arrayBuffer())).toEqual(png);
      // What is no picture is never shown in the page's own place.
      const html = await page.getByRole("link", { name: /^a\.html/ }).getAttribute("href");
      const answer = await fetch(new URL(html ?? "", page.url()));
      expect(answer.headers.get("content-type")).toBe("application/octet-stream");
      expect(answer.headers.get("content-disposition")).toStartWith("attachment");
      expect(complaints).toEqual([]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "shows nobody another person's file",
    async () => {
      chat().telegram.start(3_003);
      await chat().bot.sendDocument({ chatId: 3_003, document: { bytes: png, fileName: "a.png", mime: "image/png" } });
      const fileId = chat().telegram.messages(3_003).at(-1)?.attachment?.fileId;
      const at = (id: number) => fetch(`${chat().base}/sandbox/telegram/chat/${id}/file/${fileId}`);
      expect([(await at(3_003)).status, (await at(3_004)).status]).toEqual([200, 404]);
    },
    TEST_MS_MAX,
  );

  test(
    "shows what people, the bot and links say as text, never as a page",
    async () => {
      const id = 3_005;
      chat().telegram.person(id, {
        firstName: ATTACK,
        username: ATTACK,
        languageCode: `en"><script>window.hit=1</script>`,
      });
      chat().telegram.start(id);
      const { page, context } = await chat().look(String(id));
      chat().telegram.say(id, ATTACK);
      await chat().bot.sendMessage({
        chatId: id,
        text: `${ATTACK} https://example.org/"onmouseover="window.hit=1 javascript:alert(1)`,
        button: { text: ATTACK, url: `https://example.org/?q="><script>window.hit=1</script>`, opensApp: false },
      });
      await chat().bot.sendDocument({
        chatId: id,
        document: { bytes: png, fileName: `${ATTACK}.png`, mime: "image/png" },
      });
      await page.locator("article.bot").nth(1).waitFor();
      await page.goto(
        `${chat().base}/sandbox/telegram/chat/${id}?start=${encodeURIComponent(`"><script>window.hit=1</script>`)}`,
      );
      await page.goto(`${chat().base}/sandbox/telegram/chat/`);
      expect(await page.textContent("main")).toContain(ATTACK);
      await page.goto(`${chat().base}/sandbox/telegram/chat/${id}`);
      expect(await page.locator("article.person").last().textContent()).toContain(ATTACK);
      // The page's own policy would stop such a script too; here not even the element is made.
      expect(await page.locator("main img").count()).toBe(1);
      expect(await page.locator("main script, footer script, header script").count()).toBe(0);
      expect(await page.locator("footer small").textContent()).toContain(ATTACK);
      expect(await page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined();
      const links = await page
        .locator("main a")
        .evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).protocol));
      expect(new Set(links)).toEqual(new Set(["http:", "https:"]));
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "opens the app as Telegram does: at its address, with launch data that signs this person in",
    async () => {
      const id = 3_006;
      chat().telegram.person(id, { firstName: "Вера", languageCode: "ru" });
      chat().telegram.start(id);
      const button = { text: "В приложение", url: `${chat().base}/health/live?from=bot`, opensApp: true };
      const referral = `https://t.me/${chat().telegram.botName}/app?startapp=ref_7F3K`;
      await chat().bot.sendMessage({ chatId: id, text: `Ваша ссылка: ${referral}.`, button });
      const { page, context } = await chat().look(String(id));
      // The Mini App takes its launch data out of the address at once; here it is the address that is looked at.
      await context.route("**/assets/**", (route) => route.abort());

      const openedBy = async (name: string | RegExp): Promise<URL> => {
        const opening = context.waitForEvent("page");
        await page.getByRole("link", { name }).click();
        const opened = await opening;
        await opened.waitForURL((url) => url.hash !== "");
        const url = new URL(opened.url());
        await opened.close();
        return url;
      };
      const signIn = async (url: URL) => {
        const initData = new URLSearchParams(url.hash.slice(1)).get("tgWebAppData") ?? "";
        const response = await fetch(`${chat().base}/api/v1/auth/telegram`, {
          method: "POST",
          headers: { authorization: `tma ${initData}` },
        });
        const answer = (await response.json()) as { user: { telegram_id: number } };
        return {
          status: response.status,
          telegramId: answer.user?.telegram_id,
          initData: new URLSearchParams(initData),
        };
      };
      const fromButton = await openedBy(/^В приложение/);
      expect(fromButton.pathname + fromButton.search).toBe("/health/live?from=bot");
      expect(await signIn(fromButton)).toMatchObject({ status: 200, telegramId: id });
      const fromMenu = await openedBy("Открыть");
      expect(fromMenu.origin + fromMenu.pathname).toBe(`${chat().base}/`);
      expect(await signIn(fromMenu)).toMatchObject({ status: 200, telegramId: id });
      const fromLink = await openedBy(referral);
      expect(fromLink.searchParams.get("tgWebAppStartParam")).toBe("ref_7F3K");
      const { status, initData } = await signIn(fromLink);
      expect({ status, parameter: initData.get("start_param") }).toEqual({ status: 200, parameter: "ref_7F3K" });
      expect(JSON.parse(initData.get("user") ?? "")).toMatchObject({
        id,
        first_name: "Вера",
        allows_write_to_pm: true,
      });
      // Launch data goes to addresses of the bot's own, never to one that a visitor names.
      for (const query of ["message=999999&row=0&place=0", "url=https://attacker.example/", ""]) {
        const answer = await fetch(`${chat().base}/sandbox/telegram/chat/${id}/open?${query}`, { redirect: "manual" });
        expect({ query, status: answer.status }).toEqual({ query, status: 404 });
      }
      await context.close();
    },
    TEST_MS_MAX,
  );
});
