import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { violationsOn } from "../support/accessibility.ts";
import { closeBrowser, openBrowser } from "../support/browser.ts";
import { lane } from "../support/database.ts";
import { HOSTILE_NAME, type PanelStage, setPanelStage } from "../support/panel-stage.ts";
import { screenshot } from "../support/screenshots.ts";
import { until } from "../support/until.ts";

const STAGE_DEADLINE_MS = 60_000;
const STORY_DEADLINE_MS = 30_000;
/** For one thing on a page; less than a test has, so that it fails there and not the browser under it. */
const WAIT_MS = 10_000;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

let stage: PanelStage;
const complaints: string[] = [];

/** A tab of its own. What the browser complains of anywhere is collected: a script or style that the policy refused, an error. */
async function openTab(options: {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  locale?: string;
}): Promise<Page> {
  const browser = await openBrowser();
  const context = await browser.newContext({ viewport: DESK, locale: "en-GB", acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  return page;
}

/** The same, with the owner inside. */
async function enterPanel(options: Parameters<typeof openTab>[0] = {}): Promise<Page> {
  const page = await openTab(options);
  await page.goto(await stage.link());
  await page.locator("nav").waitFor();
  return page;
}

const go = async (page: Page, where: string) => {
  await page.goto(`${stage.server.base}/admin#/${where}`);
  await page.locator("main h1").waitFor();
  await page.locator(".waiting").first().waitFor({ state: "detached" });
};
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const inDialog = (page: Page) => page.getByRole("dialog");
const confirm = (page: Page, name: string) => inDialog(page).getByRole("button", { name, exact: true }).click();
const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: 5_000 });
/** The value beside a name in a list of facts or tiles. */
const factOf = (page: Page, name: string) => page.locator(`dt:text-is("${name}") + dd`).first();

