import { afterAll, beforeAll } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { silentLog } from "../../src/platform/telemetry/log.ts";
import { createTelegramClient, type TelegramClient } from "../../src/providers/telegram/client.ts";
import type { RunningSandbox } from "../../src/sandbox/server.ts";
import { closeBrowser, openBrowser } from "../support/browser.ts";
import { type SandboxServer, startSandboxServer } from "../support/sandbox-server.ts";

const STAGE_DEADLINE_MS = 60_000;
/** For one thing on a page; less than a test has. */
const WAIT_MS = 15_000;
/** A browser has work to do. */
export const TEST_MS_MAX = 60_000;

/** A phone that looks at a chat. */
export interface Opened {
  page: Page;
  context: BrowserContext;
  /** What the page asked for and what it complained of. */
  requests: string[];
  complaints: string[];
}

/** Chats with the sandbox's bot, which says only what a test makes it say, and phones before them. */
export interface ChatLane {
  /** The server's own address, without a slash at the end. */
  base: string;
  telegram: RunningSandbox["telegram"];
  bot: TelegramClient;
  /** A phone that looks at `path` below `/sandbox/telegram/chat/`. */
  look(path: string, options?: { dark?: boolean; scripts?: boolean; width?: number }): Promise<Opened>;
  /** What was said in a chat, each with who said it. */
  inChat(id: number): string[];
}

/** Sets it up for all tests of the `describe` in whose body this is called. */
export function useChatLane(): () => ChatLane {
  let server: SandboxServer | undefined;
  let lane: ChatLane | undefined;
  beforeAll(async () => {
    server = await startSandboxServer((started) => started.telegram.setWebhook(undefined));
    lane = laneOf(server);
  }, STAGE_DEADLINE_MS);
  afterAll(async () => {
    await closeBrowser();
    await server?.stop();
  }, STAGE_DEADLINE_MS);
  return () => {
    if (!lane) throw new Error("the chats are there only while tests run");
    return lane;
  };
}

function laneOf({ base, sandbox: { telegram } }: SandboxServer): ChatLane {
  return {
    base,
    telegram,
    bot: createTelegramClient({
      apiUrl: telegram.url,
      botToken: telegram.botToken,
      log: silentLog,
      loopbackAllowed: true,
    }),
    async look(path, options = {}) {
      const context = await (await openBrowser()).newContext({
        viewport: { width: options.width ?? 390, height: 780 },
        colorScheme: options.dark === true ? "dark" : "light",
        javaScriptEnabled: options.scripts !== false,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MS);
      const requests: string[] = [];
      const complaints: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(`${base}/sandbox/telegram/chat/${path}`);
      if (options.scripts !== false) await page.locator("body[data-live=yes]").waitFor();
      return { page, context, requests, complaints };
    },
    inChat: (id) => telegram.messages(id).map(({ from, text }) => `${from}: ${text}`),
  };
}

export const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
