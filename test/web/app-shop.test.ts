import { describe, expect, test } from "bun:test";
import { talk } from "../support/app-calls.ts";
import { ANNA, STORY_DEADLINE_MS, useAppStage } from "../support/app-stage.ts";
import { SMALL_PHONE, WAIT_MS } from "../support/app-tab.ts";
import { expectOnly, NO_NETWORK } from "../support/complaints.ts";
import { lane } from "../support/database.ts";
import { buy, onPayPage, payHere, shoppingOn, title } from "../support/shopping.ts";
import { becomes, until } from "../support/until.ts";
import { usable } from "../support/usable.ts";

const NO_MONEY_CARD = "5555 5555 5555 4600";
const FREE_ACTIONS = 10;
const BREAK_MS = 300;

/** A page whose clocks that go round stand still: what it learns, it learns by events. */
const NEVER_ASKS = "window.setInterval = () => 0";
/** The same faster, so that nobody has to wait. */
const ASKS_OFTEN = "{ const own = setInterval; window.setInterval = (act, ms) => own(act, ms / 10); }";

interface PictureSeen {
  watermarked: boolean;
  image_url: string;
  preview_url?: string;
}

describe.skipIf(lane === "postgres")("the Mini App's shop (in one lane: pages do not know the database)", () => {
  const stage = useAppStage();
  const shopping = shoppingOn(stage);
  async function pictureOf(id: string): Promise<{ watermarked: boolean; bytes: Buffer }> {
    const { watermarked, image_url: url } = await shopping().get<PictureSeen>(ANNA, `/generations/${id}`);
    return { watermarked, bytes: await bytesAt(url) };
  }

  async function bytesAt(address: string): Promise<Buffer> {
    const answer = await fetch(new URL(address, stage().server.base));
    return Buffer.from(await answer.arrayBuffer());
  }

  test(
    "out of free actions: a pack is bought on the pay page, and the picture comes back without its watermark",
    async () => {
      const [id] = await Promise.all([stage().fitting(ANNA), talk(stage(), ANNA, FREE_ACTIONS - 1)]);
      const marked = await pictureOf(id);
      expect(marked.watermarked).toBe(true);
      const tab = await stage().open({ as: ANNA, at: `pictures/${id}`, viewport: SMALL_PHONE });
      await tab.says("carries a watermark");
      await tab.press(/Make it again/);
      await tab.press("Get credits");
      await tab.says("No free actions left this month");
      await tab.says("Best-value pack");
      await usable(tab, "shop-empty");
      expectOnly(tab.complaints, /402/);

      // However often one taps, one order is made.
      const pack = tab.page.getByRole("button", { name: /Buy 60 credits/ });
      const orders = tab.asked(/\/payments\/create$/);
      const tap = { bubbles: true, cancelable: true };
      await pack.evaluate((button, options) => {
        button.dispatchEvent(new MouseEvent("click", options));
        button.dispatchEvent(new MouseEvent("click", options));
      }, tap);
      await onPayPage(tab);
      expect(orders.length).toBe(1);
      await payHere(tab);
      await title(tab, "Paid: 60 credits");
      await usable(tab, "payment-paid");
      expect(await shopping().credits(ANNA)).toBe(60);
      expect((await shopping().payments(ANNA)).length).toBe(1);

      await until(async () => !(await pictureOf(id)).watermarked, "the clean copy is opened", WAIT_MS);
      const clean = await pictureOf(id);
      expect(clean.bytes.equals(marked.bytes)).toBe(false);
      await tab.press("To my pictures");
      await tab.page.locator(`main a[href="#/pictures/${id}"]`).click();
      await tab.compares();
      await becomes(() => tab.page.getByText("watermark").count(), 0);
      const shown = tab.page.locator(".compare-after");
      await until(
        async () => (await bytesAt((await shown.getAttribute("src")) ?? "")).equals(clean.bytes),
        "the clean copy is shown",
      );
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a declined card and a closed pay page: nothing is charged, a second tap leads to the same payment, which may be forgotten",
    async () => {
      const person = 2002;
      const tab = await stage().open({ as: person, at: "shop", viewport: SMALL_PHONE });
      await buy(tab, /Buy 20 credits/);
      await tab.page.getByLabel("Номер тестовой карты").fill(NO_MONEY_CARD);
      await tab.press("Оплатить");
      await tab.says("Не хватает денег на карте");
      await tab.page.goto(`${stage().server.base}/?sandbox=${person}#/shop`);
      await tab.says("Not paid yet");
      await tab.press("Go on");
      await title(tab, "Waiting for the payment");
      const [first] = await shopping().payments(person);
      await tab.press("Not now");
      await title(tab, "Balance and shop");
      await tab.page.getByRole("button", { name: /Buy 20 credits/ }).waitFor();
      await tab.page.reload();
      await tab.page.getByRole("button", { name: /Buy 20 credits/ }).waitFor();
      expect(await tab.page.getByText("Not paid yet").count()).toBe(0);

      await buy(tab, /Buy 20 credits/);
      expect((await shopping().payments(person)).map(({ id }) => id)).toEqual([first?.id ?? ""]);
      await tab.press(/Отменить платёж/);
      await tab.page.getByRole("link", { name: "Вернуться в магазин" }).click();
      await title(tab, "Not paid");
      expect(tab.page.url()).toContain(`#/shop/${first?.id}`);
      await tab.says("The bank declined it.");
      await tab.says("You were not charged.");
      await usable(tab, "payment-cancelled");
      expect(await shopping().credits(person)).toBe(0);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "a lost order is sent again and is one order; who waits may reload, and hears without a network of the payment when it is back",
    async () => {
      const person = 2003;
      const tab = await stage().open({ as: person, at: "shop", viewport: SMALL_PHONE });
      const pack = tab.page.getByRole("button", { name: /Buy 20 credits/ });
      await pack.waitFor();
      await tab.slow(true);
      // The first order arrives, its answer does not; nothing else does before the network is back.
      let isLost = false;
      let isAway = true;
      const keys: string[] = [];
      await tab.page.route("**/payments/create", async (route) => {
        keys.push(route.request().headers()["idempotency-key"] ?? "");
        if (isLost) return isAway ? route.abort("internetdisconnected") : route.continue();
        isLost = true;
        await route.fetch();
        await tab.offline(true);
        await route.abort("internetdisconnected");
      });
      await pack.click();
      await tab.says("It will be sent by itself");
      await usable(tab, "shop-offline");
      await Bun.sleep(BREAK_MS);
      isAway = false;
      await tab.offline(false);
      await onPayPage(tab);
      await tab.slow(false);
      expect(new Set(keys).size).toBe(1);
      expect(keys.length).toBeGreaterThan(1);
      const ordered = await shopping().payments(person);
      expect(ordered.length).toBe(1);

      await tab.press(/Оплатить позже/);
      await title(tab, "Waiting for the payment");
      await tab.page.reload();
      await title(tab, "Waiting for the payment");
      await tab.offline(true);
      await tab.says("No connection. It will go on by itself.");
      await shopping().pay(person, ordered[0]?.id ?? "");
      await until(async () => (await shopping().credits(person)) === 20, "the payment arrives");
      expect(await tab.page.getByText("Paid: 20 credits").count()).toBe(0);
      await tab.offline(false);
      await title(tab, "Paid: 20 credits");
      expect((await shopping().payments(person)).map(({ status }) => status)).toEqual(["succeeded"]);
      expect(await shopping().credits(person)).toBe(20);
      expectOnly(tab.complaints, NO_NETWORK);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "who waits hears of the payment by an event, and pictures that are open already lose their watermark",
    async () => {
      const person = 2004;
      const id = await stage().fitting(person);
      const tab = await stage().blank();
      await tab.page.addInitScript(NEVER_ASKS);
      await tab.page.goto(`${stage().server.base}/?sandbox=${person}#/pictures/${id}`);
      await tab.says("carries a watermark");
      const { id: paymentId } = await shopping().order(person, "pack_20");
      await tab.go(`shop/${paymentId}`);
      await title(tab, "Waiting for the payment");
      await shopping().pay(person, paymentId);
      await title(tab, "Paid: 20 credits");
      await tab.press("To my pictures");
      const tile = tab.page.locator(`main a[href="#/pictures/${id}"]`);
      await until(async () => {
        const { watermarked, preview_url: preview = "" } = await shopping().get<PictureSeen>(
          person,
          `/generations/${id}`,
        );
        const shown = (await tile.locator("img").getAttribute("src")) ?? "";
        return !watermarked && (await bytesAt(shown)).equals(await bytesAt(preview));
      }, "the tile shows the clean copy");
      await tile.click();
      await tab.compares();
      await becomes(() => tab.page.getByText("carries a watermark").count(), 0);
      // Somebody else's payment, or none at all, is not there.
      await tab.go(`shop/${crypto.randomUUID()}`);
      await tab.says("There is no such payment.");
      expectOnly(tab.complaints, /404/);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "who waits hears of the payment where no event arrives",
    async () => {
      const person = 2007;
      const tab = await stage().blank();
      await tab.page.addInitScript(ASKS_OFTEN);
      await tab.page.route("**/api/v1/live/**", (route) => route.abort());
      const { id } = await shopping().order(person, "pack_20");
      await tab.page.goto(`${stage().server.base}/?sandbox=${person}#/shop/${id}`);
      await title(tab, "Waiting for the payment");
      await shopping().pay(person, id);
      await title(tab, "Paid: 20 credits");
      expect(await shopping().credits(person)).toBe(20);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "when payments cannot be made it says so, with nothing charged; the next tap works",
    async () => {
      const person = 2005;
      const tab = await stage().open({ as: person, at: "shop" });
      await shopping().fault("yookassa.create", "http_401");
      await tab.press(/Buy 20 credits/);
      await tab.says("The payment service does not answer right now.");
      await tab.says("You were not charged.");
      await usable(tab, "shop-refused");
      expectOnly(tab.complaints, /503/);
      await buy(tab, /Buy 20 credits/);
      // The provider refused the first order for good; only the second one can be paid.
      expect((await shopping().payments(person)).map(({ status }) => status)).toEqual(["pending", "cancelled"]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );

  test(
    "inside Telegram the pay page leads back into the app, to the payment that was ordered",
    async () => {
      const tab = await stage().blank();
      let returnUrl = "";
      await tab.page.route("**/payments/create", async (route) => {
        returnUrl = (route.request().postDataJSON() as { return_url: string }).return_url;
        await route.continue();
      });
      await tab.page.goto(await stage().telegramAddress());
      await tab.page.locator("nav.tabs").getByText("Shop").click();
      await buy(tab, /Buy 20 credits/);
      expect(returnUrl).toMatch(/^https:\/\/t\.me\/\w+\/app\?startapp=paid$/);
      const [payment] = await shopping().payments(ANNA);
      await payHere(tab).catch(() => undefined);
      const back = await stage().blank();
      await back.page.goto(`${await stage().telegramAddress()}&tgWebAppStartParam=paid`);
      await title(back, "Paid: 20 credits");
      expect(back.page.url()).toContain(`#/shop/${payment?.id}`);
      await tab.close();
      await back.close();
    },
    STORY_DEADLINE_MS,
  );
});
