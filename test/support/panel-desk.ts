import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { closeBrowser, openBrowser } from "./browser.ts";
import { type PanelStage, setPanelStage } from "./panel-stage.ts";

export const STAGE_DEADLINE_MS = 60_000;
/** For one story of a test. */
export const STORY_DEADLINE_MS = 60_000;
/** For one thing on a page; less than a test has, so that it fails there and not the browser under it. */
export const WAIT_MS = 20_000;
export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export interface TabOptions {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  locale?: string;
}

/** A shop on stage, and a browser before it. */
export interface PanelDesk {
  stage: PanelStage;
  /** What any tab's browser complained of: a script or style that the policy refused, an error, an answer that is none. */
  complaints: string[];
  openTab(options?: TabOptions): Promise<Page>;
  /** The same, with the owner inside, or somebody who may only look. */
  enterPanel(options?: TabOptions, as?: "owner" | "viewer"): Promise<Page>;
  /** Goes to a place of the panel and waits until it is there. */
  go(page: Page, where: string): Promise<void>;
}

/** Sets the stage for all tests of the `describe` in whose body this is called, and clears it after them. */
export function usePanelDesk(): () => PanelDesk {
  let desk: PanelDesk | undefined;
  beforeAll(async () => {
    desk = await setDesk();
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await desk?.stage.stop();
  }, STAGE_DEADLINE_MS);
  return () => {
    if (!desk) throw new Error("the stage is set by beforeAll; ask for it inside a test");
    return desk;
  };
}

async function setDesk(): Promise<PanelDesk> {
  const stage = await setPanelStage();
  const complaints: string[] = [];
  const openTab = async (options: TabOptions = {}) => {
    const browser = await openBrowser();
    const context = await browser.newContext({ viewport: DESK, locale: "en-GB", acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    return page;
  };
  return {
    stage,
    complaints,
    openTab,
    async enterPanel(options, as) {
      const page = await openTab(options);
      await page.goto(await stage.link(as));
      await page.locator("nav").waitFor();
      return page;
    },
    async go(page, where) {
      await page.goto(`${stage.server.base}/admin#/${where}`);
      await page.locator("main h1").waitFor();
      await page.locator(".waiting").first().waitFor({ state: "detached" });
    },
  };
}

/** The last test of such a `describe`. */
export function expectNoComplaints(desk: () => PanelDesk): void {
  test("the browser had nothing to complain of: no script or style was refused, nothing threw", () => {
    expect(desk().complaints).toEqual([]);
  });
}

export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
export const inDialog = (page: Page) => page.getByRole("dialog");
/** Presses a button of the dialog that is open, with the reason that it asks for. */
export async function confirm(page: Page, name: string, reason?: string): Promise<void> {
  if (reason !== undefined) await inDialog(page).getByLabel("Reason").fill(reason);
  await inDialog(page).getByRole("button", { name, exact: true }).click();
}
/** Waits until the page says so. */
export const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: WAIT_MS });
/** The value beside a name in a list of facts or tiles. */
export const factOf = (page: Page, name: string) => page.locator(`dt:text-is("${name}") + dd`).first();
