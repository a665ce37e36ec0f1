import type { BrowserContext, Page } from "playwright-core";
import { openBrowser } from "./browser.ts";

/** Windows of the Mini App, of the size of a phone, and what stories do in them. */

const PHONE = { width: 390, height: 844 };
/** A phone of the smaller kind. */
export const SMALL_PHONE = { width: 360, height: 780 };
/** For one thing on a page; less than a test has, so that it fails there and not the browser under it. */
export const WAIT_MS = 20_000;
const REST_MS_MAX = 10_000;
/** For one picture of the sandbox. */
export const PICTURE_MS_MAX = 30_000;
/** A phone on the edge of a cell: 50 KB/s and 400 ms. */
const SLOW = { latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const FREE = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

/** Both colours and both languages, once each; with `SCREENSHOTS` all four pairs, for whoever wants to see it all. */
export const LOOKS = [
  ["light", "ru-RU"],
  ["dark", "en-GB"],
  ...(process.env.SCREENSHOTS
    ? ([
        ["dark", "ru-RU"],
        ["light", "en-GB"],
      ] as const)
    : []),
] as const;

export interface TabOptions {
  /** The sandbox person; they come in by themselves. */
  as?: number;
  /** Where the app opens: `pictures/<id>`. */
  at?: string;
  /** What an invitation carries: `ref_...`. */
  startParam?: string;
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  locale?: string;
  /** False at a desk: a mouse and a keyboard. */
  hasTouch?: boolean;
}

export interface AppTab {
  page: Page;
  context: BrowserContext;
  /** What the browser complained of: a script or style that the policy refused, an error, a failed request. */
  complaints: string[];
  /** No network at all, and back again. */
  offline(isOff: boolean): Promise<void>;
  /** A bad network, and a good one again. */
  slow(isSlow: boolean): Promise<void>;
  /** A processor so many times slower. */
  throttle(times: number): Promise<void>;
  /** Goes to a place of the app, as a tap on a link does. */
  go(where: string): Promise<void>;
  press(name: string | RegExp): Promise<void>;
  /** Presses a button of the question that is open. */
  confirm(name: string | RegExp): Promise<void>;
  /** Waits until the page says it. */
  says(text: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Waits for a picture beside what it was made of. */
  compares(): Promise<void>;
  /** Waits until nothing is asked for any more, as far as that can be; what goes on by itself may go on. */
  rests(): Promise<void>;
  /** The addresses of this kind that are asked for from here on. */
  asked(address: RegExp): string[];
  close(): Promise<void>;
}

/** Opens one that has gone nowhere yet, of the server at `base`. */
export async function openTab(options: TabOptions, base: string): Promise<AppTab> {
  const { as: _, at: __, startParam: ___, ...look } = options;
  const browser = await openBrowser();
  const context = await browser.newContext({
    viewport: PHONE,
    locale: "en-GB",
    hasTouch: true,
    // A colour that is still on its way would be judged as if it stayed.
    reducedMotion: "reduce",
    acceptDownloads: true,
    ...look,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const debuggerOf = await context.newCDPSession(page);
  await debuggerOf.send("Network.enable");
  // Both by one hand: what one session of the debugger sets, another one takes back.
  const line = { isOff: false, speed: FREE };
  const network = async (change: Partial<typeof line>) => {
    const { isOff, speed } = Object.assign(line, change);
    await debuggerOf.send("Network.emulateNetworkConditions", { offline: isOff, ...speed });
  };
  return {
    page,
    context,
    complaints,
    offline: (isOff) => network({ isOff }),
    slow: (isSlow) => network({ speed: isSlow ? SLOW : FREE }),
    throttle: async (rate) => void (await debuggerOf.send("Emulation.setCPUThrottlingRate", { rate })),
    async go(where) {
      const { search } = new URL(page.url());
      await page.goto(`${base}/${search}#/${where}`);
    },
    press: (name) => page.getByRole("button", { name, exact: typeof name === "string" }).click(),
    confirm: (name) => page.getByRole("dialog").getByRole("button", { name }).click(),
    says: (text, timeoutMs = WAIT_MS) => page.getByText(text).first().waitFor({ timeout: timeoutMs }),
    compares: () =>
      page.getByLabel(/^(Compare before and after|Сравнить до и после)$/).waitFor({ timeout: PICTURE_MS_MAX }),
    rests: () => page.waitForLoadState("networkidle", { timeout: REST_MS_MAX }).catch(() => undefined),
    asked(address) {
      const found: string[] = [];
      page.on("request", (request) => void (address.test(request.url()) && found.push(request.url())));
      return found;
    },
    close: () => context.close().catch(() => undefined),
  };
}
