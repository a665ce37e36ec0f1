import { describe, expect, test } from "bun:test";
import { violationsOn } from "../support/accessibility.ts";
import { ANNA, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, SMALL_PHONE } from "../support/app-tab.ts";
import { lane } from "../support/database.ts";
import { type FakeTelegram, pretendTelegram } from "../support/fake-telegram.ts";
import { gate } from "../support/gate.ts";
import { screenshot } from "../support/screenshots.ts";
import { becomes, until } from "../support/until.ts";

const LIGHT = { bg_color: "#fff8e7", secondary_bg_color: "#f0e6d0", text_color: "#201000", button_color: "#7a3e00" };
const UPON_THE_PAGE = { top: 47, right: 0, bottom: 34, left: 0 };
const BUTTONS_OF_TELEGRAM = { top: 46, right: 0, bottom: 0, left: 0 };
/** A client from before the back button, haptics and the rest. */
const OLD_VERSION = "6.0";

const go = async (tab: AppTab, where: string) => {
  await tab.page.evaluate(`location.hash = "#/${where}"`);
};
const pixels = (tab: AppTab, selector: string, property: string): Promise<number> =>
  tab.page.evaluate(`parseFloat(getComputedStyle(document.querySelector("${selector}")).${property})`);

describe.skipIf(lane === "postgres")("the Mini App in a window of Telegram's (in one lane, as all pages)", () => {
  const stage = useAppStage();
  /** The app in a window of Telegram's. */
  async function launch(
    options: { version?: string; person?: number } = {},
  ): Promise<AppTab & { telegram: FakeTelegram }> {
    const tab = await stage().blank({ viewport: SMALL_PHONE });
    const telegram = await pretendTelegram(tab.page);
    const address = await stage().telegramAddress(options.person ?? ANNA);
    await tab.page.goto(address.replace("tgWebAppVersion=8.0", `tgWebAppVersion=${options.version ?? "8.0"}`));
    await tab.page.locator("nav.tabs").waitFor();
    return { ...tab, telegram };
  }

  test(
    "it says that it is ready and takes all the height; colours and safe areas are Telegram's and follow it",
    async () => {
      const tab = await launch();
      for (const name of ["web_app_ready", "web_app_expand", "web_app_request_safe_area"]) {
        await becomes(async () => [name, (await tab.telegram.told(name)).length], [name, 1]);
      }
      const asked = async () => (await tab.telegram.told("web_app_request_content_safe_area")).length > 0;
      await until(asked, "the safe area of the content is asked for");
      await tab.page.locator(".look-dark").waitFor();
      const colour = () => tab.page.evaluate(`getComputedStyle(document.querySelector(".tabs")).backgroundColor`);
      await becomes(colour, "rgb(29, 39, 51)");
      await tab.telegram.says("theme_changed", { theme_params: LIGHT });
      await tab.page.locator(".look-light").waitFor();
      await becomes(colour, "rgb(255, 248, 231)");

      const insets = async () => [
        await pixels(tab, ".look", "paddingTop"),
        await pixels(tab, ".tabs", "paddingBottom"),
      ];
      await becomes(insets, [0, 0]);
      await tab.telegram.says("safe_area_changed", UPON_THE_PAGE);
      await becomes(insets, [47, 34]);
      await tab.telegram.says("content_safe_area_changed", BUTTONS_OF_TELEGRAM);
      await becomes(insets, [93, 34]);
      // The page lays itself out by the height that it has; what the client says of it changes nothing and hurts nothing.
      await tab.telegram.says("viewport_changed", {
        height: 500,
        width: 360,
        is_expanded: true,
        is_state_stable: true,
      });
      await go(tab, "more");
      await tab.page.locator("main .person").waitFor();
      await screenshot(tab.page, "telegram-safe-areas");
      expect(await violationsOn(tab.page)).toEqual([]);
      // A turn of the phone.
      await tab.telegram.says("safe_area_changed", { top: 0, right: 0, bottom: 0, left: 0 });
      await tab.telegram.says("content_safe_area_changed", { top: 0, right: 0, bottom: 0, left: 0 });
      await becomes(insets, [0, 0]);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "Telegram's own buttons lead back and on, and the hand feels it; the page draws none of its own",
    async () => {
      const tab = await launch();
      await tab.telegram.lastTold("web_app_setup_back_button", { is_visible: false });
      await tab.page.getByRole("link", { name: "More" }).click();
      await tab.telegram.lastTold("web_app_trigger_haptic_feedback", { type: "selection_change" });
      await tab.page.getByRole("link", { name: "Friends" }).click();
      await tab.telegram.lastTold("web_app_setup_back_button", { is_visible: true });
      await tab.telegram.lastTold("web_app_setup_main_button", {
        is_visible: true,
        is_active: true,
        is_progress_visible: false,
        text: "Invite a friend",
      });
      expect(await tab.page.locator("button.back, .main-button").count()).toBe(0);
      await screenshot(tab.page, "telegram-friends");

      await tab.telegram.says("main_button_pressed");
      const link = await tab.page.locator(".friends-address").textContent();
      await until(async () => (await tab.telegram.told("web_app_open_tg_link")).length === 1, "the link is opened");
      const [{ path_full: path }] = (await tab.telegram.told("web_app_open_tg_link")) as [{ path_full: string }];
      expect(new URL(path, "https://t.me").searchParams.get("url")).toBe(link);
      await tab.telegram.lastTold("web_app_trigger_haptic_feedback", { type: "impact", impact_style: "light" });

      await tab.telegram.says("back_button_pressed");
      await tab.page.getByRole("heading", { name: "More" }).waitFor();
      await tab.telegram.lastTold("web_app_setup_back_button", { is_visible: false });
      await tab.telegram.lastTold("web_app_setup_main_button", { is_visible: false });
      // Where the button is gone, a press that comes late does nothing.
      await tab.telegram.says("main_button_pressed");
      expect((await tab.telegram.told("web_app_open_tg_link")).length).toBe(1);
      expect(tab.context.pages().length).toBe(1);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "the bot may write once it is allowed by Telegram's own question; while something is sent, closing is asked about",
    async () => {
      const tab = await launch({ person: 1041 });
      await go(tab, "settings");
      const ask = () => tab.press("Let the bot write");
      await ask();
      await until(async () => (await tab.telegram.told("web_app_request_write_access")).length === 1, "it is asked");
      await tab.telegram.says("write_access_requested", { status: "cancelled" });
      await tab.says("You have not allowed it.");
      await ask();
      await until(async () => (await tab.telegram.told("web_app_request_write_access")).length === 2, "asked again");
      await tab.telegram.says("write_access_requested", { status: "allowed" });
      await tab.says("The bot may write to you.");
      await tab.telegram.lastTold("web_app_trigger_haptic_feedback", {
        type: "notification",
        notification_type: "success",
      });

      const sent = gate();
      await tab.page.route("**/api/v1/profile", async (route) => {
        if (route.request().method() === "PATCH") await sent.ended;
        await route.continue();
      });
      await tab.page.getByRole("switch").first().click();
      await tab.telegram.lastTold("web_app_setup_closing_behavior", { need_confirmation: true });
      sent.end();
      await tab.telegram.lastTold("web_app_setup_closing_behavior", { need_confirmation: false });

      // Or by Start in the bot's chat: whoever comes back from there is looked at anew.
      const shy = await launch({ person: 1042 });
      await go(shy, "settings");
      await shy.press("Open the bot's chat");
      await shy.telegram.lastTold("web_app_open_tg_link", {});
      const chat = `${stage().server.base}/sandbox/telegram/chat/1042`;
      expect((await fetch(chat, { method: "POST", body: new URLSearchParams({ act: "start" }) })).ok).toBe(true);
      const again = setInterval(
        () => shy.page.evaluate(`document.dispatchEvent(new Event("visibilitychange"))`).catch(() => undefined),
        200,
      );
      await shy.says("The bot may write to you.").finally(() => clearInterval(again));
      expect([...tab.complaints, ...shy.complaints]).toEqual([]);
      await tab.close();
      await shy.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "an old client is asked for nothing that it does not know: the page shows its own way back and its own links",
    async () => {
      const tab = await launch({ version: OLD_VERSION });
      await go(tab, "settings");
      await tab.page.getByRole("button", { name: "Back" }).waitFor();
      await tab.says("Open the bot's chat");
      expect(await tab.page.getByRole("button", { name: "Let the bot write" }).count()).toBe(0);
      await tab.press("Back");
      const names = new Set((await tab.telegram.told()).map(([name]) => name));
      expect([...names].filter((name) => /back_button|haptic|write_access|safe_area|tg_link/.test(name))).toEqual([]);
      expect([...names]).toContain("web_app_ready");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
