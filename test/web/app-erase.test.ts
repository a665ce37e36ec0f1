import { describe, expect, test } from "bun:test";
import { idWith, refusal, statusWith, tokenIn } from "../support/app-calls.ts";
import { STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { type AppTab, SMALL_PHONE } from "../support/app-tab.ts";
import { lane } from "../support/database.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

/** Made-up people who will be gone; each for one story. */
const GOES = 1031;
const GOES_OFFLINE = 1032;
const GOES_UNANSWERED = 1033;
const STAYS = 1034;

/** Signing in, from here on. */
const signInsOf = (tab: AppTab) => tab.asked(/auth\/telegram/);
const erase = async (tab: AppTab) => {
  await tab.go("settings/erase");
  await tab.page.getByLabel("Type ERASE to confirm").fill("erase ");
  await tab.press("Erase everything");
};

describe.skipIf(lane === "postgres")("erasing oneself in the Mini App (in one lane, as all pages)", () => {
  const stage = useAppStage();

  test(
    "whoever means it gets a receipt; the other window is signed out and stays so; coming again is a new person",
    async () => {
      await stage().fitting(GOES);
      const tab = await stage().open({ as: GOES, at: "settings", viewport: SMALL_PHONE });
      const other = await stage().open({ as: GOES, at: "pictures" });
      await other.page.locator("main .grid li").first().waitFor();
      const [token, otherToken] = [await tokenIn(tab), await tokenIn(other)];
      const id = await idWith(stage(), token);
      const signIns = [signInsOf(tab), signInsOf(other)];

      await tab.page.getByRole("link", { name: "Erase me and my data" }).click();
      await tab.says("What is deleted");
      await tab.says("What stays");
      const button = tab.page.getByRole("button", { name: "Erase everything" });
      const field = tab.page.getByLabel("Type ERASE to confirm");
      for (const notIt of ["", "ERAS", "yes", "delete"]) {
        await field.fill(notIt);
        expect(await button.isDisabled()).toBe(true);
        await field.press("Enter");
      }
      expect(await statusWith(stage(), token)).toBe(200);
      await field.fill("ERASE");
      await usable(tab, "erase-meant");
      await button.click();

      await tab.says("You are erased");
      const receipt = await tab.page.locator(".receipt").textContent();
      expect(receipt).toMatch(/Receipt[0-9a-f]{8}-[0-9a-f-]{27}/);
      // Two photos and the picture, in whatever copies the server keeps.
      expect(receipt).toMatch(/Photos and pictures deleted([3-9]|\d\d)/);
      expect(receipt).toContain("Credits lost0");
      expect(receipt).not.toContain("Person");
      await usable(tab, "erased");
      await other.says("You are signed out");
      expect([await statusWith(stage(), token), await statusWith(stage(), otherToken)]).toEqual([401, 401]);
      await becomes(() => tab.page.evaluate("sessionStorage.getItem('atelier.session')"), null);
      // Nobody makes a new person of somebody who has just left.
      await Bun.sleep(1_500);
      expect(signIns).toEqual([[], []]);

      await other.press("Sign in again");
      await other.says("Your pictures will be here.");
      expect(await idWith(stage(), await tokenIn(other))).not.toBe(id);
      await tab.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await tab.page.bringToFront();
      await tab.press("Copy the receipt");
      await tab.says("The receipt is copied.");
      expect(await tab.page.evaluate("navigator.clipboard.readText()")).toMatch(/^Receipt: [0-9a-f-]{36}\n/);
      await tab.press("Begin anew");
      await tab.page.locator("nav.tabs").waitFor();
      expect(await idWith(stage(), await tokenIn(tab))).toBe(await idWith(stage(), await tokenIn(other)));
      expect([...tab.complaints, ...other.complaints]).toEqual([]);
      await tab.close();
      await other.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "without a network the wish waits and is carried out once there is one; the receipt comes then",
    async () => {
      const tab = await stage().open({ as: GOES_OFFLINE, at: "settings", viewport: SMALL_PHONE });
      const token = await tokenIn(tab);
      await tab.go("settings/erase");
      await tab.says("What stays");
      await tab.offline(true);
      await erase(tab);
      await tab.says("No connection. It will be sent by itself.");
      expect(await statusWith(stage(), token)).toBe(200);
      await tab.offline(false);
      await tab.slow(true);
      await tab.says("You are erased", 20_000);
      expect(await tab.page.locator(".receipt dd").first().textContent()).toMatch(/^[0-9a-f-]{36}$/);
      expect(await statusWith(stage(), token)).toBe(401);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "an answer that was lost on its way makes no new person: it is said that the receipt did not come",
    async () => {
      const tab = await stage().open({ as: GOES_UNANSWERED, at: "settings", viewport: SMALL_PHONE });
      const token = await tokenIn(tab);
      const signIns = signInsOf(tab);
      let isFirst = true;
      await tab.page.route("**/api/v1/profile", async (route) => {
        if (route.request().method() !== "DELETE" || !isFirst) return route.continue();
        isFirst = false;
        await route.fetch();
        await route.abort();
      });
      await erase(tab);
      await tab.says("No receipt came", 20_000);
      await usable(tab, "erased-unsure");
      expect(await statusWith(stage(), token)).toBe(401);
      expect(signIns).toEqual([]);
      await tab.press("Come in again");
      await tab.page.locator("nav.tabs").waitFor();
      expect(signIns.length).toBe(1);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a refusal is said and changes nothing; a session that had ended elsewhere is no erasure",
    async () => {
      const tab = await stage().open({ as: STAYS, at: "settings", viewport: SMALL_PHONE });
      await tab.page.route("**/api/v1/profile", (route) =>
        route.request().method() === "DELETE" ? route.fulfill(refusal(500)) : route.continue(),
      );
      await erase(tab);
      await tab.says("It broke.");
      await tab.says("Request 4711-4711");
      await usable(tab, "erase-refused");
      const id = await idWith(stage(), await tokenIn(tab));
      await tab.page.unroute("**/api/v1/profile");
      // As after thirty days away: neither the wish nor the renewal of the tokens gets through.
      const signIns = signInsOf(tab);
      for (const path of ["**/auth/refresh", "**/api/v1/profile"]) {
        await tab.page.route(path, (route) =>
          signIns.length === 0 && /DELETE|POST/.test(route.request().method())
            ? route.fulfill(refusal(401, { code: "unauthenticated" }))
            : route.continue(),
        );
      }
      await tab.press("Erase everything");
      await until(() => signIns.length === 1, "it comes in anew");
      await tab.says("What stays");
      expect(await idWith(stage(), await tokenIn(tab))).toBe(id);
      expect(await tab.page.locator(".receipt").count()).toBe(0);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
