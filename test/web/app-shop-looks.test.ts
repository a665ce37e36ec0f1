import { describe, expect, test } from "bun:test";
import { STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { SMALL_PHONE } from "../support/app-tab.ts";
import { lane } from "../support/database.ts";
import { shoppingOn } from "../support/shopping.ts";
import { until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

/** Every place of the shop and of the history. With `SCREENSHOTS` in all combinations; the other stories see light English. */
const LOOKS = (
  [
    ["dark", "ru-RU", 4001],
    ["light", "ru-RU", 4002],
    ["dark", "en-GB", 4003],
    ["light", "en-GB", 4004],
  ] as const
).slice(0, process.env.SCREENSHOTS ? 4 : 1);

const GRACE = {
  type: "pro",
  state: "grace",
  ends_at: "2026-11-20T09:00:00.000Z",
  amount: "690.00",
  amount_kopecks: 69_000,
  credits: 140,
  auto_renew: true,
  method: { title: "Bank card *4444" },
  next_charge_at: null,
  next_plan: null,
};

describe.skipIf(lane === "postgres")("the looks of the shop (in one lane: pages do not know the database)", () => {
  const stage = useAppStage();
  const shopping = shoppingOn(stage);

  test.each(LOOKS)(
    "can be used by everybody: %s, %s",
    async (colorScheme, locale, person) => {
      const look = `${colorScheme}-${locale.slice(0, 2)}`;
      const tab = await stage().open({ as: person, at: "history", viewport: SMALL_PHONE, colorScheme, locale });
      await tab.page.locator(".nothing").waitFor();
      await usable(tab, `history-empty-${look}`);
      const plan = await shopping().order(person, "pro");
      await shopping().pay(person, plan.id);
      const pack = await shopping().order(person, "pack_60");
      await shopping().pay(person, pack.id);
      const open = await shopping().order(person, "pack_20");
      await until(async () => (await shopping().credits(person)) === 200, "both are paid");
      await shopping().refund(pack);
      await until(async () => (await shopping().credits(person)) === 140, "the pack is given back");
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

  test(
    "rarer states say what they mean: a charge that did not go through, terms to read, nothing for sale",
    async () => {
      const tab = await stage().blank({ viewport: SMALL_PHONE });
      const change = async (path: string, by: (answer: Record<string, unknown>) => unknown) =>
        tab.page.route(`**/api/v1/${path}`, async (route) => {
          const answer = await route.fetch();
          await route.fulfill({ response: answer, json: by((await answer.json()) as Record<string, unknown>) });
        });
      await change("profile", (me) => ({
        ...me,
        consent: { ...(me.consent as object), terms_url: "https://shop.example/terms" },
      }));
      const product = { credits: 1, price: "1.00", price_kopecks: 100, available: false };
      await change("plans", (sold) => ({ ...sold, packs: [{ ...product, key: "pack_1" }], plans: [] }));
      await change("subscription", () => ({ subscription: GRACE }));
      await tab.page.goto(`${stage().server.base}/?sandbox=4005#/shop`);
      await tab.says("Nothing is sold here at the moment.");
      await tab.says("The charge did not go through. It is tried again; until then everything works.");
      await tab.page.getByRole("button", { name: "Terms and privacy" }).waitFor();
      await tab.page.getByRole("button", { name: /Questions about a payment/ }).waitFor();
      expect(await tab.page.getByRole("button", { name: /^Buy/ }).count()).toBe(0);
      await tab.press("Stop renewing");
      await tab.says("The paid time is over, so the subscription ends now.");
      await usable(tab, "shop-grace");
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
