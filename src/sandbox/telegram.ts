import { type Clock, SECOND_MS, systemClock } from "../platform/clock.ts";
import { type Log, silentLog } from "../platform/telemetry/log.ts";
import { createFaults, FAULTS_PATH, type Faults } from "./faults.ts";
import { shiftedClock } from "./shifted-clock.ts";
import { createTelegramApi, type EmulatedCall, type TelegramApi } from "./telegram-api.ts";
import { answerCabinet, CABINET_PATHS } from "./telegram-cabinet.ts";
import { answerChat, CHAT_PATH } from "./telegram-chat-desk.ts";
import { createTelegramChats, type TelegramChats } from "./telegram-chats.ts";
import { TELEGRAM_FAULTS } from "./telegram-faults.ts";
import { createTelegramFiles, type StoredFile } from "./telegram-files.ts";
import { createTelegramHands, type TelegramHands } from "./telegram-hands.ts";
import { createTelegramPace, type PaceCounts } from "./telegram-pace.ts";
import type { EmulatedBot, EmulatedMessage, MenuButton, PersonState } from "./telegram-records.ts";
import { createTelegramUpdates, type TelegramUpdates } from "./telegram-updates.ts";
import { createTelegramWebhook, type TelegramWebhook, type WebhookCounts } from "./telegram-webhook.ts";

/** Where the emulator tells what was asked of it; the same place as at the others. */
const STATS_PATH = "/_stats";
const HOST = "127.0.0.1";
/** Files of 50 MB with what stands around them. */
const BODY_BYTES_MAX = 60_000_000;
/** How often the emulator looks by itself whether an update is due again. */
const TICK_MS = SECOND_MS;
const BOT_TOKEN_DEFAULT = "1000000001:SANDBOX_bot_token_that_opens_nothing_real";
const BOT_NAME_DEFAULT = "atelier_sandbox_bot";

export interface TelegramEmulatorOptions {
  /** A free one by default. */
  port?: number;
  log?: Log;
  /** What the emulator's own clock goes with; that one can be put forward. */
  clock?: Clock;
  botToken?: string;
  /** The bot's username. */
  botName?: string;
  /** Where the Mini App is that links into it open. */
  appUrl?: string;
}

export interface TelegramStats {
  calls: EmulatedCall[];
  /** By method and status, such as `sendMessage 200`. */
  counts: Record<string, number>;
  /** How many stand in all chats. */
  messages: { bot: number; person: number };
  people: Record<string, number>;
  pace: PaceCounts;
  webhook: WebhookCounts & { url: string };
  updates: { waiting: number };
  now: string;
}

