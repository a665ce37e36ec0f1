import type { Clock } from "../platform/clock.ts";
import { kopecksToText } from "../platform/money.ts";
import { moscowDate } from "../platform/moscow.ts";
import { LKNPD_BASE_PATH, LKNPD_PATHS } from "../providers/lknpd/wire.ts";
import { disturbTransport } from "./disturb.ts";
import type { Faults } from "./faults.ts";
import type { LknpdAccounts, Login, LoginAnswer } from "./lknpd-accounts.ts";
import type { BookedReceipt, LknpdBooks } from "./lknpd-books.ts";
import { LKNPD_REFUSALS, type LknpdRefusal, lknpdRefusalBehind } from "./lknpd-faults.ts";
import { listIncomes } from "./lknpd-lists.ts";
import { incomeInfo, nameOf, receiptObject } from "./lknpd-objects.ts";
import { htmlPage } from "./lknpd-summary.ts";
import { readCancel, readIncome } from "./lknpd-validate.ts";

const CALL_COUNT_MAX = 5_000;
const SMS_BASE_PATH = "/api/v2";

/** What the emulator remembers of one call; neither passwords, tokens nor bodies. */
export interface LknpdCall {
  at: string;
  method: string;
  path: string;
  status: number;
  /** The switch that struck it. */
  fault: string | null;
}

export interface LknpdApiNeeds {
  clock: Clock;
  faults: Faults;
  accounts: LknpdAccounts;
  books: LknpdBooks;
  yearLimitKopecks: () => number;
  deductionLeftKopecks: (inn: string) => number;
}

interface Call {
  request: Request;
  url: URL;
  note: LknpdCall;
  needs: LknpdApiNeeds;
}

export interface LknpdApi {
  /** The latest, the oldest first. */
  readonly calls: readonly LknpdCall[];
  call(request: Request): Promise<Response>;
}

/** The cabinet's calls, below `/api/v1` (and `/api/v2` for the first step of a login by SMS). */
export function createLknpdApi(needs: LknpdApiNeeds): LknpdApi {
  const calls: LknpdCall[] = [];
  return {
    calls,
    async call(request) {
      const url = new URL(request.url);
      const { method } = request;
      const note = { at: needs.clock.now().toISOString(), method, path: url.pathname, status: 0, fault: null };
      calls.push(note);
      if (calls.length > CALL_COUNT_MAX) calls.shift();
      const call = { request, url, note, needs };
      const answer = await underStrike(call, "lknpd.edge", () => route(call));
      note.status = answer.status;
      return answer;
    },
  };
}

/** A refusal in the cabinet's form. */
export function refuse({ status, code, message, isBare }: LknpdRefusal): Response {
  if (isBare) return Response.json(message, { status });
  return Response.json(code === undefined ? { message } : { code, message, additionalInfo: {} }, { status });
}

async function route(call: Call): Promise<Response> {
  const { request, url } = call;
  const print = /^\/receipt\/(\d+)\/([^/]+)\/print$/.exec(pathOf(url));
  if (print) return printed(call.needs.books.find(print[1] ?? "", print[2] ?? ""));
  const accept = request.headers.get("accept") ?? "*/*";
  if (!/application\/json|\*\/\*/.test(accept)) return refuse(LKNPD_REFUSALS["406"]);
  const answer = handlerOf(call);
  return answer === undefined ? refuse(LKNPD_REFUSALS["404"]) : answer();
}

function handlerOf(call: Call): (() => Promise<Response>) | undefined {
  const { accounts } = call.needs;
  const path = pathOf(call.url);
  const json = /^\/receipt\/(\d+)\/([^/]+)\/json$/.exec(path);
  if (json) return () => signedIn(call, "lknpd.receipt", async (login) => receipt(call, login, json));
  const routes: Record<string, () => Promise<Response>> = {
    [`POST ${LKNPD_PATHS.login}`]: () =>
      opening(call, "lknpd.login", (body, device) => accounts.byPassword(body.username, body.password, device)),
    [`POST ${LKNPD_PATHS.refresh}`]: () =>
      opening(call, "lknpd.refresh", (body, device) => accounts.byRefreshToken(body.refreshToken, device)),
    "POST v2/auth/challenge/sms/start": () => opening(call, "lknpd.login", (body) => accounts.sendSms(body.phone)),
    "POST /auth/challenge/sms/verify": () =>
      opening(call, "lknpd.login", (body, device) => accounts.bySms(body, device)),
    [`GET ${LKNPD_PATHS.user}`]: () => signedIn(call, "lknpd.user", async ({ inn }) => user(call, inn)),
    [`POST ${LKNPD_PATHS.income}`]: () => signedIn(call, "lknpd.income", (login) => income(call, login)),
    [`POST ${LKNPD_PATHS.cancel}`]: () => signedIn(call, "lknpd.cancel", (login) => cancel(call, login)),
    [`GET ${LKNPD_PATHS.incomes}`]: () => signedIn(call, "lknpd.incomes", async ({ inn }) => incomes(call, inn)),
    "GET /taxpayer/bonus": () => signedIn(call, "lknpd.user", async ({ inn }) => bonus(call, inn)),
  };
  return routes[`${call.request.method} ${path}`];
}

/** The path below the base; that of the second version of the API keeps its number. */
function pathOf({ pathname }: URL): string {
  if (pathname.startsWith(`${SMS_BASE_PATH}/`)) return `v2${pathname.slice(SMS_BASE_PATH.length)}`;
  return pathname.startsWith(`${LKNPD_BASE_PATH}/`) ? pathname.slice(LKNPD_BASE_PATH.length) : "";
}

