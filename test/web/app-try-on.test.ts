import { describe, expect, test } from "bun:test";
import { freeActionsUsed } from "../support/app-calls.ts";
import { SAMPLE_FILES, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { LOOKS, PICTURE_MS_MAX, SMALL_PHONE } from "../support/app-tab.ts";
import { lane } from "../support/database.ts";
import { chooser, giveFile, ordersOf, prepare, ready, sample, tryIt, zone } from "../support/trying-on.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

describe.skipIf(lane === "postgres")("try-on in the Mini App (in one lane: pages do not know the database)", () => {
  const stage = useAppStage();

  test(
    "from a first visit to a finished try-on, sent and saved, and on to another garment",
    async () => {
      const tab = await stage().open({ as: 2001, viewport: SMALL_PHONE });
      const orders = ordersOf(tab);
      await tab.says("Add your photo and a photo of an item");
      expect(await tab.page.getByRole("button", { name: "First, a photo of you" }).isDisabled()).toBe(true);
      // What cannot be answered yet is not asked.
      expect(await tab.page.getByText("Where does it go?").count()).toBe(0);
      await prepare(tab);
      await tab.page.getByText("Free · 10 left").waitFor();
      // Both taps come before the page can be drawn anew.
      await tab.page.evaluate("for (const _ of [1, 2]) document.querySelector('.main-button button').click()");
      await tab.says("Trying it on");
      await tab.compares();
      expect(orders.length).toBe(1);
      await tab.says("Free pictures carry a watermark");
      await tab.press("Send to chat");
      await tab.says("It is on its way to your chat");
      const [saved] = await Promise.all([tab.page.waitForEvent("download"), tab.press("Download")]);
      expect(saved.suggestedFilename()).toMatch(/\.jpg$/);

      await tab.press("Try on another item");
      await chooser(tab, "Photo of you").getByRole("img").waitFor();
      await becomes(() => zone(tab, "Outerwear").isChecked(), true);
      await tab.page.getByRole("button", { name: "Now a photo of the item" }).waitFor();
      await sample(tab, "tshirt");
      await tab.page.locator("svg.figure").click({ position: { x: 60, y: 100 } });
      await becomes(() => zone(tab, "Top").isChecked(), true);
      await ready(tab);
      await tryIt(tab).click();
      await tab.compares();
      expect(orders.map(({ zone }) => zone)).toEqual(["outerwear", "top"]);
      expect(new Set(orders.map(({ user_photo_id: id }) => id)).size).toBe(1);
      await tab.press(/Same again/);
      await tab.says("Trying it on");
      await becomes(() => freeActionsUsed(stage(), 2001), 3);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "in Telegram its own button orders, and what that costs is said on the page",
    async () => {
      const tab = await stage().blank({ viewport: SMALL_PHONE });
      // What Telegram's client puts there, to be told things.
      await tab.page.addInitScript(
        "window.told = []; window.TelegramWebviewProxy = { postEvent: (...said) => told.push(said) }",
      );
      const button = async () =>
        JSON.parse(
          (await tab.page.evaluate("told.findLast(([method]) => method === 'web_app_setup_main_button')[1]")) as string,
        );
      await tab.page.goto(await stage().telegramAddress(2010));
      await sample(tab, "person");
      await sample(tab, "jacket");
      await zone(tab, "Top").check();
      await tab.page.locator(".main-button-beside").getByText("Free · 10 left").waitFor();
      await chooser(tab, "Photo of the item").getByRole("button", { name: "Remove" }).waitFor();
      expect(await tab.page.locator(".main-button").count()).toBe(0);
      await until(async () => (await button()).text === "Try it on", "Telegram's button is told what to say");
      expect(await button()).toMatchObject({ is_visible: true, is_active: true });
      await tab.page.evaluate("Telegram.WebView.receiveEvent('main_button_pressed')");
      await tab.says("Trying it on");
      await until(async () => (await button()).is_visible === false, "Telegram's button is gone");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "photos are dropped and pasted, too, and what is none is refused with a word about it",
    async () => {
      const tab = await stage().open({ as: 2007, viewport: { width: 1280, height: 800 } });
      const bytes = Buffer.from(await Bun.file(SAMPLE_FILES.sunglasses).arrayBuffer()).toString("base64");
      // Pasted ones go where there is none yet, one after the other.
      await giveFile(tab, "paste", "window", bytes);
      await chooser(tab, "Photo of you").getByRole("button", { name: "Remove" }).waitFor();
      expect(await chooser(tab, "Photo of the item").getByRole("img").count()).toBe(0);
      await giveFile(tab, "paste", "window", bytes);
      await chooser(tab, "Photo of the item").getByRole("button", { name: "Remove" }).waitFor();
      await chooser(tab, "Photo of the item").getByRole("button", { name: "Remove" }).click();
      await giveFile(tab, "drop", "document.querySelectorAll('.chooser')[1]", bytes);
      await chooser(tab, "Photo of the item").getByRole("button", { name: "Remove" }).waitFor();
      await giveFile(tab, "drop", "document.querySelectorAll('.chooser')[0]", btoa("no photo at all"));
      await tab.says("This file cannot be read as a photo.");
      await tab.page.getByRole("button", { name: "Choose another photo" }).waitFor();
      await usable(tab, "try-on-desk");
      // By keyboard alone: the arrows go from one name to the next.
      await zone(tab, "Outerwear").focus();
      await tab.page.keyboard.press("ArrowDown");
      await becomes(() => zone(tab, "Full body").isChecked(), true);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  for (const [colorScheme, locale] of LOOKS) {
    test(
      `every state can be used by everybody: ${colorScheme}, ${locale}`,
      async () => {
        const tab = await stage().open({
          as: locale === "ru-RU" ? 2008 : 2009,
          viewport: SMALL_PHONE,
          colorScheme,
          locale,
        });
        const look = (state: string) => usable(tab, `try-on-${state}-${colorScheme}-${locale.slice(0, 2)}`);
        await tab.page.locator(".try-on-lead").waitFor();
        await look("first");
        await sample(tab, "person");
        await sample(tab, "jacket");
        // The button that says what is missing leads there.
        const zones = tab.page.locator("section.zones");
        expect((await zones.boundingBox())?.y).toBeGreaterThan(300);
        await tab.page.locator(".main-button button").click();
        await until(async () => ((await zones.boundingBox())?.y ?? 999) < 300, "the figure comes into sight");
        await tab.page.locator(".zones .segments button").nth(1).click();
        await look("accessories");
        await tab.page.locator(".zones .segments button").nth(0).click();
        await tab.page.locator("input[value=full_body]").check();
        await tab.page.locator(".wish summary").click();
        await tab.page.locator(".wish textarea").fill("…");
        const small =
          await tab.page.evaluate(`[...document.querySelectorAll("main button, main label.zone, main summary")]
          .filter((one) => one.getBoundingClientRect().height < 43.5).map((one) => one.outerHTML)`);
        expect(small).toEqual([]);
        await until(() => tab.page.locator(".main-button button").isEnabled(), "it can be ordered");
        await look("ready");
        await tab.page.locator(".main-button button").click();
        await tab.page.locator(".on-its-way").waitFor();
        await look("in-work");
        await tab.page.locator(".compare").waitFor({ timeout: PICTURE_MS_MAX });
        await look("result");
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }
});
