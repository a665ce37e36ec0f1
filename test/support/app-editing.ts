import type { Locator } from "playwright-core";
import { setFaults } from "./app-calls.ts";
import type { AppStage } from "./app-stage.ts";
import { type AppTab, SMALL_PHONE, type TabOptions } from "./app-tab.ts";
import { becomes } from "./until.ts";

/** What stories of editing see and do on its page. */

/** The assistant as fast as is still a stream. */
export const BRISK = { "openrouter.pace": { mode: "pace", delayMs: 4 } };
/** Slow enough to look at in the middle of an answer. */
export const UNHURRIED = { "openrouter.pace": { mode: "pace", delayMs: 60 } };

/** Before the first story: pictures that take long enough to be seen in work, an assistant that does not. */
export async function setPace(stage: AppStage): Promise<void> {
  await setFaults(stage, "kie", { "kie.pace": { mode: "pace", delayMs: 1_000 } });
  await setFaults(stage, "openrouter", BRISK);
}

/** A tab in which a photo stands ready to be talked about. */
export async function withPhoto(stage: AppStage, options: TabOptions): Promise<AppTab> {
  const tab = await stage.open({ at: "edit", viewport: SMALL_PHONE, ...options });
  await tab.page.locator("[data-sample=person]").click();
  await field(tab).waitFor();
  return tab;
}

export const field = (tab: AppTab): Locator => tab.page.locator(".edit-field textarea");

export async function say(tab: AppTab, words: string): Promise<void> {
  await field(tab).fill(words);
  await tab.page.locator(".edit-send").click();
}

/** What the person has said, as the page shows it. */
export const mine = (tab: AppTab): Promise<string[]> => tab.page.locator(".bubble-mine").allTextContents();

/** What the assistant has written so far. */
export async function spoken(tab: AppTab): Promise<string> {
  return (await tab.page.locator(".bubble-theirs:not(.bubble-writing)").allTextContents()).join("");
}

export const variants = (tab: AppTab): Locator => tab.page.locator("section .variant");

/** Waits for the three that every answer offers. */
export const offered = (tab: AppTab): Promise<void> => becomes(() => variants(tab).count(), 3);

export const choose = (tab: AppTab, nth: number): Promise<void> => variants(tab).nth(nth).getByRole("button").click();

export const pictures = (tab: AppTab): Locator => tab.page.locator(".edit-picture:has(img)");

/** The photo and what was made of it, one after the other. */
export const links = (tab: AppTab): Locator => tab.page.locator(".chain-link");

/** Which link the next change begins with. */
export const marked = (tab: AppTab): Promise<number> =>
  links(tab).evaluateAll((all) => all.map((one) => one.getAttribute("aria-pressed")).indexOf("true"));

/** How far the end of the page is away, in pixels. */
export async function toEnd(tab: AppTab): Promise<number> {
  return Number(await tab.page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY"));
}
