import { afterEach, beforeEach } from "bun:test";
import type { Clock } from "../../src/platform/clock.ts";
import { ProviderFailure } from "../../src/platform/errors.ts";
import { createLog, type Log } from "../../src/platform/telemetry/log.ts";
import type { PaymentOrder } from "../../src/providers/yookassa/bodies.ts";
import {
  createYooKassaClient,
  type MoneyCall,
  type YooKassaClient,
  type YooKassaClientOptions,
} from "../../src/providers/yookassa/client.ts";
import {
  startYooKassaEmulator,
  type YooKassaEmulator,
  type YooKassaEmulatorOptions,
} from "../../src/sandbox/yookassa.ts";
import { parsedOr, type Receiver, startReceiver } from "../support/receiver.ts";

export const RETURN_URL = "https://t.me/sandbox_bot/app?startapp=o_71";

/** A clock that stands until it is moved. */
export function standingClock(iso = "2026-11-22T10:00:00.000Z"): Clock & { at: Date } {
  const clock = { at: new Date(iso), now: () => clock.at };
  return clock;
}

let orders = 0;
/** An order of a pack for 149 roubles under a key of its own. */
export function order(more: Partial<PaymentOrder & MoneyCall> = {}): PaymentOrder & MoneyCall {
  orders += 1;
  return {
    amountKopecks: 14_900,
    description: `20 кредитов, заказ o_${orders}`,
    metadata: { order_id: `o_${orders}`, user_id: "42" },
    returnUrl: RETURN_URL,
    idempotenceKey: `pay-o_${orders}-1`,
    ...more,
  };
}

/** The charge of a stored method. */
export function renewal(paymentMethodId: string, more: Partial<MoneyCall> = {}): PaymentOrder & MoneyCall {
  const { returnUrl: _, ...rest } = order();
  return { ...rest, paymentMethodId, ...more };
}

export interface YooKassaLane {
  emulator: YooKassaEmulator;
  client: YooKassaClient;
  /** Every line that the lane's clients log, as text. */
  lines: string[];
  /** How long the lane's clients have wanted to wait between tries; they do not. */
  waits: number[];
  /** A client with other options against the same emulator. */
  clientWith(options: Partial<YooKassaClientOptions>): YooKassaClient;
  /** The calls of the emulator's API since the last time this was asked, without what came before. */
  newCalls(): { method: string; path: string; idempotenceKey: string | null; status: number; replayed: boolean }[];
  /** How many payments the emulator has made in all. */
  made(): number;
}

/** For a client that meets what never answers: long enough that what it sends has arrived. */
export const HASTY = { createMs: 700, queryMs: 700, totalMs: 5_000 };

/** The real client against the emulator, over HTTP. */
export async function startYooKassaLane(options: YooKassaEmulatorOptions = {}): Promise<YooKassaLane> {
  const emulator = await startYooKassaEmulator(options);
  const lines: string[] = [];
  const waits: number[] = [];
  const log: Log = createLog({ level: "debug", format: "json", write: (line) => void lines.push(line) });
  const clientWith = (more: Partial<YooKassaClientOptions>): YooKassaClient =>
    createYooKassaClient({
      apiUrl: emulator.url,
      shopId: emulator.shopId,
      secretKey: emulator.secretKey,
      log,
      loopbackAllowed: true,
      timeouts: { createMs: 10_000, queryMs: 10_000, totalMs: 20_000 },
      sleep: async (ms) => {
        waits.push(ms);
      },
      ...more,
    });
  let seen = 0;
  return {
    emulator,
    client: clientWith({}),
    lines,
    waits,
    clientWith,
    newCalls() {
      const { calls } = emulator.stats();
      const fresh = calls.slice(seen);
      seen = calls.length;
      return fresh;
    },
    made: () => emulator.stats().payments.length,
  };
}

/** A lane of its own for each test of the file that calls this, with a clock that stands. */
export function useYooKassaLane(): () => YooKassaLane {
  let lane: YooKassaLane | undefined;
  beforeEach(async () => {
    lane = await startYooKassaLane({ clock: standingClock() });
  });
  afterEach(() => lane?.emulator.stop());
  return () => {
    if (!lane) throw new Error("the lane is there only while tests run");
    return lane;
  };
}

/** The failure of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<ProviderFailure> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(error)}`);
  return error;
}

/** A notice as it came, with where it claimed to come from. */
export interface Notice {
  event: string;
  object: Record<string, unknown>;
  source: string | null;
  text: string;
}

/** The shop's end of the notices. */
export function startShopServer(): Receiver<Notice> {
  return startReceiver("/api/v1/payments/webhook", (text, headers) => {
    const { event = "", object = {} } = parsedOr<Partial<Notice>>(text, {});
    return { event, object, source: headers.get("x-forwarded-for"), text };
  });
}
