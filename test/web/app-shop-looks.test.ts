import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AppStage, setAppStage } from "../support/app-stage.ts";
import { closeBrowser } from "../support/browser.ts";
import { lane } from "../support/database.ts";
import { type Shopping, SMALL_PHONE, shoppingAt, usable } from "../support/shopping.ts";
import { until } from "../support/until.ts";

const STAGE_DEADLINE_MS = 60_000;
const STORY_DEADLINE_MS = 60_000;

let stage: AppStage;
let shopping: Shopping;

/** Every place of the shop and of the history as a buyer of each language sees it. With `SCREENSHOTS` in all combinations. */
const LOOKS = (
  [
    ["light", "ru-RU", 4001],
    ["dark", "en-GB", 4002],
    ["dark", "ru-RU", 4003],
    ["light", "en-GB", 4004],
  ] as const
).slice(0, process.env.SCREENSHOTS ? 4 : 2);

describe.skipIf(lane === "postgres")("the looks of the shop (in one lane: pages do not know the database)", () => {
  beforeAll(async () => {
    stage = await setAppStage();
    shopping = shoppingAt(stage);
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await stage.stop();
  }, STAGE_DEADLINE_MS);

  test.each(LOOKS)(
    "can be used by everybody: %s, %s",
    async (colorScheme, locale, person) => {
      const look = `${colorScheme}-${locale.slice(0, 2)}`;
      const tab = await stage.open({ as: person, at: "history", viewport: SMALL_PHONE, colorScheme, locale });
      await tab.page.locator(".nothing").waitFor();
      await usable(tab, `history-empty-${look}`);
      const plan = await shopping.order(person, "pro");
      await shopping.pay(person, plan.id);
      const pack = await shopping.order(person, "pack_60");
      await shopping.pay(person, pack.id);
      const open = await shopping.order(person, "pack_20");
      await until(async () => (await shopping.credits(person)) === 200, "both are paid");
      await shopping.refund(pack);
      await until(async () => (await shopping.credits(person)) === 140, "the pack is given back");
      const main = tab.page.locator("main");
      await main.locator(".line").nth(2).waitFor();
      await usable(tab, `history-credits-${look}`);
      await main.locator(".segments button").nth(1).click();
      await main.locator(".row").nth(2).waitFor();
      await usable(tab, `history-payments-${look}`);
      for (const [name, { id }] of Object.entries({ plan, pack, open })) {
        await tab.go(`shop/${id}`);
        await main.locator(".payment-sum").waitFor();
        await usable(tab, `payment-${name}-${look}`);
      }
      await tab.go("shop");
      await main.locator(".product").nth(5).waitFor();
      await usable(tab, `shop-${look}`);
      for (const [nth, name] of ["basic", "pro", "premium"].entries()) {
        await main
          .locator(".product button")
          .nth(3 + nth)
          .click();
        await tab.page.locator("dialog p:not(.plan-waiting)").first().waitFor();
        await usable(tab, `plan-${name}-${look}`);
        await tab.page.keyboard.press("Escape");
        await tab.page.locator("dialog").waitFor({ state: "detached" });
      }
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
