import { afterAll, afterEach, beforeAll } from "bun:test";
import { resolve } from "node:path";
import { SAMPLES } from "../../src/sandbox/samples.ts";
import { type AppTab, openTab, PICTURE_MS_MAX, type TabOptions } from "./app-tab.ts";
import { closeBrowser } from "./browser.ts";
import { uploadForm } from "./pictures.ts";
import { type SandboxAddress, startSandboxProgram, startSandboxServer } from "./sandbox-server.ts";
import { until } from "./until.ts";

/**
 * The Mini App as people meet it: a server with the sandbox, and tabs of phone size in which somebody is signed in. The
 * server runs from the sources, or is the compiled program that `ATELIER_PROGRAM` names, as in the gate; so only its address
 * leads in.
 */

const STAGE_DEADLINE_MS = 60_000;
/** For one story of a test; most take a few seconds, and a machine that does a lot else several times as long. */
export const STORY_DEADLINE_MS = 60_000;

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
  /** Closes what a test that failed has left open. */
  closeTabs(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Sets the stage for all tests of the `describe` in whose body this is called, and clears it after them. `prepare` is what
 * has to be there before the first of them.
 */
export function useAppStage(prepare: (stage: AppStage) => Promise<unknown> = async () => {}): () => AppStage {
  let stage: AppStage | undefined;
  beforeAll(async () => {
    stage = await setAppStage();
    await prepare(stage);
  }, STAGE_DEADLINE_MS);
  afterEach(() => stage?.closeTabs());
  afterAll(async () => {
    await closeBrowser();
    await stage?.stop();
  }, STAGE_DEADLINE_MS);
  return () => {
    if (!stage) throw new Error("the stage is set by beforeAll; ask for it inside a test");
    return stage;
  };
}

async function setAppStage(): Promise<AppStage> {
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
    async closeTabs() {
      for (const tab of tabs.splice(0)) await tab.close();
    },
    stop: () => server.stop(),
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
  if (!answer.ok) throw new Error(`person ${id} was not signed in: ${answer.status} ${await answer.text()}`);
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
