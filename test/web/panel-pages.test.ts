import { describe, expect, test } from "bun:test";
import { violationsOn } from "../support/accessibility.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import {
  DESK,
  expectNoComplaints,
  inDialog,
  PHONE,
  press,
  STORY_DEADLINE_MS,
  says,
  usePanelDesk,
} from "../support/panel-desk.ts";
import { screenshot } from "../support/screenshots.ts";
import { becomes, until } from "../support/until.ts";
import { widerBy } from "../support/usable.ts";

/** For every page once. */
const LOOKS_DEADLINE_MS = 120_000;

describe.skipIf(lane === "postgres")("the panel's pages (in one lane: pages do not know the database)", () => {
  const desk = usePanelDesk();

  test(
    "a link signs in once, and its token stands neither in the address nor in what other tabs see",
    async () => {
      const link = await desk().stage.link();
      const tab = await desk().openTab();
      await tab.goto(link);
      await tab.locator("nav").waitFor();
      expect(tab.url()).toBe(`${desk().stage.server.base}/admin`);
      expect(await tab.evaluate("localStorage.length")).toBe(0);
      expect(await tab.evaluate("document.cookie")).toBe("");
      await tab.reload();
      await tab.locator("nav").waitFor();

      const other = await desk().openTab();
      await other.goto(link);
      await says(other, "The owner's panel");
      await other.getByRole("alert").waitFor();
      expect(await other.locator("nav").count()).toBe(0);
      expectOnly(desk().complaints, /401/);
      await press(tab, "Sign out");
      await says(tab, "The owner's panel");
      await becomes(() => tab.evaluate("sessionStorage.getItem('atelier.session')"), null);
      await tab.context().close();
      await other.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "inside Telegram its signed data signs in, its colours are taken on, and neither stays in the address",
    async () => {
      const tab = await desk().openTab();
      const launch = new URLSearchParams({
        tgWebAppData: desk().stage.initData(),
        tgWebAppVersion: "8.0",
        tgWebAppPlatform: "android",
        tgWebAppThemeParams: JSON.stringify({
          bg_color: "#1d2733",
          text_color: "#ffffff",
          secondary_bg_color: "#151e27",
        }),
      });
      await tab.goto(`${desk().stage.server.base}/admin#${launch}`);
      await tab.locator("nav").waitFor();
      expect(tab.url()).toBe(`${desk().stage.server.base}/admin`);
      const colour = () => tab.evaluate("getComputedStyle(document.querySelector('.look')).backgroundColor");
      await becomes(colour, "rgb(21, 30, 39)");
      expect(await tab.locator(".look-dark").count()).toBe(1);
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "whoever may only look is offered nothing else",
    async () => {
      const tab = await desk().openTab();
      await tab.goto(await desk().stage.link("viewer"));
      await tab.locator("nav").waitFor();
      expect(await tab.getByRole("link", { name: "Audit trail" }).count()).toBe(0);
      for (const where of [
        `people/${desk().stage.anna.id}`,
        `payments/${desk().stage.paymentId}`,
        "tax",
        "queue",
        `queue/${desk().stage.parkedJobId}`,
        "broadcasts",
        `broadcasts/${desk().stage.broadcastId}`,
      ]) {
        await desk().go(tab, where);
        expect([where, await tab.locator("main button").allTextContents()]).toEqual([where, []]);
      }
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  const PLACES = (): Record<string, string> => ({
    overview: "overview",
    people: "people",
    person: `people/${desk().stage.anna.id}`,
    payments: "payments",
    payment: `payments/${desk().stage.paymentId}`,
    tax: "tax",
    pictures: "generations",
    picture: `generations/${desk().stage.generationId}`,
    queue: "queue",
    job: `queue/${desk().stage.parkedJobId}`,
    server: "server",
    economics: "sales",
    broadcasts: "broadcasts",
    broadcast: `broadcasts/${desk().stage.broadcastId}`,
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
    test(
      `every page can be used by everybody: ${device}, ${colorScheme}, ${locale}`,
      async () => {
        const tab = await desk().enterPanel({ viewport, colorScheme, locale });
        const found: string[] = [];
        for (const [name, where] of Object.entries(PLACES())) {
          await desk().go(tab, where);
          await screenshot(tab, `${name}-${device}-${colorScheme}`);
          found.push(...(await violationsOn(tab)).map((sentence) => `${name}: ${sentence}`));
          expect([name, await widerBy(tab)]).toEqual([name, 0]);
        }
        await desk().go(tab, `people/${desk().stage.anna.id}`);
        await tab.locator(".head button").first().click();
        await screenshot(tab, `dialog-${device}-${colorScheme}`);
        found.push(...(await violationsOn(tab)).map((sentence) => `dialog: ${sentence}`));
        const stranger = await desk().openTab({ viewport, colorScheme, locale });
        await stranger.goto(`${desk().stage.server.base}/admin`);
        await stranger.locator("h1").waitFor();
        await screenshot(stranger, `sign-in-${device}-${colorScheme}`);
        found.push(...(await violationsOn(stranger)).map((sentence) => `sign-in: ${sentence}`));
        expect(found).toEqual([]);
        await tab.context().close();
        await stranger.context().close();
      },
      LOOKS_DEADLINE_MS,
    );
  }

  test(
    "works by the keyboard alone: to a person's card, into a question and out of it",
    async () => {
      const tab = await desk().enterPanel();
      await desk().go(tab, "people");
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
      await becomes(() => tab.evaluate("document.activeElement.closest('dialog') !== null"), true);
      await tab.keyboard.press("Escape");
      await inDialog(tab).waitFor({ state: "detached" });
      await becomes(() => tab.evaluate("document.activeElement.textContent"), "Grant credits");
      await tab.context().close();
    },
    STORY_DEADLINE_MS,
  );

  expectNoComplaints(desk);
});
