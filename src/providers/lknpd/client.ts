import { Value } from "@sinclair/typebox/value";
import { type Clock, SECOND_MS } from "../../platform/clock.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/telemetry/log.ts";
import { providerBase } from "../provider-base.ts";
import { PROVIDER_TRIES, type ProviderAnswer, providerRequest, withRetries } from "../provider-http.ts";
import type { AnnulReason, TaxReceipt, TaxSale } from "../tax-service.ts";
import { type CallPurpose, failureOf, isNotFound, LKNPD, LknpdFailure } from "./classify.ts";
import { BROWSER_AGENT } from "./device.ts";
import {
  cancelBody,
  incomeBody,
  incomesQuery,
  isReceiptOf,
  type ListedReceipt,
  readListed,
  searchWindows,
} from "./receipts.ts";
import { createLknpdSession, type LknpdSession, type SessionStore } from "./session.ts";
import {
  CancelAnswer,
  IncomeAnswer,
  IncomesAnswer,
  isReceiptNumber,
  LIST_LIMIT_MAX,
  LKNPD_ACCEPT,
  LKNPD_BASE_PATH,
  LKNPD_PATHS,
  ReceiptAnswer,
  UserAnswer,
} from "./wire.ts";

export interface LknpdTimeouts {
  /** One try at registering or annulling. */
  writeMs: number;
  /** One try at a login or at reading. */
  queryMs: number;
}

export interface LknpdClientOptions {
  /** With or without the `/api/v1` at its end. */
  apiUrl: string;
  inn: string;
  password: string;
  clock: Clock;
  store: SessionStore;
  log: Log;
  /** Permits plain http, and only on this machine's loopback: for the sandbox and for tests. */
  loopbackAllowed: boolean;
  timeouts?: Partial<LknpdTimeouts>;
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
}

/** The calls of the cabinet that a seller needs; what they throw and promise is said at `TaxService`. */
export interface LknpdClient {
  income(sale: TaxSale): Promise<string>;
  incomesOf(sale: TaxSale, sentAt: Date): Promise<TaxReceipt[]>;
  cancel(number: string, reason: AnnulReason): Promise<void>;
  receipt(number: string): Promise<TaxReceipt | null>;
  printUrl(number: string): string;
  user(): Promise<void>;
}

const TIMEOUTS: LknpdTimeouts = { writeMs: 30 * SECOND_MS, queryMs: 10 * SECOND_MS };
const ANSWER_BYTES_MAX = 2_000_000;
const BACKOFF_BASE_MS = 500;
/** More receipts than this within minutes are not ours to judge. */
const PAGE_COUNT_MAX = 20;
const SESSION_DEAD = 401;

/** Talks to the web cabinet of «Мой налог» for one taxpayer. Throws `OperatorError` for settings that cannot work. */
export function createLknpdClient(options: LknpdClientOptions): LknpdClient {
  if (!/^\d{12}$/.test(options.inn)) throw new OperatorError("MY_TAX_INN: the 12 digits of the taxpayer's INN.");
  const base = providerBase("MY_TAX_API_URL", options.apiUrl, {
    loopbackAllowed: options.loopbackAllowed,
    basePath: LKNPD_BASE_PATH,
  });
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const session = createLknpdSession({
    ...options,
    post: (path, body, purpose) => send({ ...options, base, timeouts }, { method: "POST", path, body, purpose }),
  });
  const line: Line = { ...options, base, timeouts, session };
  return {
    income: (sale) => income(line, sale),
    incomesOf: (sale, sentAt) => incomesOf(line, sale, sentAt),
    cancel: (number, reason) => cancel(line, number, reason),
    receipt: (number) => receipt(line, number),
    printUrl: (number) => `${base}/receipt/${options.inn}/${number}/print`,
    user: () => user(line),
  };
}

type Wire = LknpdClientOptions & { base: string; timeouts: LknpdTimeouts };
type Line = Wire & { session: LknpdSession };

interface Call {
  method: "GET" | "POST";
  path: string;
  body?: object;
  purpose: CallPurpose;
  token?: string;
  /** Shown in the log where the path holds the taxpayer's number. */
  loggedPath?: string;
}

async function income(line: Line, sale: TaxSale): Promise<string> {
  const body = incomeBody(sale, line.clock.now());
  const answer = await signedIn(line, { method: "POST", path: LKNPD_PATHS.income, body, purpose: "write" });
  if (Value.Check(IncomeAnswer, answer.json)) return answer.json.approvedReceiptUuid;
  throw new LknpdFailure("unknown", "answered a sale without a receipt's number", { status: answer.status });
}

