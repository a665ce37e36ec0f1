import { describe, expect, test } from "bun:test";
import { freeActionsUsed, getAs, sessionsOf, setFaults, useUpFreeActions } from "../support/app-calls.ts";
import {
  BRISK,
  choose,
  field,
  links,
  marked,
  mine,
  offered,
  pictures,
  say,
  setPace,
  spoken,
  toEnd,
  UNHURRIED,
  withPhoto,
} from "../support/app-editing.ts";
import { ANNA, BORIS, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { until } from "../support/until.ts";
import { fits, usable } from "../support/usable.ts";

/** In pixels. */
const TABS_HEIGHT = 56;

interface Made {
  id: string;
  base_generation_id?: string;
}

describe.skipIf(lane === "postgres")("editing in the Mini App (in one lane: pages do not know the database)", () => {
  const stage = useAppStage(setPace);

  test(
    "from a sample photo to two pictures in a chain, by two turns; an earlier one can be gone back to",
    async () => {
      const tab = await stage().open({ at: "edit", viewport: SMALL_PHONE });
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
      await keyboard(SMALL_PHONE.height);
      await until(async () => (await bottom()) === SMALL_PHONE.height - TABS_HEIGHT, "the field above the tabs");
      await say(tab, "make the jacket red");
      await offered(tab);
      await usable(tab, "edit-variants");
      await choose(tab, 1);
      await tab.says("You may leave");
      await fits(tab, "edit-making");
      await tab.compares();
      await usable(tab, "edit-made");
      await until(async () => (await links(tab).count()) === 2, "the picture is a link of the chain");
      expect(await marked(tab)).toBe(1);
      await until(async () => Math.abs(await toEnd(tab)) < 2, "the newest is in view");

      await say(tab, "now black and white");
      await offered(tab);
      await choose(tab, 0);
      await until(async () => (await links(tab).count()) === 3, "two pictures", PICTURE_MS_MAX);
      expect([await pictures(tab).count(), await marked(tab)]).toEqual([2, 2]);
      const { items } = await getAs<{ items: Made[] }>(stage(), ANNA, "/generations?type=editing");
      expect(items.length).toBe(2);
      expect(items[0]?.base_generation_id).toBe(items[1]?.id ?? "");
      expect(await freeActionsUsed(stage(), ANNA)).toBe(4);
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
      await setFaults(stage(), "openrouter", UNHURRIED);
      const tab = await withPhoto(stage(), { as: BORIS });
      await say(tab, "make the jacket blue");
      await until(async () => /Three ways/.test(await spoken(tab)), "the first words");
      await tab.offline(true);
      await tab.says("The answer will be here when it is back.");
      await fits(tab, "edit-offline");
      await until(
        async () => ((await sessionsOf(stage(), BORIS))[0]?.message_count ?? 0) === 2,
        "it is answered meanwhile",
      );
      await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
      await tab.offline(false);
      await offered(tab);
      expect(await tab.page.locator(".bubble-mine").count()).toBe(1);
      expect(await tab.page.locator(".bubble-theirs").count()).toBe(1);
      expect([await freeActionsUsed(stage(), BORIS), (await sessionsOf(stage(), BORIS)).length]).toEqual([1, 1]);

      // What is said without a network goes out by itself; an order whose answer is lost is sent again as the same one.
      await tab.offline(true);
      await say(tab, "and the sky green");
      await tab.says("The answer will be here when it is back.");
      await tab.offline(false);
      await offered(tab);
      let lost = 0;
      await tab.page.route("**/editing/generate", async (route) => {
        if (lost > 0) return route.continue();
        lost += 1;
        await route.fetch();
        return route.abort();
      });
      await choose(tab, 2);
      await tab.compares();
      expect([lost, await pictures(tab).count(), await freeActionsUsed(stage(), BORIS)]).toEqual([1, 1, 3]);
      expectOnly(tab.complaints, /ERR_|WebSocket/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a reload in mid-answer and in mid-picture loses nothing; it goes on where it was",
    async () => {
      await setFaults(stage(), "openrouter", UNHURRIED);
      const tab = await withPhoto(stage(), { as: 1004 });
      await say(tab, "make the jacket green");
      await until(async () => (await spoken(tab)) !== "", "the first words");
      await tab.page.reload();
      await offered(tab);
      await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
      expect(await tab.page.locator(".bubble-mine").count()).toBe(1);
      await choose(tab, 0);
      await tab.says("You may leave");
      await tab.page.reload();
      await tab.compares();
      expect(await freeActionsUsed(stage(), 1004)).toBe(2);

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
      await offered(tab);
      expect([await links(tab).count(), (await sessionsOf(stage(), 1004)).length]).toEqual([1, 2]);
      await choose(tab, 0);
      await tab.page.getByRole("button", { name: "Try it again" }).waitFor({ timeout: PICTURE_MS_MAX });
      await tab.says("You were not charged.");
      await usable(tab, "edit-not-made");
      expect(await freeActionsUsed(stage(), 1004)).toBe(3);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "what cannot be answered costs nothing and gives the words back; without credits it is said what to do",
    async () => {
      const tab = await withPhoto(stage(), { as: 1005 });
      await setFaults(stage(), "openrouter", { "openrouter.answer": { mode: "two_variants" } });
      await say(tab, "make it colder");
      await tab.page.locator(".notice").waitFor();
      await setFaults(stage(), "openrouter", { "openrouter.answer": null, ...BRISK });
      await tab.says(/not charged/);
      expect(await field(tab).inputValue()).toBe("make it colder");
      await fits(tab, "edit-not-answered");
      await say(tab, "порно");
      await until(async () => (await field(tab).inputValue()) === "порно", "the words are back");
      await tab.page.locator(".notice").waitFor();
      expect(await freeActionsUsed(stage(), 1005)).toBe(0);
      await useUpFreeActions(stage(), 1005);
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
      const tab = await stage().blank({ viewport: SMALL_PHONE, colorScheme: "dark", locale: "ru-RU" });
      await tab.page.routeWebSocket(/editing\/chat/, (socket) => socket.close());
      await tab.page.goto(`${stage().server.base}/?sandbox=1003#/edit`);
      await tab.page.locator("[data-sample=person]").waitFor();
      await fits(tab, "edit-start-ru-dark");
      await tab.page.locator("[data-sample=person]").click();
      await tab.says("Что изменим?");
      await tab.slow(true);
      await fits(tab, "edit-greeting-ru-dark");
      await say(tab, "сделай куртку красной");
      await fits(tab, "edit-writing-ru-dark");
      await offered(tab);
      await usable(tab, "edit-variants-ru-dark");
      await field(tab).fill("чёрно-белое");
      await tab.press("Нарисовать сразу");
      await tab.says("Можно уйти");
      expect(await field(tab).inputValue()).toBe("");
      expect((await mine(tab)).at(-1)).toBe("Вы: чёрно-белое");
      await tab.slow(false);
      await tab.compares();
      await usable(tab, "edit-made-ru-dark");
      await tab.press("Начать заново");
      await usable(tab, "edit-reset-ru-dark");
      await tab.confirm("Начать заново");
      await tab.says("Что изменим?");
      expect([await links(tab).count(), await pictures(tab).count()]).toEqual([1, 0]);
      expect((await sessionsOf(stage(), 1003)).map(({ message_count: count }) => count)).toEqual([0]);
      expect(await freeActionsUsed(stage(), 1003)).toBe(2);
      await say(tab, "сделай теплее");
      await offered(tab);
      await tab.page.getByRole("link", { name: "Беседы" }).click();
      await tab.page.locator(".rows").getByText("сделай теплее").waitFor();
      await usable(tab, "edit-earlier-ru-dark");
      expectOnly(tab.complaints, /WebSocket/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "at a desk Enter sends and Shift+Enter begins a line; a long message says how much room is left",
    async () => {
      const tab = await withPhoto(stage(), { as: 1006, hasTouch: false, viewport: { width: 1100, height: 800 } });
      await field(tab).pressSequentially("make it");
      await tab.page.keyboard.press("Shift+Enter");
      await field(tab).pressSequentially("brighter");
      expect(await field(tab).inputValue()).toBe("make it\nbrighter");
      await tab.page.keyboard.press("Enter");
      await offered(tab);
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
