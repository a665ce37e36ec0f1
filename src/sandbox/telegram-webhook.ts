import { after, type Clock, HOUR_MS, SECOND_MS } from "../platform/clock.ts";
import { SECRET_TOKEN_HEADER } from "../providers/telegram/wire.ts";
import type { Faults } from "./faults.ts";
import type { WebhookMode } from "./telegram-faults.ts";
import type { PendingUpdate, TelegramUpdates } from "./telegram-updates.ts";

const ANSWER_TIMEOUT_MS = 60 * SECOND_MS;
const ANSWER_BYTES_MAX = 1_000_000;
/** The first repetition comes almost at once; later pauses grow up to this. */
const PAUSE_MS_MAX = 60 * SECOND_MS;
const RETRY_AFTER_SECONDS_MAX = 3_600;
/** Whoever says "gone" for so long has no webhook any more. */
const GONE_MS = 23 * HOUR_MS;
const DELAY_MS_DEFAULT = 2 * SECOND_MS;
const CONNECTIONS_DEFAULT = 40;
const EXTRA_COPIES: Readonly<Record<string, number>> = { duplicate: 1, duplicate_10: 9 };

export interface WebhookSettings {
  url: string;
  /** Undefined: the header is left out. */
  secretToken: string | undefined;
  maxConnections: number | undefined;
}

export interface WebhookCounts {
  /** Posts, repetitions and those of the switches included. */
  sent: number;
  /** Updates that were answered with 2xx. */
  taken: number;
  /** Posts that were answered with anything else, or not at all. */
  failed: number;
}

/** One chat's updates go out one after the other. */
interface Lane {
  isBusy: boolean;
  isHeld: boolean;
  tries: number;
  dueAt: Date;
}

interface Desk {
  clock: Clock;
  faults: Faults;
  updates: TelegramUpdates;
  /** Carries out the call that an answer may hold. */
  onCall: (method: string, body: string) => Promise<unknown>;
  settings: WebhookSettings | undefined;
  counts: WebhookCounts;
  lanes: Map<number, Lane>;
  goneSince: Date | undefined;
  lastError: { at: Date; message: string } | undefined;
  underWay: Set<Promise<void>>;
  stopped: AbortController;
}

export interface TelegramWebhook {
  readonly counts: WebhookCounts;
  readonly settings: WebhookSettings | undefined;
  readonly lastError: { at: Date; message: string } | undefined;
  set(settings: WebhookSettings | undefined): void;
  /** Sends what is due by the clock; every chat in its own order. */
  pump(): void;
  /** Sends what `hold` keeps. */
  release(): void;
  /** Resolves when no post is under way. */
  tried(): Promise<void>;
  stop(): void;
}

/** Posts updates to the bot's address, at least once each, as badly as the switches want. */
export function createTelegramWebhook(options: Pick<Desk, "clock" | "faults" | "updates" | "onCall">): TelegramWebhook {
  const desk: Desk = {
    ...options,
    settings: undefined,
    counts: { sent: 0, taken: 0, failed: 0 },
    lanes: new Map(),
    goneSince: undefined,
    lastError: undefined,
    underWay: new Set(),
    stopped: new AbortController(),
  };
  return {
    counts: desk.counts,
    get settings() {
      return desk.settings;
    },
    get lastError() {
      return desk.lastError;
    },
    set(settings) {
      Object.assign(desk, { settings, goneSince: undefined, lastError: undefined });
      desk.lanes.clear();
      pump(desk);
    },
    pump: () => pump(desk),
    release() {
      for (const lane of desk.lanes.values()) lane.isHeld = false;
      pump(desk);
    },
    async tried() {
      while (desk.underWay.size > 0) await Promise.all(desk.underWay);
    },
    stop() {
      desk.stopped.abort();
    },
  };
}

function pump(desk: Desk): void {
  const { settings } = desk;
  if (settings === undefined || desk.stopped.signal.aborted) return;
  const now = desk.clock.now();
  for (const update of desk.updates.pending()) {
    if (desk.underWay.size >= (settings.maxConnections ?? CONNECTIONS_DEFAULT)) return;
    const lane = laneOf(desk, update.chatId);
    if (lane.isBusy || lane.isHeld || lane.dueAt > now) continue;
    lane.isBusy = true;
    const going = deliver(desk, update, lane, settings).finally(() => {
      lane.isBusy = false;
      desk.underWay.delete(going);
      pump(desk);
    });
    desk.underWay.add(going);
  }
}

function laneOf(desk: Desk, chatId: number): Lane {
  const known = desk.lanes.get(chatId);
  if (known !== undefined) return known;
  const lane: Lane = { isBusy: false, isHeld: false, tries: 0, dueAt: new Date(0) };
  desk.lanes.set(chatId, lane);
  return lane;
}

