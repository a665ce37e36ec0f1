import { describe, expect, test } from "bun:test";
import { getAs, refusal, statusWith, tokenIn } from "../support/app-calls.ts";
import { ANNA, BORIS, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, LOOKS, SMALL_PHONE, WAIT_MS } from "../support/app-tab.ts";
import { expectOnly, NO_NETWORK } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";
import { readZip } from "../support/zip.ts";

const JPEG_START = [0xff, 0xd8, 0xff];

interface Profile {
  language: string;
  notifications: { results: boolean; news: boolean };
}

const box = (tab: AppTab, name: string) => tab.page.getByRole("switch", { name });

describe.skipIf(lane === "postgres")("settings in the Mini App (in one lane: pages do not know the database)", () => {
  const stage = useAppStage((stage) => stage.fitting(ANNA));
  const profileOf = (id: number) => getAs<Profile>(stage(), id, "/profile");

  test(
    "another language is everywhere at once, and stays: after a reload, in the profile, in the next window",
    async () => {
      const tab = await stage().open({ as: BORIS, at: "settings", viewport: SMALL_PHONE });
      await tab.says("The bot writes to me");
      await tab.page.evaluate("window.isSamePage = true");
      await tab.press("Русский");
      await tab.page.getByRole("heading", { name: "Настройки" }).waitFor();
      const body = await tab.page.locator("body").textContent();
      for (const english of ["Settings", "Language", "Pictures", "More", "Back", "Log out"]) {
        expect(body).not.toContain(english);
      }
      expect(await tab.page.evaluate("[document.documentElement.lang, window.isSamePage]")).toEqual(["ru", true]);
      await becomes(async () => (await profileOf(BORIS)).language, "ru");
      await tab.page.reload();
      await tab.page.getByRole("heading", { name: "Настройки" }).waitFor();
      const other = await stage().open({ as: BORIS, at: "settings", locale: "en-GB" });
      await other.page.getByRole("heading", { name: "Настройки" }).waitFor();
      await other.close();

      // Lost on its way: it is sent again by itself.
      await tab.offline(true);
      await tab.press("English");
      await tab.says("Отправим сами, как появится.");
      await tab.offline(false);
      await tab.page.getByRole("heading", { name: "Settings" }).waitFor();
      await becomes(async () => (await profileOf(BORIS)).language, "en");
      expectOnly(tab.complaints, NO_NETWORK, /ERR_FAILED/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "what the bot writes about is kept; without a network it is sent later, and what the server refuses goes back",
    async () => {
      const tab = await stage().open({ as: BORIS, at: "settings", viewport: SMALL_PHONE });
      await box(tab, "When a picture is ready").uncheck();
      await until(async () => !(await profileOf(BORIS)).notifications.results, "the server knows it");
      expect((await profileOf(BORIS)).notifications.news).toBe(true);
      await tab.page.reload();
      await box(tab, "News and reminders").waitFor();
      // Each is its own.
      await becomes(
        () => Promise.all(["When a picture is ready", "News and reminders"].map((name) => box(tab, name).isChecked())),
        [false, true],
      );

      await tab.offline(true);
      await box(tab, "News and reminders").click();
      await tab.says("It will be sent by itself.");
      await usable(tab, "settings-offline");
      await tab.offline(false);
      await until(
        async () => !(await profileOf(BORIS)).notifications.news,
        "it arrives once there is a network",
        WAIT_MS,
      );

      await tab.page.route("**/api/v1/profile", (route) =>
        route.request().method() === "PATCH" ? route.fulfill(refusal(500)) : route.continue(),
      );
      await box(tab, "When a picture is ready").click();
      await tab.says("It broke.");
      await until(async () => !(await box(tab, "When a picture is ready").isChecked()), "the switch goes back");
      expect((await profileOf(BORIS)).notifications.results).toBe(false);
      expectOnly(tab.complaints, NO_NETWORK, /ERR_FAILED/, /500/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "everything about oneself is saved as a zip with the picture in it; a lost network and the limit are said",
    async () => {
      const tab = await stage().open({ as: ANNA, at: "settings", viewport: SMALL_PHONE });
      const save = tab.page.getByRole("button", { name: "Download my data" });
      await tab.page.route("**/profile/export", (route) => route.abort());
      await save.click();
      await tab.says("No connection");
      await tab.page.unroute("**/profile/export");

      await tab.slow(true);
      // Whoever reloads in the middle begins anew and is not left waiting.
      await save.click();
      await tab.says(/[1-9]\d* kB so far/);
      await tab.slow(false);
      await tab.page.reload();
      await save.waitFor();
      await tab.slow(true);
      const saved = tab.page.waitForEvent("download", { timeout: 2 * WAIT_MS });
      await save.click();
      await tab.says("Collecting and downloading");
      await tab.says(/[1-9]\d* kB so far/);
      await tab.slow(false);
      const file = await saved;
      expect(file.suggestedFilename()).toBe("atelier-export.zip");
      const entries = readZip(new Uint8Array(await Bun.file(await file.path()).arrayBuffer()));
      const pictures = [...entries].filter(([name]) => /^files\/[0-9a-f-]{36}\.jpg$/.test(name));
      // Her photo, the jacket and the picture that was made.
      expect(pictures.length).toBeGreaterThanOrEqual(3);
      for (const [name, bytes] of pictures) expect([name, ...bytes.subarray(0, 3)]).toEqual([name, ...JPEG_START]);
      expect(new TextDecoder().decode(entries.get("data/users.json"))).toContain("Anna");
      await tab.says("The file is ready");
      const [again] = await Promise.all([tab.page.waitForEvent("download"), tab.press("Save the file")]);
      expect(again.suggestedFilename()).toBe("atelier-export.zip");

      // The first try never reached the server; one more is left.
      for (const isLast of [false, true]) {
        await tab.page.reload();
        await save.click();
        await tab.says(isLast ? /Try again in \d+ minutes/ : "The file is ready");
      }
      await usable(tab, "settings-limit");
      expectOnly(tab.complaints, NO_NETWORK, /ERR_FAILED/, /429/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "logging out everywhere ends every window at once; nobody comes in again unasked, and nothing is lost",
    async () => {
      const here = await stage().open({ as: ANNA, at: "settings", viewport: SMALL_PHONE });
      const there = await stage().open({ as: ANNA, at: "pictures" });
      await there.page.locator("main .grid li").first().waitFor();
      const old = await tokenIn(there);
      const signIns = there.asked(/auth\/telegram/);
      await here.press("Log out everywhere");
      await usable(here, "settings-everywhere");
      await here.confirm("Log out everywhere");
      await here.says("You are signed out");
      await there.says("You are signed out");
      await usable(there, "left");
      expect(await statusWith(stage(), old)).toBe(401);
      await becomes(() => there.page.evaluate("sessionStorage.getItem('atelier.session')"), null);
      expect(signIns).toEqual([]);
      await there.press("Sign in again");
      await there.page.locator("main .grid li").first().waitFor();
      // A window of its own is left alone by a sign-out elsewhere.
      const third = await stage().open({ as: ANNA, at: "settings", viewport: SMALL_PHONE });
      await third.press("Log out");
      await third.says("You are signed out");
      await there.go("settings");
      await there.says("Log out everywhere");
      expect([...here.complaints, ...there.complaints, ...third.complaints]).toEqual([]);
      for (const tab of [here, there, third]) await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  for (const [colorScheme, locale] of LOOKS) {
    test(
      `settings can be used by everybody: ${colorScheme}, ${locale}`,
      async () => {
        const as = locale === "ru-RU" ? 1021 : ANNA;
        const tab = await stage().open({ as, at: "settings", viewport: SMALL_PHONE, colorScheme, locale });
        await tab.page.getByRole("switch").first().waitFor();
        await usable(tab, `settings-${colorScheme}-${locale}`);
        await tab.go("settings/erase");
        await tab.page.locator(".settings-list").first().waitFor();
        await usable(tab, `erase-${colorScheme}-${locale}`);
        expect(tab.complaints).toEqual([]);
        await tab.close();
      },
      STORY_DEADLINE_MS,
    );
  }
});
