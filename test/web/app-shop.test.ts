import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { violationsOn } from "../support/accessibility.ts";
import { ANNA, type AppStage, type AppTab, BORIS, setAppStage } from "../support/app-stage.ts";
import { closeBrowser } from "../support/browser.ts";
import { lane } from "../support/database.ts";
import { screenshot } from "../support/screenshots.ts";
import { until } from "../support/until.ts";

const STAGE_DEADLINE_MS = 60_000;
const STORY_DEADLINE_MS = 40_000;
/** A phone of the smaller kind. */
const SMALL = { width: 360, height: 780 };
const GOOD_CARD = "Оплата пройдёт MasterCard 5555 5555 5555 4444";
const FREE_ACTIONS = 10;
const BREAK_MS = 300;

interface PaymentSeen {
  id: string;
  status: string;
  product: string;
}

let stage: AppStage;

const usable = async (tab: AppTab, name: string) => {
  await screenshot(tab.page, name);
  expect([name, await violationsOn(tab.page)]).toEqual([name, []]);
  const wider = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect([name, wider]).toEqual([name, 0]);
};
async function get<Answer>(personId: number, path: string): Promise<Answer> {
  const headers = await stage.signIn(personId);
  return (await fetch(`${stage.server.base}/api/v1${path}`, { headers })).json() as Promise<Answer>;
}
const credits = async (personId: number) => (await get<{ credits: number }>(personId, "/balance")).credits;
const payments = async (personId: number) => (await get<{ items: PaymentSeen[] }>(personId, "/payments")).items;
/** What the emulator does wrong next; undone by itself after one strike. */
const fault = async (name: string, mode: string) => {
  const body = JSON.stringify({ [name]: { mode, times: 1 } });
  const headers = { "content-type": "application/json" };
  const set = await fetch(`${stage.server.base}/sandbox/yookassa/_faults`, { method: "PUT", headers, body });
  expect(set.status).toBe(200);
};
const onPayPage = (tab: AppTab) => tab.page.waitForURL(/\/sandbox\/yookassa\/pay\//);
const buy = async (tab: AppTab, name: string | RegExp) => {
  await tab.press(name);
  await onPayPage(tab);
};
const payWith = (tab: AppTab, card = GOOD_CARD) => tab.page.getByRole("button", { name: card, exact: true }).click();
const title = (tab: AppTab, text: string | RegExp) =>
  tab.page.getByRole("heading", { level: 1, name: text }).waitFor();

describe.skipIf(lane === "postgres")("the Mini App's shop (in one lane: pages do not know the database)", () => {
  beforeAll(async () => {
    stage = await setAppStage();
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await stage.stop();
  }, STAGE_DEADLINE_MS);

  test(
    "out of free actions: a pack is bought on the pay page, and the picture comes back without its watermark",
    async () => {
      const id = await stage.fitting(ANNA);
      await useUpFreeActions(ANNA, FREE_ACTIONS - 1);
      const marked = await pictureOf(id);
      expect(marked.watermarked).toBe(true);
      const tab = await stage.open({ as: ANNA, at: `pictures/${id}`, viewport: SMALL });
      await tab.says("carries a watermark");
      await tab.press(/Make it again/);
      await tab.press("Get credits");
      await tab.says("No free actions left this month");
      await tab.says("Best-value pack");
      await usable(tab, "shop-empty");
      expect(tab.complaints.splice(0).every((line) => line.includes("402"))).toBe(true);

      // However often one taps, one order is made.
      const pack = tab.page.getByRole("button", { name: /Buy 60 credits/ });
      const orders: string[] = [];
      tab.page.on("request", (request) => request.url().endsWith("/payments/create") && orders.push(request.url()));
      await pack.dispatchEvent("click");
      await pack.dispatchEvent("click");
      await onPayPage(tab);
      expect(orders.length).toBe(1);
      await payWith(tab);
      await title(tab, "Paid: 60 credits");
      await usable(tab, "payment-paid");
      expect(await credits(ANNA)).toBe(60);
      expect((await payments(ANNA)).length).toBe(1);

      await until(async () => !(await pictureOf(id)).watermarked, "the clean copy is opened", 10_000);
      const clean = await pictureOf(id);
      expect(clean.bytes.equals(marked.bytes)).toBe(false);
      await tab.press("To my pictures");
      await tab.page.locator(`main a[href="#/pictures/${id}"]`).click();
      await tab.page.getByLabel("Compare before and after").waitFor();
      expect(await tab.page.getByText("watermark").count()).toBe(0);
      const [shown] = await tab.page.locator(".compare-after").evaluateAll((all) => all.map((one) => (one as HTMLImageElement).src));
      const seen = Buffer.from(await (await fetch(shown ?? "")).arrayBuffer());
      expect(seen.equals(clean.bytes)).toBe(true);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});

async function pictureOf(id: string): Promise<{ watermarked: boolean; bytes: Buffer }> {
  const { watermarked, image_url: url } = await get<{ watermarked: boolean; image_url: string }>(
    ANNA,
    `/generations/${id}`,
  );
  const image = await fetch(new URL(url, stage.server.base));
  return { watermarked, bytes: Buffer.from(await image.arrayBuffer()) };
}

/** Talks to the assistant, each message for one free action. */
async function useUpFreeActions(personId: number, count: number): Promise<void> {
  const headers = await stage.signIn(personId);
  for (let turn = 0; turn < count; turn += 1) {
    const body = JSON.stringify({ message: "A red jacket, please" });
    const answer = await fetch(`${stage.server.base}/api/v1/editing/chat`, { method: "POST", headers, body });
    expect(answer.status).toBe(200);
  }
}
