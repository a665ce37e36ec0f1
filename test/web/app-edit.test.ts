import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BRISK, freeActionsUsed, getAs, sessionsOf, setFaults, useUpFreeActions } from "../support/app-calls.ts";
import { ANNA, type AppStage, type AppTab, BORIS, setAppStage } from "../support/app-stage.ts";
import { closeBrowser } from "../support/browser.ts";
import { lane } from "../support/database.ts";
import { until } from "../support/until.ts";
import { fits, usable } from "../support/usable.ts";

const STAGE_DEADLINE_MS = 60_000;
const STORY_DEADLINE_MS = 40_000;
const PICTURE_MS_MAX = 20_000;
/** In pixels. */
const TABS_HEIGHT = 56;
const PHONE = { width: 360, height: 780 };

let stage: AppStage;

/** A tab in which a photo stands ready to be talked about. */
const withPhoto = async (options: Parameters<AppStage["open"]>[0] = {}): Promise<AppTab> => {
  const tab = await stage.open({ at: "edit", viewport: PHONE, ...options });
  await tab.page.locator("[data-sample=person]").click();
  await field(tab).waitFor();
  return tab;
};
const field = (tab: AppTab) => tab.page.locator(".edit-field textarea");
const say = async (tab: AppTab, words: string) => {
  await field(tab).fill(words);
  await tab.page.locator(".edit-send").click();
};
const mine = (tab: AppTab) => tab.page.locator(".bubble-mine").allTextContents();
const variants = (tab: AppTab) => tab.page.locator("section .variant");
const pictures = (tab: AppTab) => tab.page.locator(".edit-picture:has(img)");
const links = (tab: AppTab) => tab.page.locator(".chain-link");
const marked = (tab: AppTab) =>
  tab.page
    .locator(".chain-link")
    .evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed")).indexOf("true"));
/** What the assistant has written so far. */
const spoken = async (tab: AppTab): Promise<string> =>
  (await tab.page.locator(".bubble-theirs:not(.bubble-writing)").allTextContents()).join("");
