import { resolve } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { SAMPLES } from "../../src/sandbox/samples.ts";
import { openBrowser } from "./browser.ts";
import { uploadForm } from "./pictures.ts";
import { type SandboxAddress, startSandboxProgram, startSandboxServer } from "./sandbox-server.ts";
import { until } from "./until.ts";

/**
 * The Mini App as people meet it: a server with the sandbox, and tabs of phone size in which somebody is signed in. The
 * server runs from the sources, or is the compiled program that `ATELIER_PROGRAM` names, as in the gate; so only its address
 * leads in.
 */

const PHONE = { width: 390, height: 844 };
/** For one thing on a page; less than a test has, so that it fails there and not the browser under it. */
const WAIT_MS = 10_000;
const PICTURE_MS_MAX = 30_000;
/** A phone on the edge of a cell: 50 KB/s and 400 ms. */
const SLOW = { latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const FREE = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

export const ANNA = 1001;
export const BORIS = 1002;
const NAMES: Readonly<Record<number, string>> = { [ANNA]: "Anna", [BORIS]: "Boris" };

/** Files that a person may choose, for `setInputFiles`. */
export const SAMPLE_FILES: Readonly<Record<keyof typeof SAMPLES, string>> = {
  person: resolve(SAMPLES.person),
  jacket: resolve(SAMPLES.jacket),
  tshirt: resolve(SAMPLES.tshirt),
  sunglasses: resolve(SAMPLES.sunglasses),
};

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
  /** Waits until the page says it. */
  says(text: string | RegExp, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface AppStage {
  server: SandboxAddress;
  /** A tab in which the app is there and ready. */
  open(options?: TabOptions): Promise<AppTab>;
  /** A tab that has gone nowhere yet. */
  blank(options?: TabOptions): Promise<AppTab>;
  /** Launch data as Telegram puts it into the address of a page that it opens. */
  telegramAddress(personId?: number): Promise<string>;
  /** Headers of somebody's requests from elsewhere, with `content-type: application/json`. */
  signIn(personId: number): Promise<Record<string, string>>;
  /** The id of a try-on that the person ordered elsewhere; it is finished unless told otherwise. */
  fitting(personId: number, options?: { isAwaited?: boolean }): Promise<string>;
  stop(): Promise<void>;
}

export async function setAppStage(): Promise<AppStage> {
  const program = process.env.ATELIER_PROGRAM;
  const server = program === undefined ? await startSandboxServer() : await startSandboxProgram(resolve(program));
  const tabs: AppTab[] = [];
  const blank = async (options: TabOptions = {}) => {
    const tab = await openTab(options, server.base);
    tabs.push(tab);
    return tab;
  };
  return {
    server,
    blank,
    async open(options = {}) {
      const tab = await blank(options);
      const query = new URLSearchParams({ sandbox: String(options.as ?? ANNA) });
      if (options.startParam !== undefined) query.set("startapp", options.startParam);
      await tab.page.goto(`${server.base}/?${query}${options.at === undefined ? "" : `#/${options.at}`}`);
      await tab.page.locator("nav.tabs").waitFor();
      return tab;
    },
    async telegramAddress(personId = ANNA) {
      const launch = new URLSearchParams({
        tgWebAppData: await initData(server, personId),
        tgWebAppVersion: "8.0",
        tgWebAppPlatform: "android",
        tgWebAppThemeParams: JSON.stringify({ bg_color: "#1d2733", text_color: "#ffffff" }),
      });
      return `${server.base}/#${launch}`;
    },
    signIn: (personId) => signIn(server, personId),
    async fitting(personId, { isAwaited = true } = {}) {
      const headers = await signIn(server, personId);
      const id = await orderFitting(server, headers);
      if (isAwaited) await until(() => isMade(server, headers, id), "the try-on is made", PICTURE_MS_MAX);
      return id;
    },
    async stop() {
      for (const tab of tabs) await tab.close();
      await server.stop();
    },
  };
}

async function openTab(options: TabOptions, base: string): Promise<AppTab> {
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
  const network = (conditions: typeof SLOW) =>
    debuggerOf.send("Network.emulateNetworkConditions", { offline: false, ...conditions });
  return {
    page,
    context,
    complaints,
    offline: (isOff) => context.setOffline(isOff),
    slow: async (isSlow) => void (await network(isSlow ? SLOW : FREE)),
    throttle: async (rate) => void (await debuggerOf.send("Emulation.setCPUThrottlingRate", { rate })),
    async go(where) {
      const { search } = new URL(page.url());
      await page.goto(`${base}/${search}#/${where}`);
    },
    press: (name) => page.getByRole("button", { name, exact: typeof name === "string" }).click(),
    says: (text, timeoutMs = WAIT_MS) => page.getByText(text).first().waitFor({ timeout: timeoutMs }),
    close: () => context.close().catch(() => undefined),
  };
}

/** Signed data of a sandbox person. Whoever comes for the first time by it speaks English, as the tabs do. */
async function initData({ base }: SandboxAddress, id: number): Promise<string> {
  const asked = new URLSearchParams({
    telegram_id: String(id),
    first_name: NAMES[id] ?? `Person ${id}`,
    language_code: "en",
  });
  const answer = await fetch(`${base}/sandbox/init-data?${asked}`);
  return ((await answer.json()) as { init_data: string }).init_data;
}

async function signIn(server: SandboxAddress, id: number): Promise<Record<string, string>> {
  const answer = await fetch(`${server.base}/api/v1/auth/telegram`, {
    method: "POST",
    headers: { authorization: `tma ${await initData(server, id)}` },
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return { authorization: `Bearer ${token}`, "content-type": "application/json" };
}

async function orderFitting({ base }: SandboxAddress, headers: Record<string, string>): Promise<string> {
  const { authorization = "" } = headers;
  const bytesOf = async (path: string) => Buffer.from(await Bun.file(path).arrayBuffer());
  const body = uploadForm({
    user_photo: { bytes: await bytesOf(SAMPLES.person), type: "image/png" },
    item_photo: { bytes: await bytesOf(SAMPLES.jacket), type: "image/png" },
  });
  const uploaded = await fetch(`${base}/api/v1/fitting/upload`, { method: "POST", headers: { authorization }, body });
  const photos = (await uploaded.json()) as { user_photo: { id: string }; item_photo: { id: string } };
  const ordered = await fetch(`${base}/api/v1/fitting/generate`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      user_photo_id: photos.user_photo.id,
      item_photo_id: photos.item_photo.id,
      zone: "outerwear",
    }),
  });
  if (ordered.status !== 202) throw new Error(`the order was answered ${ordered.status}: ${await ordered.text()}`);
  return ((await ordered.json()) as { id: string }).id;
}

async function isMade({ base }: SandboxAddress, headers: Record<string, string>, id: string): Promise<boolean> {
  const answer = await fetch(`${base}/api/v1/generations/${id}`, { headers });
  const { status } = (await answer.json()) as { status: string };
  if (status === "failed" || status === "cancelled") throw new Error(`the try-on ended as ${status}`);
  return status === "succeeded";
}