/** A call that opens or renews a login. */
function opening(
  call: Call,
  fault: string,
  work: (body: Record<string, unknown>, deviceId: string) => LoginAnswer | LknpdRefusal,
): Promise<Response> {
  return underStrike(call, fault, async () => {
    const body = await bodyOf(call.request);
    if (body === undefined) return refuse(LKNPD_REFUSALS["400_validation"]);
    const { sourceDeviceId } = (body.deviceInfo ?? {}) as { sourceDeviceId?: unknown };
    return answered(work(body, typeof sourceDeviceId === "string" ? sourceDeviceId : ""));
  });
}

/** A call under a login. */
async function signedIn(call: Call, fault: string, work: (login: Login) => Promise<Response>): Promise<Response> {
  const { accounts, faults } = call.needs;
  const [, token] = /^Bearer (\S+)$/.exec(call.request.headers.get("authorization") ?? "") ?? [];
  if (token === undefined) return refuse(LKNPD_REFUSALS["401_none"]);
  const login = accounts.loginOf(token);
  const ended = login === undefined ? undefined : faults.strike("lknpd.session");
  if (ended) call.note.fault = ended.mode;
  if (ended?.mode === "revoked" && login) accounts.revoke(login.inn);
  if (login === undefined || ended || accounts.blocked.has(login.deviceId)) return refuse(LKNPD_REFUSALS["401"]);
  return underStrike(call, fault, () => work(login));
}

async function income(call: Call, login: Login): Promise<Response> {
  const read = readIncome(await bodyOf(call.request), call.needs.clock);
  const booked = "status" in read ? read : call.needs.books.register(login, read);
  return "status" in booked ? refuse(booked) : Response.json({ approvedReceiptUuid: booked.number });
}

async function cancel(call: Call, { inn }: Login): Promise<Response> {
  const read = readCancel(await bodyOf(call.request), call.needs.clock);
  const cancelled = "status" in read ? read : call.needs.books.cancel(inn, read);
  return "status" in cancelled ? refuse(cancelled) : Response.json(incomeInfo(cancelled));
}

function incomes({ url, needs }: Call, inn: string): Response {
  const own = needs.books.receipts.filter((one) => one.inn === inn);
  return answered(listIncomes(own, url.searchParams, needs));
}

function receipt({ needs }: Call, login: Login, [, inn = "", number = ""]: RegExpExecArray): Response {
  const found = inn === login.inn ? needs.books.find(inn, number) : undefined;
  return found === undefined ? refuse(LKNPD_REFUSALS["422_receipt"]) : Response.json(receiptObject(found));
}

function user({ needs }: Call, inn: string): Response {
  const person = needs.accounts.taxpayer(inn);
  return Response.json({ id: 1, inn, displayName: person?.displayName, phone: person?.phone, status: "ACTIVE" });
}

function bonus({ needs }: Call, inn: string): Response {
  const total = needs.books.yearKopecks(inn, moscowDate(needs.clock.now()).slice(0, 4));
  return Response.json({
    bonusAmount: needs.deductionLeftKopecks(inn) / 100,
    totalIncomeAmount: total / 100,
    annualIncomeThreshold: needs.yearLimitKopecks() / 100,
    availableIncomeToExceedThreshold: Math.max(0, needs.yearLimitKopecks() - total) / 100,
    annualIncomeStatus: total > needs.yearLimitKopecks() ? "EXCEEDED" : "NORMAL",
  });
}

/** The receipt as its buyer sees it: public, for whoever knows its number. */
function printed(found: BookedReceipt | undefined): Response {
  if (found === undefined) return refuse(LKNPD_REFUSALS["422_receipt"]);
  const annulled = found.cancellation === undefined ? "" : `<p>Аннулирован: ${found.cancellation.comment}</p>`;
  return htmlPage(
    `Чек ${found.number}`,
    `<h1>Чек №${found.number}</h1><p>${found.operationTime}</p><p>${Bun.escapeHTML(nameOf(found))}</p>
<p>Итого: ${kopecksToText(found.totalKopecks)} ₽</p><p>ИНН ${found.inn}, режим НО: НПД</p>${annulled}`,
  );
}

/** Lets a switch strike the call, or carries it out. */
async function underStrike(call: Call, name: string, carryOut: () => Promise<Response>): Promise<Response> {
  const strike = call.needs.faults.strike(name);
  if (strike === undefined) return carryOut();
  call.note.fault = strike.mode;
  const onTheWay = await disturbTransport(strike, call.request, carryOut);
  if (onTheWay !== undefined) return onTheWay;
  const refusal = lknpdRefusalBehind(strike.mode);
  if (refusal !== undefined) return refuse(refusal);
  if (strike.mode === "html_503") return maintenance();
  await carryOut();
  if (strike.mode === "executed_500") return refuse(LKNPD_REFUSALS["500"]);
  if (strike.mode === "executed_html_503") return maintenance();
  return strike.mode === "empty" ? new Response(null, { status: 200 }) : Response.json({ result: "ok" });
}

function maintenance(): Response {
  const page =
    "<!DOCTYPE html><html><head><title>Технические работы</title></head><body>Технические работы</body></html>";
  return new Response(page, { status: 503, headers: { "content-type": "text/html; charset=utf-8" } });
}

function answered(outcome: Record<string, unknown> | LknpdRefusal): Response {
  return "status" in outcome && "message" in outcome ? refuse(outcome as LknpdRefusal) : Response.json(outcome);
}

async function bodyOf(request: Request): Promise<Record<string, unknown> | undefined> {
  const body: unknown = await request.json().catch(() => undefined);
  return typeof body === "object" && body !== null && !Array.isArray(body)
    ? (body as Record<string, unknown>)
    : undefined;
}
