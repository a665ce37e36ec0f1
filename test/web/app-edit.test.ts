import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { violationsOn } from "../support/accessibility.ts";
import { ANNA, type AppStage, type AppTab, BORIS, setAppStage } from "../support/app-stage.ts";
import { closeBrowser } from "../support/browser.ts";
import { lane } from "../support/database.ts";
import { screenshot } from "../support/screenshots.ts";
import { until } from "../support/until.ts";

const STAGE_DEADLINE_MS = 60_000;
const STORY_DEADLINE_MS = 40_000;
const PICTURE_MS_MAX = 20_000;
const PHONE = { width: 360, height: 780 };

let stage: AppStage;

const usable = async (tab: AppTab, name: string) => {
  await screenshot(tab.page, name);
  expect([name, await violationsOn(tab.page)]).toEqual([name, []]);
  const wider = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect([name, wider]).toEqual([name, 0]);
};
/** A tab in which a photo stands ready to be talked about. */
const withPhoto = async (options: Parameters<AppStage["open"]>[0] = {}): Promise<AppTab> => {
  const tab = await stage.open({ at: "edit", viewport: PHONE, ...options });
  await tab.page.locator("[data-sample=person]").click();
  await field(tab).waitFor();
  return tab;
};
const field = (tab: AppTab) => tab.page.locator(".edit-field textarea");
const say = async (tab: AppTab, words: string) => {
  await field(tab).fill(words);
  await tab.page.locator(".edit-send").click();
};
const variants = (tab: AppTab) => tab.page.locator("section .variant");
const pictures = (tab: AppTab) => tab.page.locator(".edit-picture:has(img)");
const links = (tab: AppTab) => tab.page.locator(".chain-link");
const marked = (tab: AppTab) =>
  tab.page
    .locator(".chain-link")
    .evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed")).indexOf("true"));
const get = async (personId: number, path: string) => {
  const answer = await fetch(`${stage.server.base}/api/v1${path}`, { headers: await stage.signIn(personId) });
  return (await answer.json()) as never;
};
const used = async (personId: number): Promise<number> =>
  ((await get(personId, "/balance")) as { free_actions: { used: number } }).free_actions.used;
const fault = (method: "PUT" | "DELETE", body?: object) =>
  fetch(`${stage.server.base}/sandbox/openrouter/_faults`, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
  });

describe.skipIf(lane === "postgres")("editing in the Mini App (in one lane: pages do not know the database)", () => {
  beforeAll(async () => {
    stage = await setAppStage();
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await stage.stop();
  }, STAGE_DEADLINE_MS);

  test(
    "from a sample photo to two pictures in a chain, by two turns; an earlier one can be gone back to",
    async () => {
      const tab = await stage.open({ at: "edit", viewport: PHONE });
      await tab.says("Photo to change");
      await usable(tab, "edit-start");
      await tab.page.locator("[data-sample=person]").click();
      await tab.says("What shall we change?");
      await usable(tab, "edit-greeting");
      await say(tab, "make the jacket red");
      await until(async () => (await variants(tab).count()) === 3, "three variants");
      await usable(tab, "edit-variants");
      await variants(tab).nth(1).getByRole("button").click();
      await tab.says("You may leave");
      await usable(tab, "edit-making");
      await tab.page.getByLabel("Compare before and after").waitFor({ timeout: PICTURE_MS_MAX });
      await usable(tab, "edit-made");
      expect([await links(tab).count(), await marked(tab)]).toEqual([2, 1]);

      await say(tab, "now black and white");
      await until(async () => (await variants(tab).count()) === 3, "three more");
      await variants(tab).nth(0).getByRole("button").click();
      await until(async () => (await pictures(tab).count()) === 2, "two pictures", PICTURE_MS_MAX);
      expect([await links(tab).count(), await marked(tab)]).toEqual([3, 2]);
      const list = (await get(ANNA, "/generations?type=editing")) as { items: Array<Record<string, string>> };
      expect(list.items.length).toBe(2);
      expect(list.items[0]?.base_generation_id).toBe(list.items[1]?.id ?? "");
      expect(await used(ANNA)).toBe(4);
      await usable(tab, "edit-chain");

      await links(tab).nth(0).click();
      expect(await marked(tab)).toBe(0);
      await tab.page.reload();
      await until(async () => (await links(tab).count()) === 3, "the chain is there again");
      expect(await marked(tab)).toBe(0);
      expect(await tab.page.locator(".bubble-mine").count()).toBe(2);
      expect(tab.complaints).toEqual([]);
      await tab.close();
    },
    STORY_DEADLINE_MS,
  );
});
void fault;
void BORIS;
void withPhoto;