async function deliver(desk: Desk, update: PendingUpdate, lane: Lane, settings: WebhookSettings): Promise<void> {
  const strike = desk.faults.strike("telegram.webhook");
  const mode = strike?.mode as WebhookMode | undefined;
  if (mode === "hold") {
    lane.isHeld = true;
    return;
  }
  if (mode === "delay") await Bun.sleep(strike?.delayMs ?? DELAY_MS_DEFAULT);
  await beforeTheTrueOne(desk, update, settings, mode);
  const answer = await post(desk, settings, update.body, settings.secretToken);
  for (let copy = 0; copy < (EXTRA_COPIES[mode ?? ""] ?? 0); copy += 1) {
    await post(desk, settings, update.body, settings.secretToken);
  }
  const isTaken = answer.status >= 200 && answer.status < 300 && mode !== "answer_lost";
  if (isTaken) {
    desk.counts.taken += 1;
    desk.goneSince = undefined;
    Object.assign(lane, { tries: 0, dueAt: new Date(0) });
    desk.updates.drop(({ id }) => id === update.id);
    if (answer.call !== undefined) await desk.onCall(answer.call, answer.text);
  } else {
    again(desk, lane, mode === "answer_lost" ? { ...answer, status: 0 } : answer);
  }
}

/** What somebody sends who is not Telegram, or what a broken proxy makes of it. */
async function beforeTheTrueOne(
  desk: Desk,
  update: PendingUpdate,
  settings: WebhookSettings,
  mode: WebhookMode | undefined,
): Promise<void> {
  const { secretToken } = settings;
  if (mode === "wrong_secret") await post(desk, settings, update.body, `${secretToken ?? ""}-guessed`);
  if (mode === "no_secret") await post(desk, settings, update.body, undefined);
  if (mode === "not_json") await post(desk, settings, "<update/>", secretToken);
  if (mode === "unknown_shape") {
    await post(desk, settings, JSON.stringify({ update_id: 0, future_kind: { from: "tomorrow" } }), secretToken);
  }
}

interface Answer {
  /** 0 for none. */
  status: number;
  problem: string;
  text: string;
  /** The method that the answer asks to be called. */
  call: string | undefined;
  retryAfterSeconds: number | undefined;
}

function again(desk: Desk, lane: Lane, answer: Answer): void {
  const now = desk.clock.now();
  desk.lastError = { at: now, message: answer.problem === "" ? "Read timeout expired" : answer.problem };
  const pauseMs = lane.tries === 0 ? 0 : Math.min(PAUSE_MS_MAX, SECOND_MS * 2 ** (lane.tries - 1));
  lane.tries += 1;
  const asked = answer.retryAfterSeconds;
  lane.dueAt = after(now, asked === undefined ? pauseMs : Math.min(asked, RETRY_AFTER_SECONDS_MAX) * SECOND_MS);
  if (answer.status !== 410) desk.goneSince = undefined;
  else if (desk.goneSince === undefined) desk.goneSince = now;
  else if (now.getTime() - desk.goneSince.getTime() >= GONE_MS) desk.settings = undefined;
}

async function post(
  desk: Desk,
  settings: WebhookSettings,
  body: string,
  secretToken: string | undefined,
): Promise<Answer> {
  desk.counts.sent += 1;
  const answer = await postOnce(settings.url, body, secretToken, desk.stopped.signal);
  if (answer.problem !== "") desk.counts.failed += 1;
  return answer;
}

async function postOnce(
  url: string,
  body: string,
  secretToken: string | undefined,
  stopped: AbortSignal,
): Promise<Answer> {
  const nothing = { text: "", call: undefined, retryAfterSeconds: undefined };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        connection: "close",
        ...(secretToken === undefined ? {} : { [SECRET_TOKEN_HEADER]: secretToken }),
      },
      body,
      keepalive: false,
      redirect: "manual",
      signal: AbortSignal.any([stopped, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    const { status } = response;
    const text = (await response.text()).slice(0, ANSWER_BYTES_MAX);
    const seconds = response.headers.get("retry-after") ?? "";
    if (status >= 200 && status < 300) return { ...nothing, status, problem: "", text, call: methodIn(text) };
    return {
      ...nothing,
      status,
      problem: `Wrong response from the webhook: ${status} ${response.statusText}`.trimEnd(),
      retryAfterSeconds: /^\d{1,6}$/.test(seconds) ? Number(seconds) : undefined,
    };
  } catch (error) {
    const isLate = (error as Error).name === "TimeoutError";
    return { ...nothing, status: 0, problem: isLate ? "Read timeout expired" : "Connection refused" };
  }
}

function methodIn(text: string): string | undefined {
  try {
    const { method } = JSON.parse(text) as { method?: unknown };
    return typeof method === "string" ? method : undefined;
  } catch {
    return undefined;
  }
}
