import { expect } from "bun:test";
import type { Page } from "playwright-core";
import { violationsOn } from "./accessibility.ts";
import type { AppTab } from "./app-tab.ts";
import { screenshot } from "./screenshots.ts";
import { until } from "./until.ts";

/** A spinner never ends; what has just become ready is still on its way to its colour, and would be judged as if it stayed. */
const IS_STILL =
  "document.getAnimations().every((one) => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)";

/** What a tab shows now can be used by everybody, and nothing of it is wider than the phone. `name` is the picture's. */
export async function usable(tab: AppTab, name: string): Promise<void> {
  await until(() => tab.page.evaluate<boolean>(IS_STILL), "everything has its colour");
  await fits(tab, name);
  expect([name, await violationsOn(tab.page)]).toEqual([name, []]);
}

/** Nothing that a tab shows now is wider than the phone: for what is still moving, or looks as it did elsewhere. */
export async function fits(tab: AppTab, name: string): Promise<void> {
  await screenshot(tab.page, name);
  expect([name, await widerBy(tab.page)]).toEqual([name, 0]);
}

/** By how many pixels a page is wider than its window. */
export function widerBy(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - innerWidth");
}
