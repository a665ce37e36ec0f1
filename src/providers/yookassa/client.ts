import { Value } from "@sinclair/typebox/value";
import { SECOND_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { providerBase } from "../provider-base.ts";
import { type ProviderAnswer, providerRequest } from "../provider-http.ts";
import { withAttempts } from "./attempts.ts";
import { checkIdempotenceKey, type PaymentOrder, paymentBody, type RefundOrder, refundBody } from "./bodies.ts";
import { failureOf, isNotFound, YOOKASSA, YooKassaFailure } from "./classify.ts";
import { type ListOf, listQuery, type PaymentFilter, type RefundFilter } from "./lists.ts";
import {
  readPayment,
  readRefund,
  readShop,
  type YooKassaPayment,
  type YooKassaRefund,
  type YooKassaShop,
} from "./objects.ts";
import { IDEMPOTENCE_HEADER, isYooKassaId, ListAnswer, YOOKASSA_BASE_PATH, YOOKASSA_PATHS } from "./wire.ts";

export interface YooKassaTimeouts {
  /** One try at moving money. YooKassa itself may take 30 s, so less than that gives up on payments that succeed. */
  createMs: number;
  /** One try at reading. */
  queryMs: number;
  /** After this no further try starts, whatever the call. */
  totalMs: number;
}

export interface YooKassaClientOptions {
  /** With or without the `/v3` at its end. */
  apiUrl: string;
  shopId: string;
  secretKey: string;
  log: Log;
  /** Permits plain http, and only on this machine's loopback: for the sandbox and for tests. */
  loopbackAllowed: boolean;
  timeouts?: Partial<YooKassaTimeouts>;
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
}

/** The one key of an operation, fixed before its first try and kept for all of them; for 24 h it moves money once. */
export interface MoneyCall {
  idempotenceKey: string;
  requestId?: string;
}

/**
 * Calls throw `ProviderFailure`, most of them a `YooKassaFailure` with the provider's own code. Of those that move money,
 * `unknown` says that it may have moved: repeat the call with the same key, never with a new one (P13). Every other kind
 * says that it has not.
 */
export interface YooKassaClient {
  createPayment(order: PaymentOrder & MoneyCall): Promise<YooKassaPayment>;
  /** Null when the provider says that it knows no such payment. */
  getPayment(paymentId: string, options?: { requestId?: string }): Promise<YooKassaPayment | null>;
  /** One page, newest first. */
  listPayments(filter?: PaymentFilter): Promise<ListOf<YooKassaPayment>>;
  createRefund(order: RefundOrder & MoneyCall): Promise<YooKassaRefund>;
  getRefund(refundId: string, options?: { requestId?: string }): Promise<YooKassaRefund | null>;
  listRefunds(filter?: RefundFilter): Promise<ListOf<YooKassaRefund>>;
  /** What the shop is. Null when the key works and may not ask this (HTTP 403). */
  me(): Promise<YooKassaShop | null>;
}

const TIMEOUTS: YooKassaTimeouts = { createMs: 35 * SECOND_MS, queryMs: 10 * SECOND_MS, totalMs: 60 * SECOND_MS };
const ANSWER_BYTES_MAX = 4_000_000;
const BACKOFF_BASE_MS = 500;

/** Talks to YooKassa's API v3 for one shop. Throws `OperatorError` for settings that cannot work. */
export function createYooKassaClient(options: YooKassaClientOptions): YooKassaClient {
  if (!/^\d{1,20}$/.test(options.shopId)) {
    throw new OperatorError("YOOKASSA_SHOP_ID: the number of the shop, as the cabinet shows it, such as 100500.");
  }
  if (options.secretKey.trim() === "" || /\s/.test(options.secretKey)) {
    throw new OperatorError("YOOKASSA_SECRET_KEY: the shop's secret key, one word that begins with live_ or test_.");
  }
  const line: Line = {
    ...options,
    apiUrl: providerBase("YOOKASSA_API_URL", options.apiUrl, {
      loopbackAllowed: options.loopbackAllowed,
      basePath: YOOKASSA_BASE_PATH,
    }),
    timeouts: { ...TIMEOUTS, ...options.timeouts },
    random: options.random ?? Math.random,
    sleep: options.sleep ?? Bun.sleep,
  };
  const { payments, refunds, me } = YOOKASSA_PATHS;
  return {
    createPayment: async (order) => create(line, payments, paymentBody(order), order, readPayment),
    getPayment: (id, about = {}) => getOne(line, payments, id, about.requestId, readPayment),
    listPayments: (filter = {}) => getPage(line, payments + listQuery(filter), filter.requestId, readPayment),
    createRefund: async (order) => create(line, refunds, refundBody(order), order, readRefund),
    getRefund: (id, about = {}) => getOne(line, refunds, id, about.requestId, readRefund),
    listRefunds: (filter = {}) => getPage(line, refunds + listQuery(filter), filter.requestId, readRefund),
    me: () => getShop(line, me),
  };
}

/** The options with everything filled in that the calls need. */
type Line = YooKassaClientOptions &
  Required<Pick<YooKassaClientOptions, "random" | "sleep">> & { timeouts: YooKassaTimeouts };
type Reader<T> = (json: unknown) => T | undefined;

async function create<T>(line: Line, path: string, body: object, call: MoneyCall, reader: Reader<T>): Promise<T> {
  checkIdempotenceKey(call.idempotenceKey);
  // Written once, so that each try sends the same bytes under the same key.
  const text = JSON.stringify(body);
  return repeated(line, async () => {
    const answer = await providerRequest({
      provider: YOOKASSA,
      method: "POST",
      url: line.apiUrl + path,
      headers: {
        authorization: credentials(line),
        "content-type": "application/json",
        [IDEMPOTENCE_HEADER]: call.idempotenceKey,
      },
      body: text,
      timeoutMs: line.timeouts.createMs,
      bytesMax: ANSWER_BYTES_MAX,
      repeatable: false,
      log: line.log,
      ...(call.requestId === undefined ? {} : { requestId: call.requestId }),
    });
    const failure = failureOf(answer, { reads: false });
    if (failure !== undefined) throw failure;
    const made = reader(answer.json);
    if (made === undefined) throw new YooKassaFailure("unknown", "answered in an unknown shape", answer);
    return made;
  });
}

function getOne<T>(
  line: Line,
  path: string,
  id: string,
  requestId: string | undefined,
  reader: Reader<T>,
): Promise<T | null> {
  // What cannot be an id must not become part of a path: it may come from a forged notice.
  if (!isYooKassaId(id)) return Promise.resolve(null);
  return repeated(line, async () => {
    const answer = await query(line, `${path}/${id}`, requestId);
    if (isNotFound(answer)) return null;
    throwFailure(answer);
    const found = reader(answer.json);
    if (found === undefined) throw unreadable(answer);
    return found;
  });
}

function getPage<T>(
  line: Line,
  pathAndQuery: string,
  requestId: string | undefined,
  reader: Reader<T>,
): Promise<ListOf<T>> {
  return repeated(line, async () => {
    const answer = await query(line, pathAndQuery, requestId);
    throwFailure(answer);
    if (!Value.Check(ListAnswer, answer.json)) throw unreadable(answer);
    const read = answer.json.items.map(reader);
    const items = read.filter((item): item is Awaited<T> & T => item !== undefined);
    const unreadableCount = read.length - items.length;
    // One object of a new kind must not blind the reconciliation to all the others.
    if (unreadableCount > 0) line.log.error("yookassa listed what cannot be read", { unreadableCount, alert: true });
    return { items, nextCursor: answer.json.next_cursor || null, unreadableCount };
  });
}

function getShop(line: Line, path: string): Promise<YooKassaShop | null> {
  return repeated(line, async () => {
    const answer = await query(line, path);
    const failure = failureOf(answer, { reads: true });
    if (failure?.code === "forbidden") return null;
    if (failure !== undefined) throw failure;
    const shop = readShop(answer.json);
    if (shop === undefined) throw unreadable(answer);
    return shop;
  });
}

function query(line: Line, pathAndQuery: string, requestId?: string): Promise<ProviderAnswer> {
  return providerRequest({
    provider: YOOKASSA,
    method: "GET",
    url: line.apiUrl + pathAndQuery,
    headers: { authorization: credentials(line) },
    timeoutMs: line.timeouts.queryMs,
    bytesMax: ANSWER_BYTES_MAX,
    repeatable: true,
    log: line.log,
    ...(requestId === undefined ? {} : { requestId }),
  });
}

function repeated<T>(line: Line, call: () => Promise<T>): Promise<T> {
  return withAttempts(call, {
    baseMs: BACKOFF_BASE_MS,
    totalMs: line.timeouts.totalMs,
    random: line.random,
    sleep: line.sleep,
  });
}

function throwFailure(answer: ProviderAnswer): void {
  const failure = failureOf(answer, { reads: true });
  if (failure !== undefined) throw failure;
}

function unreadable(answer: ProviderAnswer): YooKassaFailure {
  return new YooKassaFailure("unavailable", "answered in an unknown shape", { status: answer.status }, { alert: true });
}

function credentials(line: Line): string {
  return `Basic ${Buffer.from(`${line.shopId}:${line.secretKey}`).toString("base64")}`;
}
