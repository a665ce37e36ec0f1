import { describe, expect, test } from "bun:test";
import { freeActionsUsed, getAs, sessionsOf } from "../support/app-calls.ts";
import {
  choose,
  field,
  links,
  marked,
  mine,
  offered,
  pictures,
  say,
  setPace,
  toEnd,
  withPhoto,
} from "../support/app-editing.ts";
import { ANNA, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { expectOnly } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { becomes, until } from "../support/until.ts";
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
      await becomes(() => marked(tab), 1);
      await until(async () => Math.abs(await toEnd(tab)) < 2, "the newest is in view");

      await say(tab, "now black and white");
      await offered(tab);
      await choose(tab, 0);
      await until(async () => (await links(tab).count()) === 3, "two pictures", PICTURE_MS_MAX);
      await becomes(async () => [await pictures(tab).count(), await marked(tab)], [2, 2]);
      const { items } = await getAs<{ items: Made[] }>(stage(), ANNA, "/generations?type=editing");
      expect(items.length).toBe(2);
      expect(items[0]?.base_generation_id).toBe(items[1]?.id ?? "");
      expect(await freeActionsUsed(stage(), ANNA)).toBe(4);
      await fits(tab, "edit-chain");

      await links(tab).nth(0).click();
      await becomes(() => marked(tab), 0);
      await tab.page.reload();
      await until(async () => (await links(tab).count()) === 3, "the chain is there again");
      await becomes(() => marked(tab), 0);
      // Two messages, and under which title each picture was chosen.
      await becomes(
        () => mine(tab),
        [
          "You: make the jacket red",
          "You: Clear: make the jacket",
          "You: now black and white",
          "You: Subtle: now black and",
        ],
      );
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
      await becomes(() => field(tab).inputValue(), "");
      await becomes(async () => (await mine(tab)).at(-1), "Вы: чёрно-белое");
      await tab.slow(false);
      await tab.compares();
      await usable(tab, "edit-made-ru-dark");
      await tab.press("Начать заново");
      await usable(tab, "edit-reset-ru-dark");
      await tab.confirm("Начать заново");
      await tab.says("Что изменим?");
      await becomes(async () => [await links(tab).count(), await pictures(tab).count()], [1, 0]);
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