/** How far the end of the page is away, in pixels. */
const toEnd = async (tab: AppTab): Promise<number> =>
  Number(await tab.page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY"));
const used = (personId: number) => freeActionsUsed(stage, personId);
const sessions = (personId: number) => sessionsOf(stage, personId);
const fault = (switches: object, provider?: "kie") => setFaults(stage, switches, provider);

describe.skipIf(lane === "postgres")("editing in the Mini App (in one lane: pages do not know the database)", () => {
  beforeAll(async () => {
    stage = await setAppStage();
    await fault({ "kie.pace": { mode: "pace", delayMs: 300 } }, "kie");
    await fault(BRISK);
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await stage.stop();
  }, STAGE_DEADLINE_MS);

  test(
    "from a sample photo to two pictures in a chain, by two turns; an earlier one can be gone back to",
    async () => {
      const tab = await stage.open({ at: "edit", viewport: PHONE });
      await tab.says("Photo to change");
      await usable(tab, "edit-start");
      await tab.page.locator("[data-sample=person]").click();
      await tab.says("What shall we change?");
      await usable(tab, "edit-greeting");
      // The keyboard of a phone covers the lower part; what is written stays in view, right above it.
      const bottom = () => tab.page.evaluate(`document.querySelector(".edit-composer").getBoundingClientRect().bottom`);
      const keyboard = (height: number) =>
        tab.page.evaluate(`Object.defineProperty(visualViewport, "height", { get: () => ${height}, configurable: true });
          visualViewport.dispatchEvent(new Event("resize"))`);
      await keyboard(420);
      await until(async () => (await bottom()) === 420, "the field above the keyboard");
      await keyboard(PHONE.height);
      await until(async () => (await bottom()) === PHONE.height - TABS_HEIGHT, "the field above the tabs");
      await say(tab, "make the jacket red");
      await until(async () => (await variants(tab).count()) === 3, "three variants");
      await usable(tab, "edit-variants");
      await variants(tab).nth(1).getByRole("button").click();
      await tab.says("You may leave");
      await fits(tab, "edit-making");
      await tab.page.getByLabel("Compare before and after").waitFor({ timeout: PICTURE_MS_MAX });
      await usable(tab, "edit-made");
      await until(async () => (await links(tab).count()) === 2, "the picture is a link of the chain");
      expect(await marked(tab)).toBe(1);
      await until(async () => Math.abs(await toEnd(tab)) < 2, "the newest is in view");

      await say(tab, "now black and white");
      await until(async () => (await variants(tab).count()) === 3, "three more");
      await variants(tab).nth(0).getByRole("button").click();
      await until(async () => (await links(tab).count()) === 3, "two pictures", PICTURE_MS_MAX);
      expect([await pictures(tab).count(), await marked(tab)]).toEqual([2, 2]);
      const list = (await getAs(stage, ANNA, "/generations?type=editing")) as { items: Array<Record<string, string>> };
      expect(list.items.length).toBe(2);
      expect(list.items[0]?.base_generation_id).toBe(list.items[1]?.id ?? "");
      expect(await used(ANNA)).toBe(4);
      await fits(tab, "edit-chain");

      await links(tab).nth(0).click();
      expect(await marked(tab)).toBe(0);
      await tab.page.reload();
      await until(async () => (await links(tab).count()) === 3, "the chain is there again");
      expect(await marked(tab)).toBe(0);
      // Two messages, and under which title each picture was chosen.
      expect(await mine(tab)).toEqual([
        "You: make the jacket red",
        "You: Clear: make the jacket",
        "You: now black and white",
        "You: Subtle: now black and",
      ]);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "without a network in mid-answer it says so; back again the answer stands there, charged once",
    async () => {
      await fault({ "openrouter.pace": { mode: "pace", delayMs: 25 } });
      const tab = await withPhoto({ as: BORIS });
      await say(tab, "make the jacket blue");
      await until(async () => /Three ways/.test(await spoken(tab)), "the first words");
      await tab.offline(true);
      await tab.says("The answer will be here when it is back.");
      await fits(tab, "edit-offline");
      await until(async () => ((await sessions(BORIS))[0]?.message_count ?? 0) === 2, "it is answered meanwhile");
      await fault({ "openrouter.answer": null, ...BRISK });
      await tab.offline(false);
      await until(async () => (await variants(tab).count()) === 3, "three variants");
      expect(await tab.page.locator(".bubble-mine").count()).toBe(1);
      expect(await tab.page.locator(".bubble-theirs").count()).toBe(1);
      expect([await used(BORIS), (await sessions(BORIS)).length]).toEqual([1, 1]);

      // What is said without a network goes out by itself; an order whose answer is lost is sent again as the same one.
      await tab.offline(true);
      await say(tab, "and the sky green");
      await tab.says("The answer will be here when it is back.");
      await tab.offline(false);
      await until(async () => (await variants(tab).count()) === 3, "three more");
      let lost = 0;
      await tab.page.route("**/editing/generate", async (route) => {
        if (lost > 0) return route.continue();
        lost += 1;
        await route.fetch();
        return route.abort();
      });
      await variants(tab).nth(2).getByRole("button").click();
      await tab.page.getByLabel("Compare before and after").waitFor({ timeout: PICTURE_MS_MAX });
      expect([lost, await pictures(tab).count(), await used(BORIS)]).toEqual([1, 1, 3]);
      expect(tab.complaints.every((line) => /ERR_|WebSocket/.test(line))).toBe(true);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a reload in mid-answer and in mid-picture loses nothing; it goes on where it was",
    async () => {
      await fault({ "openrouter.pace": { mode: "pace", delayMs: 25 } });
      const tab = await withPhoto({ as: 1004 });
      await say(tab, "make the jacket green");
      await until(async () => (await spoken(tab)) !== "", "the first words");
      await tab.page.reload();
      await until(async () => (await variants(tab).count()) === 3, "three variants", PICTURE_MS_MAX);
      await fault({ "openrouter.answer": null, ...BRISK });
      expect(await tab.page.locator(".bubble-mine").count()).toBe(1);
      await variants(tab).nth(0).getByRole("button").click();
      await tab.says("You may leave");
      await tab.page.reload();
      await tab.page.getByLabel("Compare before and after").waitFor({ timeout: PICTURE_MS_MAX });
      expect(await used(1004)).toBe(2);

      // In a window that knows nothing of it the conversation is found in the list.
      await tab.page.evaluate("sessionStorage.removeItem('atelier.edit')");
      await tab.page.reload();
      await tab.says("Earlier chats");
      await fits(tab, "edit-start-again");
      await tab.page.locator(".rows button").first().click();
      await until(async () => (await links(tab).count()) === 2, "photo and picture");
      await tab.page.getByRole("link", { name: "Open the picture" }).click();
      await tab.page.getByRole("button", { name: "Send to chat" }).waitFor();
      const { pathname, hash } = new URL(tab.page.url());
      expect(pathname + hash).toStartWith("/#/pictures/");

      // A picture of its own begins a conversation when it lies in none that is open.
      await tab.page.evaluate("sessionStorage.removeItem('atelier.edit')");
      await tab.page.reload();
      await tab.page.getByRole("button", { name: "Change something in it" }).click();
      await until(async () => tab.page.url().endsWith("#/edit"), "the address says no more than where one is");
      await tab.says("What shall we change?");
      await say(tab, "sandbox:moderated");
      await until(async () => (await variants(tab).count()) === 3, "three variants");
      expect([await links(tab).count(), (await sessions(1004)).length]).toEqual([1, 2]);
      await variants(tab).nth(0).getByRole("button").click();
      await tab.page.getByRole("button", { name: "Try it again" }).waitFor({ timeout: PICTURE_MS_MAX });
      await tab.says("You were not charged.");
      await usable(tab, "edit-not-made");
      expect(await used(1004)).toBe(3);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "what cannot be answered costs nothing and gives the words back; without credits it is said what to do",
    async () => {
      const tab = await withPhoto({ as: 1005 });
      await fault({ "openrouter.answer": { mode: "two_variants" } });
      await say(tab, "make it colder");
      await tab.page.locator(".notice").waitFor();
      await fault({ "openrouter.answer": null, ...BRISK });
      await tab.says(/not charged/);
      expect(await field(tab).inputValue()).toBe("make it colder");
      await fits(tab, "edit-not-answered");
      await say(tab, "порно");
      await until(async () => (await field(tab).inputValue()) === "порно", "the words are back");
      await tab.page.locator(".notice").waitFor();
      expect(await used(1005)).toBe(0);
      await useUpFreeActions(stage, 1005);
      await tab.page.getByText("credit", { exact: false }).first().waitFor();
      await say(tab, "make it warmer");
      await tab.page.locator(".notice").waitFor();
      await fits(tab, "edit-no-credits");
      expect(await field(tab).inputValue()).toBe("make it warmer");
      // Whoever looks elsewhere finds photo and words again.
      await tab.page.locator("nav.tabs").getByText("Pictures").click();
      await tab.says("Your pictures will be here.");
      await tab.page.locator("nav.tabs").getByText("Edit").click();
      expect(await field(tab).inputValue()).toBe("make it warmer");
      expect(await links(tab).count()).toBe(1);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "in Russian, dark, by a slow network and with no socket at all; started over after a question",
    async () => {
      const tab = await stage.blank({ viewport: PHONE, colorScheme: "dark", locale: "ru-RU" });
      await tab.page.routeWebSocket(/editing\/chat/, (socket) => socket.close());
      await tab.page.goto(`${stage.server.base}/?sandbox=1003#/edit`);
      await tab.page.locator("[data-sample=person]").waitFor();
      await fits(tab, "edit-start-ru-dark");
      await tab.page.locator("[data-sample=person]").click();
      await tab.says("Что изменим?");
      await tab.slow(true);
      await fits(tab, "edit-greeting-ru-dark");
      await say(tab, "сделай куртку красной");
      await fits(tab, "edit-writing-ru-dark");
      await until(async () => (await variants(tab).count()) === 3, "three variants", PICTURE_MS_MAX);
      await usable(tab, "edit-variants-ru-dark");
      await field(tab).fill("чёрно-белое");
      await tab.press("Нарисовать сразу");
      await tab.says("Можно уйти");
      expect(await field(tab).inputValue()).toBe("");
      expect((await mine(tab)).at(-1)).toBe("Вы: чёрно-белое");
      await tab.slow(false);
      await tab.page.getByLabel("Сравнить до и после").waitFor({ timeout: PICTURE_MS_MAX });
      await usable(tab, "edit-made-ru-dark");
      await tab.press("Начать заново");
      await usable(tab, "edit-reset-ru-dark");
      await tab.page.getByRole("dialog").getByRole("button", { name: "Начать заново" }).click();
      await tab.says("Что изменим?");
      expect([await links(tab).count(), await pictures(tab).count()]).toEqual([1, 0]);
      expect((await sessions(1003)).map(({ message_count: count }) => count)).toEqual([0]);
      expect(await used(1003)).toBe(2);
      await say(tab, "сделай теплее");
      await until(async () => (await variants(tab).count()) === 3, "three variants", PICTURE_MS_MAX);
      await tab.page.getByRole("link", { name: "Беседы" }).click();
      await tab.page.locator(".rows").getByText("сделай теплее").waitFor();
      await usable(tab, "edit-earlier-ru-dark");
      expect(tab.complaints.filter((line) => !line.includes("WebSocket"))).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "at a desk Enter sends and Shift+Enter begins a line; a long message says how much room is left",
    async () => {
      const tab = await withPhoto({ as: 1006, hasTouch: false, viewport: { width: 1100, height: 800 } });
      await field(tab).pressSequentially("make it");
      await tab.page.keyboard.press("Shift+Enter");
      await field(tab).pressSequentially("brighter");
      expect(await field(tab).inputValue()).toBe("make it\nbrighter");
      await tab.page.keyboard.press("Enter");
      await until(async () => (await variants(tab).count()) === 3, "three variants");
      await until(async () => Math.abs(await toEnd(tab)) < 2, "the newest is in view");
      await field(tab).fill("x".repeat(1_200));
      await tab.says("1,000 of 1,000 characters");
      await fits(tab, "edit-desk");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