export interface TelegramEmulator extends TelegramHands {
  /** The base address of the Bot API, as Telegram's own is given; `/_faults` and the rest lie below it too. */
  url: string;
  botToken: string;
  botName: string;
  faults: Faults;
  stats(): TelegramStats;
  /** What stands in one chat, or in all; the oldest first. */
  messages(chatId?: number): EmulatedMessage[];
  /** The bytes of a message's file. */
  file(fileId: string): StoredFile | undefined;
  menuButton(chatId: number): MenuButton | undefined;
  /** As the bot's owner sets it, without the API's pace. Undefined takes it away. */
  setWebhook(webhook: { url: string; secretToken: string } | undefined): void;
  /** The same of the button in every chat. */
  setMenuButton(button: MenuButton): void;
  /** How people that were never heard of stand to the bot. */
  setNewcomers(state: PersonState): void;
  /** Puts the clock forward and sends what is due by then. */
  advance(ms: number): Promise<void>;
  /** Sends what a switch holds. */
  release(): Promise<void>;
  /** Resolves when no update is being delivered. */
  tried(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Plays Telegram over real HTTP: the Bot API, the updates to a webhook or a poll, and the people who write to the bot.
 * Nothing in it is shared with the client but the wire.
 */
export async function startTelegramEmulator(options: TelegramEmulatorOptions = {}): Promise<TelegramEmulator> {
  const clock = shiftedClock(options.clock ?? systemClock);
  const log = options.log ?? silentLog;
  const faults = createFaults(TELEGRAM_FAULTS);
  const botToken = options.botToken ?? BOT_TOKEN_DEFAULT;
  const bot = botOf(botToken, options.botName ?? BOT_NAME_DEFAULT);
  const chats = createTelegramChats({ clock });
  const files = createTelegramFiles();
  const pace = createTelegramPace();
  const updates = createTelegramUpdates({ clock, onPush: () => webhook.pump() });
  const webhook = createTelegramWebhook({
    clock,
    faults,
    updates,
    onCall: (method, body) => api.call(callOf(botToken, method, body)),
  });
  const api = createTelegramApi({ clock, bot, botToken, faults, chats, files, pace, updates, webhook });
  const hands = createTelegramHands({ clock, bot, chats, updates });
  const desk = { clock, bot, botToken, chats, files, hands, appUrl: () => options.appUrl };
  const stats = (): TelegramStats => statsOf({ api, chats, counts: pace.counts, webhook, updates, now: clock.now() });
  const server = serve(options.port ?? 0, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === FAULTS_PATH) return faults.handle(request);
    if (pathname === STATS_PATH) return Response.json(stats());
    if (CABINET_PATHS.includes(pathname.split("/", 2)[1] ?? "")) {
      return answerCabinet(request, { clock, chats, hands, webhook });
    }
    if (pathname.startsWith(CHAT_PATH)) return answerChat(request, desk);
    if (pathname.startsWith("/file/bot")) return api.file(request);
    if (!pathname.startsWith("/bot")) return new Response("Not Found", { status: 404 });
    const answer = await api.call(request);
    log.debug("emulated call", { status: answer.status });
    return answer;
  });
  const ticking = setInterval(() => webhook.pump(), TICK_MS);
  ticking.unref();
  return {
    ...hands,
    url: `http://${HOST}:${server.port}`,
    botToken,
    botName: bot.username,
    faults,
    stats,
    messages: (chatId) => chats.messages(chatId),
    file: (fileId) => files.get(fileId),
    menuButton: (chatId) => chats.menuButton(chatId),
    setWebhook: (target) => webhook.set(target === undefined ? undefined : { ...target, maxConnections: undefined }),
    setMenuButton: (button) => chats.setMenuButton(undefined, button),
    setNewcomers(state) {
      chats.newcomers = state;
    },
    async advance(ms) {
      clock.advance(ms);
      webhook.pump();
      await webhook.tried();
    },
    async release() {
      webhook.release();
      await webhook.tried();
    },
    tried: () => webhook.tried(),
    async stop() {
      clearInterval(ticking);
      webhook.stop();
      await server.stop(true);
    },
  };
}

function botOf(botToken: string, username: string): EmulatedBot {
  return { id: Number(botToken.split(":", 1)[0]), username, firstName: "atelier" };
}

/** The call that an answer of the webhook asked for. */
function callOf(botToken: string, method: string, body: string): Request {
  return new Request(`http://${HOST}/bot${botToken}/${encodeURIComponent(method)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

function serve(port: number, answer: (request: Request) => Promise<Response>): ReturnType<typeof Bun.serve> {
  return Bun.serve({
    hostname: HOST,
    port,
    reusePort: false,
    // A poll waits for most of a minute, and a switch may keep a caller waiting for as long as it likes.
    idleTimeout: 0,
    // Otherwise the bodies that break off on purpose are printed to the terminal.
    development: false,
    maxRequestBodySize: BODY_BYTES_MAX,
    fetch: answer,
  });
}

function statsOf(from: {
  api: TelegramApi;
  chats: TelegramChats;
  counts: PaceCounts;
  webhook: TelegramWebhook;
  updates: TelegramUpdates;
  now: Date;
}): TelegramStats {
  const messages = from.chats.messages();
  const people: Record<string, number> = {};
  for (const { state } of from.chats.people.values()) people[state] = (people[state] ?? 0) + 1;
  const ofBot = messages.filter((message) => message.from === "bot").length;
  return {
    calls: structuredClone([...from.api.calls]),
    counts: { ...from.api.counts },
    messages: { bot: ofBot, person: messages.length - ofBot },
    people,
    pace: { ...from.counts },
    webhook: { ...from.webhook.counts, url: from.webhook.settings?.url ?? "" },
    updates: { waiting: from.updates.pending().length },
    now: from.now.toISOString(),
  };
}
