import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { createTelegramClient, type TelegramClient } from "../../src/providers/telegram/client.ts";
import type { RunningSandbox } from "../../src/sandbox/server.ts";
import { closeBrowser, openBrowser } from "../support/browser.ts";
import { picture } from "../support/pictures.ts";
import { type SandboxServer, startSandboxServer } from "../support/sandbox-server.ts";

const ATTACK = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>"'&`;
const WAIT_MS = 5_000;
/** A browser has work to do. */
const TEST_MS_MAX = 30_000;

let server: SandboxServer;
let sandbox: RunningSandbox;
let base: string;
let bot: TelegramClient;
const png = await picture({ width: 300, height: 400, format: "png" });

beforeAll(async () => {
  // The bot says here only what a test makes it say.
  server = await startSandboxServer((started) => started.telegram.setWebhook(undefined));
  ({ base, sandbox } = server);
  bot = createTelegramClient({
    apiUrl: sandbox.telegram.url,
    botToken: sandbox.telegram.botToken,
    log: silentLog,
    loopbackAllowed: true,
  });
}, 60_000);
afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

interface Opened {
  page: Page;
  context: BrowserContext;
  /** What the page asked for and what it complained of. */
  requests: string[];
  complaints: string[];
}

/** A phone that looks at `path` below `/sandbox/telegram/chat/`. */
async function look(
  path: string,
  options: { dark?: boolean; scripts?: boolean; width?: number } = {},
): Promise<Opened> {
  const context = await (await openBrowser()).newContext({
    viewport: { width: options.width ?? 390, height: 780 },
    colorScheme: options.dark === true ? "dark" : "light",
    javaScriptEnabled: options.scripts !== false,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${base}/sandbox/telegram/chat/${path}`);
  if (options.scripts !== false) await page.locator("body[data-live=yes]").waitFor({ timeout: WAIT_MS });
  return { page, context, requests, complaints };
}

const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const state = (page: Page) => page.locator("body").getAttribute("data-state");
const inChat = (id: number) => sandbox.telegram.messages(id).map(({ from, text }) => `${from}: ${text}`);

describe("the chat page", () => {
  test(
    "is lived in: start, hear the bot, write, block, unblock, with nothing loaded again",
    async () => {
      const id = 3_001;
      const { page, context, requests, complaints } = await look(String(id));
      let loads = 0;
      page.on("load", () => {
        loads += 1;
      });
      expect(await page.textContent("body")).toContain("SANDBOX");
      expect(await page.title()).toStartWith("SANDBOX");
      expect(await page.getByRole("button", { name: "Start", exact: true }).isVisible()).toBe(true);
      expect(await page.getByLabel("Message", { exact: true }).isVisible()).toBe(false);

      await press(page, "Start");
      await page.locator("body[data-state=started]").waitFor();
      expect(inChat(id)).toEqual(["person: /start"]);
      expect(await page.getByRole("button", { name: "Start", exact: true }).isVisible()).toBe(false);

      // The bot's words come by themselves.
      await bot.sendMessage({
        chatId: id,
        text: "Картинка готова",
        button: { text: "Открыть приложение", url: `${base}/docs`, opensApp: true },
      });
      await page.getByText("Картинка готова").waitFor();
      expect(await page.getByRole("link", { name: "Открыть приложение" }).isVisible()).toBe(true);

      await page.getByLabel("Message", { exact: true }).fill("Спасибо!");
      await press(page, "Send");
      await page.locator("article.person").getByText("Спасибо!").waitFor();
      expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe("");

      await press(page, "Block");
      await page.locator("body[data-state=blocked]").waitFor();
      expect(sandbox.telegram.person(id).state).toBe("blocked");
      expect(await page.getByLabel("Message", { exact: true }).isVisible()).toBe(false);
      await press(page, "Unblock");
      await page.locator("body[data-state=started]").waitFor();
      expect(inChat(id).slice(0, 3)).toEqual(["person: /start", "bot: Картинка готова", "person: Спасибо!"]);

      expect(loads).toBe(0);
      expect(complaints).toEqual([]);
      // Nothing came from anywhere but the server's own port.
      expect(requests.filter((url) => !url.startsWith(base) && !url.startsWith("data:"))).toEqual([]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "shows photos and documents as thumbnails, and saves them byte by byte under their names",
    async () => {
      const id = 3_002;
      sandbox.telegram.start(id);
      const file = { bytes: png, fileName: "примерка 17.png", mime: "image/png" };
      await bot.sendPhoto({ chatId: id, photo: file, caption: "Вот" });
      await bot.sendDocument({ chatId: id, document: file });
      const text = new TextEncoder().encode("<script>window.hit=1</script>");
      await bot.sendDocument({ chatId: id, document: { bytes: text, fileName: "a.html", mime: "text/html" } });
      const { page, context, complaints } = await look(String(id));
      const widths = await page
        .locator("img")
        .evaluateAll((images) =>
          images.map((image) => [(image as HTMLImageElement).naturalWidth, (image as HTMLImageElement).width > 50]),
        );
      expect(widths).toEqual([
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
      sandbox.telegram.start(3_003);
      await bot.sendDocument({ chatId: 3_003, document: { bytes: png, fileName: "a.png", mime: "image/png" } });
      const fileId = sandbox.telegram.messages(3_003).at(-1)?.attachment?.fileId;
      const at = (id: number) => fetch(`${base}/sandbox/telegram/chat/${id}/file/${fileId}`);
      expect([(await at(3_003)).status, (await at(3_004)).status]).toEqual([200, 404]);
    },
    TEST_MS_MAX,
  );

  test(
    "shows what people, the bot and links say as text, never as a page",
    async () => {
      const id = 3_005;
      sandbox.telegram.person(id, {
        firstName: ATTACK,
        username: ATTACK,
        languageCode: `en"><script>window.hit=1</script>`,
      });
      sandbox.telegram.start(id);
      const { page, context } = await look(String(id));
      sandbox.telegram.say(id, ATTACK);
      await bot.sendMessage({
        chatId: id,
        text: `${ATTACK} https://example.org/"onmouseover="window.hit=1 javascript:alert(1)`,
        button: { text: ATTACK, url: `https://example.org/?q="><script>window.hit=1</script>`, opensApp: false },
      });
      await bot.sendDocument({ chatId: id, document: { bytes: png, fileName: `${ATTACK}.png`, mime: "image/png" } });
      await page.locator("article.bot").nth(1).waitFor();
      await page.goto(
        `${base}/sandbox/telegram/chat/${id}?start=${encodeURIComponent(`"><script>window.hit=1</script>`)}`,
      );
      await page.goto(`${base}/sandbox/telegram/chat/`);
      expect(await page.textContent("main")).toContain(ATTACK);
      await page.goto(`${base}/sandbox/telegram/chat/${id}`);
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
      sandbox.telegram.person(id, { firstName: "Вера", languageCode: "ru" });
      sandbox.telegram.start(id);
      const button = { text: "В приложение", url: `${base}/health/live?from=bot`, opensApp: true };
      const referral = `https://t.me/${sandbox.telegram.botName}/app?startapp=ref_7F3K`;
      await bot.sendMessage({ chatId: id, text: `Ваша ссылка: ${referral}.`, button });
      const { page, context } = await look(String(id));
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
        const response = await fetch(`${base}/api/v1/auth/telegram`, {
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
      expect(fromMenu.origin + fromMenu.pathname).toBe(`${base}/`);
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
        const answer = await fetch(`${base}/sandbox/telegram/chat/${id}/open?${query}`, { redirect: "manual" });
        expect({ query, status: answer.status }).toEqual({ query, status: 404 });
      }
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "a link with ?start= offers Start once more, and sends what the link says",
    async () => {
      const id = 3_007;
      const { page, context } = await look(`${id}?start=ref_AB12`);
      await press(page, "Start (from a link)");
      await page.getByText("/start ref_AB12").waitFor();
      expect(await state(page)).toBe("started");
      expect(await page.getByRole("button", { name: "Start (from a link)" }).isVisible()).toBe(false);
      expect(inChat(id)[0]).toBe("person: /start ref_AB12");
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "says what cannot be done",
    async () => {
      const id = 3_008;
      sandbox.telegram.start(id);
      const { page, context } = await look(String(id));
      // Behind the page's back.
      sandbox.telegram.person(id, { state: "deactivated" });
      await page.locator("body[data-state=deactivated]").waitFor();
      expect(await page.locator("#status").textContent()).toContain("deactivated");
      const answer = await fetch(`${base}/sandbox/telegram/chat/${id}`, {
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
      const { page, context } = await look(String(id), { scripts: false });
      await press(page, "Start");
      await page.getByLabel("Message", { exact: true }).fill("без скриптов");
      await press(page, "Send");
      await page.locator("article.person").nth(1).waitFor();
      expect(inChat(id).filter((line) => line.startsWith("person"))).toEqual([
        "person: /start",
        "person: без скриптов",
      ]);
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "is light or dark as the phone is, and fits a narrow one",
    async () => {
      const id = 3_010;
      sandbox.telegram.start(id);
      const photo = {
        bytes: await picture({ width: 2_000, height: 300 }),
        fileName: `${"x".repeat(90)}.jpg`,
        mime: "image/jpeg",
      };
      await bot.sendPhoto({ chatId: id, photo });
      await bot.sendMessage({ chatId: id, text: "w".repeat(300) });
      const back = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const colours: string[] = [];
      for (const dark of [false, true]) {
        const { page, context } = await look(String(id), { dark, width: 320 });
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
      sandbox.telegram.person(3_011, { firstName: "Глеб" });
      const { page, context } = await look("", { scripts: false });
      await page.getByRole("link", { name: /^Глеб \(3011\)/ }).click();
      expect(page.url()).toBe(`${base}/sandbox/telegram/chat/3011`);
      await page.getByRole("link", { name: "All chats" }).click();
      await page.getByLabel("Telegram id").fill("3012");
      await press(page, "Open");
      expect(page.url()).toBe(`${base}/sandbox/telegram/chat/3012`);
      for (const path of ["x", "0", "1/../2/nowhere", "3012/nowhere"]) {
        expect((await fetch(`${base}/sandbox/telegram/chat/${path}`)).status).toBe(404);
      }
      await context.close();
    },
    TEST_MS_MAX,
  );

  test(
    "the API stays on loopback: it is not behind the server's own port",
    async () => {
      for (const path of [`bot${sandbox.telegram.botToken}/getMe`, "file/botx/photos/y"]) {
        expect((await fetch(`${base}/sandbox/telegram/${path}`)).status).toBe(404);
      }
    },
    TEST_MS_MAX,
  );
});
