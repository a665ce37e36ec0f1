import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import { createLog, type Log } from "../../src/platform/telemetry/log.ts";
import {
  createTelegramClient,
  type TelegramClient,
  type TelegramClientOptions,
  TelegramFailure,
} from "../../src/providers/telegram/client.ts";
import { SECRET_TOKEN_HEADER } from "../../src/providers/telegram/wire.ts";
import {
  startTelegramEmulator,
  type TelegramEmulator,
  type TelegramEmulatorOptions,
} from "../../src/sandbox/telegram.ts";
import type { TestClock } from "../support/clock.ts";
import { parsedOr, type Receiver, startReceiver } from "../support/receiver.ts";

/** The person of most tests; has started the bot. */
export const ANNA = 1_001;

export interface TelegramLane {
  emulator: TelegramEmulator;
  client: TelegramClient;
  /** Every line that the lane's clients log, as text. */
  lines: string[];
  /** How long the lane's clients have wanted to wait between tries; they do not. */
  waits: number[];
  clientWith(options: Partial<TelegramClientOptions>): TelegramClient;
  /** How often a method was called, whatever became of it. */
  calls(method: string): number;
  /** Calls a method without our client. */
  raw(method: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: RawAnswer }>;
}

export interface RawAnswer {
  ok: boolean;
  result?: unknown;
  error_code?: number;
  description?: string;
  parameters?: { retry_after?: number; migrate_to_chat_id?: number };
}

/** For a client that meets what never answers: long enough that what it sends has arrived. */
export const HASTY = { callMs: 700, fileMs: 700 };

/** The real client against the emulator, over HTTP. */
export async function startTelegramLane(options: TelegramEmulatorOptions = {}): Promise<TelegramLane> {
  const emulator = await startTelegramEmulator(options);
  const lines: string[] = [];
  const waits: number[] = [];
  const log: Log = createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
  const clientWith = (more: Partial<TelegramClientOptions>): TelegramClient =>
    createTelegramClient({
      apiUrl: emulator.url,
      botToken: emulator.botToken,
      log,
      loopbackAllowed: true,
      timeouts: { callMs: 10_000, fileMs: 10_000 },
      sleep: async (ms) => {
        waits.push(ms);
      },
      ...more,
    });
  return {
    emulator,
    client: clientWith({}),
    lines,
    waits,
    clientWith,
    calls: (method) => emulator.stats().calls.filter((call) => call.method === method).length,
    async raw(method, init) {
      const response = await fetch(`${emulator.url}/bot${emulator.botToken}/${method}`, init);
      return { status: response.status, headers: response.headers, body: (await response.json()) as RawAnswer };
    },
  };
}

/** One lane for all tests of the file that calls this; each begins a minute later, with Anna there and nothing wrong. */
export function useTelegramLane(clock: TestClock): () => TelegramLane {
  let lane: TelegramLane | undefined;
  const running = () => {
    if (!lane) throw new Error("the lane is there only while tests run");
    return lane;
  };
  beforeAll(async () => {
    lane = await startTelegramLane({ clock });
  });
  beforeEach(() => {
    running().emulator.person(ANNA, { state: "started", firstName: "Анна", username: "anna", languageCode: "ru" });
  });
  afterEach(() => {
    running().emulator.faults.clear();
    running().emulator.setWebhook(undefined);
    clock.advance(60_000);
  });
  afterAll(() => lane?.emulator.stop());
  return running;
}

/** The failure of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<TelegramFailure> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TelegramFailure)) throw new Error(`expected a TelegramFailure, got ${String(error)}`);
  return error;
}

/** A body of JSON for `raw`. */
export function jsonOf(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** A form for `raw`. */
export function formOf(fields: Record<string, string | File>): RequestInit {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { method: "POST", body };
}

/** What Telegram answers to a call that it refuses. */
export const refused = (code: number, description: string) => ({ ok: false, error_code: code, description });

export interface Update {
  update_id: number;
  message?: { text?: string; from: { id: number }; chat: { id: number } };
  my_chat_member?: { chat: { id: number }; new_chat_member: { status: string }; old_chat_member: { status: string } };
}

/** An update as it came, with the secret that came with it. */
export interface Delivery {
  update: Update;
  secret: string | null;
  text: string;
}

/** The bot's end of the webhook. */
export function startBotServer(): Receiver<Delivery> {
  return startReceiver("/webhook", (text, headers) => ({
    update: parsedOr<Update>(text, { update_id: -1 }),
    secret: headers.get(SECRET_TOKEN_HEADER),
    text,
  }));
}