async function cancel(line: Line, number: string, reason: AnnulReason): Promise<void> {
  const body = cancelBody(checkedNumber(number), reason, line.clock.now());
  const answer = await signedIn(line, { method: "POST", path: LKNPD_PATHS.cancel, body, purpose: "write" });
  if (Value.Check(CancelAnswer, answer.json) && answer.json.incomeInfo.approvedReceiptUuid === number) return;
  throw new LknpdFailure("unknown", "answered an annulment in an unknown shape", { status: answer.status });
}

async function incomesOf(line: Line, sale: TaxSale, sentAt: Date): Promise<TaxReceipt[]> {
  const found = new Map<string, TaxReceipt>();
  for (const window of searchWindows(sale.paidAt, sentAt)) {
    for (const listed of await allListed(line, window)) {
      if (isReceiptOf(listed, sale)) found.set(listed.number, { number: listed.number, isAnnulled: listed.isAnnulled });
    }
  }
  return [...found.values()];
}

/** Every receipt of a window. One that cannot be read might be the one that is looked for: then nothing is concluded. */
async function allListed(line: Line, window: { from: Date; to: Date }): Promise<ListedReceipt[]> {
  const all: ListedReceipt[] = [];
  for (let page = 0; page < PAGE_COUNT_MAX; page += 1) {
    const answer = await read(line, { path: LKNPD_PATHS.incomes + incomesQuery(window, page * LIST_LIMIT_MAX) });
    const body = Value.Check(IncomesAnswer, answer.json) ? answer.json : undefined;
    const receipts = body?.content.map(readListed);
    if (body === undefined || receipts === undefined || receipts.includes(undefined)) throw unreadable(answer);
    all.push(...(receipts as ListedReceipt[]));
    if (!body.hasMore) return all;
  }
  throw new LknpdFailure("unavailable", "listed more receipts than can be looked through", { status: 200 });
}

async function receipt(line: Line, number: string): Promise<TaxReceipt | null> {
  const path = (inn: string) => `/receipt/${inn}/${checkedNumber(number)}/json`;
  try {
    const answer = await read(line, { path: path(line.inn), loggedPath: path(":inn") });
    if (!Value.Check(ReceiptAnswer, answer.json) || answer.json.receiptId !== number) throw unreadable(answer);
    return { number, isAnnulled: Boolean(answer.json.cancellationInfo) };
  } catch (error) {
    if (error instanceof LknpdFailure && isNotFound(error)) return null;
    throw error;
  }
}

async function user(line: Line): Promise<void> {
  const answer = await read(line, { path: LKNPD_PATHS.user });
  if (!Value.Check(UserAnswer, answer.json)) throw unreadable(answer);
  if (answer.json.inn !== line.inn) {
    throw new LknpdFailure("unauthorized", "the login belongs to another INN", { status: answer.status });
  }
}

function read(line: Line, call: Pick<Call, "path" | "loggedPath">): Promise<ProviderAnswer> {
  return withRetries(() => signedIn(line, { ...call, method: "GET", purpose: "read" }), {
    tries: PROVIDER_TRIES,
    baseMs: BACKOFF_BASE_MS,
    random: line.random ?? Math.random,
    sleep: line.sleep ?? Bun.sleep,
  });
}

/**
 * One call under the login. A token that is refused is renewed once, then replaced by a login with the password; a refused
 * call was not carried out, so repeating it is safe. Refused even so, it is `unauthorized`.
 */
async function signedIn(line: Line, call: Call): Promise<ProviderAnswer> {
  let token = await line.session.token();
  for (const byPassword of [false, true]) {
    const answer = await send(line, { ...call, token });
    if (answer.status !== SESSION_DEAD) return checked(answer, call.purpose);
    token = await line.session.replace(token, byPassword);
  }
  return checked(await send(line, { ...call, token }), call.purpose);
}

function checked(answer: ProviderAnswer, purpose: CallPurpose): ProviderAnswer {
  const failure = failureOf(answer, purpose);
  if (failure !== undefined) throw failure;
  return answer;
}

function send(wire: Wire, call: Call): Promise<ProviderAnswer> {
  return providerRequest({
    provider: LKNPD,
    method: call.method,
    url: wire.base + call.path,
    headers: {
      accept: LKNPD_ACCEPT,
      "user-agent": BROWSER_AGENT,
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    timeoutMs: call.purpose === "write" ? wire.timeouts.writeMs : wire.timeouts.queryMs,
    bytesMax: ANSWER_BYTES_MAX,
    repeatable: call.purpose !== "write",
    log: wire.log,
    ...(call.loggedPath === undefined ? {} : { loggedPath: LKNPD_BASE_PATH + call.loggedPath }),
  });
}

function checkedNumber(number: string): string {
  if (isReceiptNumber(number)) return number;
  throw new LknpdFailure("rejected", "that is no receipt's number", { status: 0 });
}

function unreadable(answer: ProviderAnswer): LknpdFailure {
  return new LknpdFailure("unavailable", "answered in an unknown shape", { status: answer.status }, { alert: true });
}