describe.skipIf(lane === "postgres")("the owner's panel (in one lane: pages do not know the database)", () => {
  let page: Page;
  beforeAll(async () => {
    stage = await setPanelStage();
    page = await enterPanel();
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await stage.stop();
  }, STAGE_DEADLINE_MS);

  test(
    "a link signs in once, and its token stands neither in the address nor in what other tabs see",
    async () => {
      const link = await stage.link();
      const tab = await openTab({});
      await tab.goto(link);
      await tab.locator("nav").waitFor();
      expect(tab.url()).toBe(`${stage.server.base}/admin`);
      expect(await tab.evaluate("localStorage.length")).toBe(0);
      expect(await tab.evaluate("document.cookie")).toBe("");
      await tab.reload();
      await tab.locator("nav").waitFor();

      const other = await openTab({});
      await other.goto(link);
      await says(other, "The owner's panel");
      await other.getByRole("alert").waitFor();
      expect(await other.locator("nav").count()).toBe(0);
      expect(complaints.splice(0).every((line) => line.includes("401"))).toBe(true);
      await press(tab, "Sign out");
      await says(tab, "The owner's panel");
      expect(await tab.evaluate("sessionStorage.getItem('atelier.session')")).toBeNull();
      await tab.context().close();
      await other.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "inside Telegram its signed data signs in, its colours are taken on, and neither stays in the address",
    async () => {
      const tab = await openTab({});
      const launch = new URLSearchParams({
        tgWebAppData: stage.initData(),
        tgWebAppVersion: "8.0",
        tgWebAppPlatform: "android",
        tgWebAppThemeParams: JSON.stringify({
          bg_color: "#1d2733",
          text_color: "#ffffff",
          secondary_bg_color: "#151e27",
        }),
      });
      await tab.goto(`${stage.server.base}/admin#${launch}`);
      await tab.locator("nav").waitFor();
      expect(tab.url()).toBe(`${stage.server.base}/admin`);
      const colour = await tab.evaluate("getComputedStyle(document.querySelector('.look')).backgroundColor");
      expect(colour).toBe("rgb(21, 30, 39)");
      expect(await tab.locator(".look-dark").count()).toBe(1);
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "whoever may only look is offered nothing else",
    async () => {
      const tab = await openTab({});
      await tab.goto(await stage.link("viewer"));
      await tab.locator("nav").waitFor();
      expect(await tab.getByRole("link", { name: "Audit trail" }).count()).toBe(0);
      for (const where of [`people/${stage.anna.id}`, `payments/${stage.paymentId}`, "tax", "queue", "broadcasts"]) {
        await go(tab, where);
        expect([where, await tab.locator("main button").allTextContents()]).toEqual([where, []]);
      }
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "finds a person, grants with a reason, and the journal shows both",
    async () => {
      await go(page, "people");
      await page.getByLabel("Search").fill("@anna");
      await until(async () => (await page.locator("tbody tr").count()) === 1, "the search leaves one");
      await page.getByRole("link", { name: "Анна" }).click();
      await says(page, "60 / 60");
      await press(page, "Grant credits");
      const grant = inDialog(page).getByRole("button", { name: "Grant credits", exact: true });
      await inDialog(page).getByLabel("Credits").fill("21");
      expect(await grant.isDisabled()).toBe(true);
      await inDialog(page).getByLabel("Reason").fill("ticket 4711");
      await grant.click();
      await says(page, "21 credits were granted");
      await until(async () => (await factOf(page, "Credits").textContent()) === "81", "the card shows 81 credits");
      await go(page, "audit");
      const row = page.locator("tbody tr").filter({ hasText: "person.grant" });
      await row.first().waitFor();
      expect(await row.count()).toBe(1);
      expect(await row.textContent()).toContain("ticket 4711");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "blocks a person and lets them in again; their name stays text",
    async () => {
      await go(page, `people/${stage.hostile.id}`);
      expect(await page.locator("h1").textContent()).toBe(HOSTILE_NAME);
      expect(await page.locator("main img").count()).toBe(0);
      await press(page, "Block");
      await inDialog(page).getByLabel("Reason").fill("spam");
      await confirm(page, "Block");
      await says(page, "The person is blocked");
      const refused = await fetch(`${stage.server.base}/api/v1/balance`, { headers: stage.hostile.headers });
      expect(refused.status).not.toBe(200);
      await press(page, "Let in again");
      await inDialog(page).getByLabel("Reason").fill("it was a mistake");
      await confirm(page, "Let in again");
      await says(page, "The person may come in again");
      expect(await page.title()).not.toBe("hacked");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "marks a sale as registered",
    async () => {
      await go(page, "tax");
      await press(page, "Mark registered");
      await inDialog(page).getByLabel("Receipt").fill("20ab3kq9zx");
      await inDialog(page).getByLabel("Reason").fill("done by hand");
      await confirm(page, "Mark registered");
      await says(page, "The sale is marked as registered");
      await says(page, "20ab3kq9zx");
      expect(await page.locator("tbody tr").first().textContent()).toContain("registered");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "refunds half after its consequences were shown, and they come true",
    async () => {
      await go(page, `payments/${stage.paymentId}`);
      await press(page, "Refund");
      await inDialog(page).getByLabel("How much, roubles").fill("199.50");
      const preview = inDialog(page).locator("dl");
      await until(async () => (await preview.textContent())?.includes("7.98") ?? false, "the preview for half");
      const shown = async (name: string) => (await factOf(page, name).textContent())?.replace(/[^\d.→]/g, "");
      const inPreview = (name: string) => preview.locator(`dt:text-is("${name}") + dd`).textContent();
      expect((await inPreview("Stays paid"))?.replace(/[^\d.]/g, "")).toBe("199.50");
      expect(await inPreview("Credits taken back")).toBe("30");
      expect(await inPreview("Credits used, kept")).toBe("0");
      expect((await inPreview("Tax"))?.replace(/[^\d.→]/g, "")).toBe("15.96→7.98");
      await inDialog(page).getByLabel("Reason").fill("half was not needed");
      await inDialog(page)
        .getByRole("button", { name: /^Refund .*199/ })
        .click();
      await says(page, "goes back to the payer");
      await until(async () => (await shown("Refunded")) === "199.50", "the card shows the refund", 10_000);
      await until(async () => {
        await page.reload();
        await says(page, "Refunds");
        return (await factOf(page, "Credits").textContent()) === "30 / 60";
      }, "half of the credits are gone");
      expect(await shown("Tax")).toBe("7.98");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "runs a dead letter again",
    async () => {
      await go(page, "queue");
      await until(async () => (await factOf(page, "Dead letters").textContent()) === "1", "one dead letter");
      await press(page, "Run again");
      await inDialog(page).getByLabel("Reason").fill("try it once more");
      await confirm(page, "Run again");
      await says(page, "The job runs again");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "begins maintenance with a notice, and ends it",
    async () => {
      await go(page, "server");
      await press(page, "Begin maintenance");
      await inDialog(page).getByLabel("Text in Russian").fill("Переезжаем.");
      await inDialog(page).getByLabel("Reason").fill("a new server");
      await confirm(page, "Begin maintenance");
      await says(page, "New pictures are refused");
      const status = await fetch(`${stage.server.base}/api/v1/status`);
      expect(await status.json()).toMatchObject({ maintenance: { notice: expect.any(String) } });
      await press(page, "End maintenance");
      await inDialog(page).getByLabel("Reason").fill("moved");
      await confirm(page, "End maintenance");
      await says(page, "Off: new pictures are taken.");
    },
    STORY_DEADLINE_MS,
  );

  test(
    "drafts a broadcast, tries it on oneself, starts it",
    async () => {
      await go(page, "broadcasts");
      await press(page, "New broadcast");
      await inDialog(page).getByLabel("Text in Russian").fill("Новая зона примерки");
      await inDialog(page).getByLabel("Text in English").fill("A new <b>zone</b>");
      await inDialog(page).getByLabel("Reason").fill("spring news");
      await confirm(page, "Save draft");
      await says(page, "A new <b>zone</b>");
      const start = page.getByRole("button", { name: "Start", exact: true });
      expect(await start.isDisabled()).toBe(true);
      await press(page, "Send to me");
      await inDialog(page).getByLabel("Reason").fill("to look at it");
      await confirm(page, "Send to me");
      await says(page, "It is on its way to you");
      await until(async () => !(await start.isDisabled()), "it may start", WAIT_MS);
      await start.click();
      await inDialog(page).getByLabel("Reason").fill("looked at it");
      await confirm(page, "Start");
      await says(page, "The broadcast has started");
      await factOf(page, "Messages").waitFor();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "saves an export that only the signed-in may have",
    async () => {
      await go(page, "payments");
      const [saved] = await Promise.all([page.waitForEvent("download"), press(page, "Download CSV")]);
      expect(saved.suggestedFilename()).toBe("payments.csv");
      const bytes = await Bun.file(await saved.path()).text();
      expect(bytes).toContain("pack_60");
      expect(bytes.split("\n").length).toBeGreaterThan(1);
    },
    STORY_DEADLINE_MS,
  );

  test(
    "says what went wrong, what to do and the number of the request; a lost network too",
    async () => {
      await go(page, `people/${stage.anna.id}`);
      await page.route("**/api/v1/admin/people/*/message", (route) => route.abort());
      await press(page, "Message");
      await inDialog(page).getByLabel("Text").fill("Hello");
      await inDialog(page).getByLabel("Reason").fill("only a test");
      await confirm(page, "Send");
      await says(page, "No answer came");
      await page.unroute("**/api/v1/admin/people/*/message");
      await page.keyboard.press("Escape");
      await inDialog(page).waitFor({ state: "detached" });
      await page.goto(`${stage.server.base}/admin#/people/01a00000-0000-7000-8000-000000000000`);
      await says(page, /^Request [0-9a-z-]{8,}/i);
      expect(complaints.splice(0).every((line) => /404|ERR_FAILED/.test(line))).toBe(true);
    },
    STORY_DEADLINE_MS,
  );

  const PLACES = (): Record<string, string> => ({
    overview: "overview",
    people: "people",
    person: `people/${stage.anna.id}`,
    payments: "payments",
    payment: `payments/${stage.paymentId}`,
    tax: "tax",
    pictures: "generations",
    picture: `generations/${stage.generationId}`,
    queue: "queue",
    server: "server",
    economics: "sales",
    broadcasts: "broadcasts",
    audit: "audit",
  });
  // Both widths and both looks, once each; with SCREENSHOTS all four pairs, and what they look like.
  const LOOKS = [
    ["desk", DESK, "light", "en-GB"],
    ["phone", PHONE, "dark", "ru-RU"],
    ...(process.env.SCREENSHOTS
      ? ([
          ["desk", DESK, "dark", "ru-RU"],
          ["phone", PHONE, "light", "en-GB"],
        ] as const)
      : []),
  ] as const;
  for (const [device, viewport, colorScheme, locale] of LOOKS) {
    test(`every page can be used by everybody: ${device}, ${colorScheme}, ${locale}`, async () => {
      const tab = await enterPanel({ viewport, colorScheme, locale });
      const found: string[] = [];
      for (const [name, where] of Object.entries(PLACES())) {
        await go(tab, where);
        await screenshot(tab, `${name}-${device}-${colorScheme}`);
        found.push(...(await violationsOn(tab)).map((sentence) => `${name}: ${sentence}`));
        const wider = await tab.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect([name, wider]).toEqual([name, 0]);
      }
      await go(tab, `people/${stage.anna.id}`);
      await tab.locator(".head button").first().click();
      await screenshot(tab, `dialog-${device}-${colorScheme}`);
      found.push(...(await violationsOn(tab)).map((sentence) => `dialog: ${sentence}`));
      const stranger = await openTab({ viewport, colorScheme, locale });
      await stranger.goto(`${stage.server.base}/admin`);
      await stranger.locator("h1").waitFor();
      await screenshot(stranger, `sign-in-${device}-${colorScheme}`);
      found.push(...(await violationsOn(stranger)).map((sentence) => `sign-in: ${sentence}`));
      expect(found).toEqual([]);
      await tab.context().close();
      await stranger.context().close();
    }, 60_000);
  }

  test(
    "works by the keyboard alone: to a person's card, into a question and out of it",
    async () => {
      const tab = await enterPanel();
      await go(tab, "people");
      await tab.getByLabel("Search").focus();
      await tab.keyboard.type("@anna");
      await until(async () => (await tab.locator("tbody tr").count()) === 1, "the search leaves one");
      for (let presses = 0; presses < 10; presses += 1) {
        await tab.keyboard.press("Tab");
        if ((await tab.evaluate("document.activeElement.textContent")) === "Анна") break;
      }
      await tab.keyboard.press("Enter");
      await says(tab, "Where credits come from");
      await tab.getByRole("button", { name: "Grant credits" }).focus();
      await tab.keyboard.press("Enter");
      await inDialog(tab).waitFor();
      expect(await tab.evaluate("document.activeElement.closest('dialog') !== null")).toBe(true);
      await tab.keyboard.press("Escape");
      await inDialog(tab).waitFor({ state: "detached" });
      expect(await tab.evaluate("document.activeElement.textContent")).toBe("Grant credits");
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test("the browser had nothing to complain of: no script or style was refused, nothing threw", () => {
    expect(complaints).toEqual([]);
  });
});
