import { disturbTransport } from "./disturb.ts";
import type { Strike } from "./faults.ts";
import { alteredPayment } from "./yookassa-alter.ts";
import { REFUSALS, refusalBehind, type YooKassaRefusal } from "./yookassa-faults.ts";
import type { ApiAnswer, KeyStore } from "./yookassa-keys.ts";
import { type Listed, listPage } from "./yookassa-lists.ts";
import { paymentObject, refundObject } from "./yookassa-objects.ts";
import { changePayment, createPayment, createRefund, type MoneyNeeds, type MoneyOutcome } from "./yookassa-payments.ts";
import { type EmulatedPayment, type EmulatedRefund, newObjectId } from "./yookassa-records.ts";
import { isUsableKey } from "./yookassa-validate.ts";

/** What the legacy answer asks to wait. */
const PROCESSING_RETRY_MS = 1_800;

/** What the emulator remembers of one call; neither credentials nor bodies. */
export interface EmulatedCall {
  at: string;
  method: string;
  path: string;
  status: number;
  idempotenceKey: string | null;
  /** The key had been used for the same request before. */
  replayed: boolean;
  /** The switch that struck it. */
  fault: string | null;
  requestId: string | null;
}

/** One call while it is answered. */
export interface Call {
  request: Request;
  url: URL;
  shopId: string;
  note: EmulatedCall;
}

export type CallNeeds = MoneyNeeds & { keys: KeyStore };

/** `POST /payments`. */
export function answerCreate(call: Call, needs: CallNeeds): Promise<Response> {
  return answerMoney(call, "create", needs, (body) => createPayment(call.shopId, body, needs));
}

/** `POST /payments/{id}/capture` and `/cancel`. */
export function answerChange(
  call: Call,
  id: string,
  action: "capture" | "cancel",
  needs: CallNeeds,
): Promise<Response> {
  return answerMoney(call, "change", needs, async (body) => {
    const payment = own(needs.shop.payments, call.shopId, id);
    return payment === undefined ? REFUSALS["404"] : changePayment(payment, action, body, needs);
  });
}

/** `POST /refunds`. */
export function answerRefund(call: Call, needs: CallNeeds): Promise<Response> {
  return answerMoney(call, "refund", needs, async (body) => createRefund(call.shopId, body, needs));
}

/** `GET /payments/{id}` and `GET /refunds/{id}`. */
export function answerRead(call: Call, kind: "payments" | "refunds", id: string, needs: CallNeeds): Promise<Response> {
  return underStrike(call, "yookassa.read", needs, async () => {
    if (kind === "payments") {
      const payment = own(needs.shop.payments, call.shopId, id);
      return payment === undefined ? refuse(REFUSALS["404"], needs) : Response.json(shown(payment, needs));
    }
    const refund = own(needs.shop.refunds, call.shopId, id);
    return refund === undefined ? refuse(REFUSALS["404"], needs) : Response.json(refundObject(refund));
  });
}

/** `GET /payments` and `GET /refunds`. */
export function answerList(call: Call, kind: "payments" | "refunds", needs: CallNeeds): Promise<Response> {
  const { payments, refunds } = needs.shop;
  return kind === "payments"
    ? list(call, needs, payments, lookAtPayment, (payment) => shown(payment, needs))
    : list(call, needs, refunds, lookAtRefund, refundObject);
}

/** `GET /me`. */
export function answerMe(call: Call, needs: CallNeeds): Promise<Response> {
  const { test, fiscalization } = needs.shop.settings;
  return underStrike(call, "yookassa.me", needs, async () =>
    Response.json({
      account_id: call.shopId,
      status: "enabled",
      test,
      fiscalization_enabled: fiscalization,
      payment_methods: ["bank_card", "yoo_money", ...(test ? [] : ["sbp"])],
    }),
  );
}

/** An error in the provider's form. */
export function refuse(refusal: YooKassaRefusal, { clock }: Pick<CallNeeds, "clock">): Response {
  return Response.json(errorBody(refusal, clock.now()), { status: refusal.status });
}

/** A call that moves money: content type, body and key are looked at, then the work is done, once for each key. */
async function answerMoney(
  call: Call,
  name: string,
  needs: CallNeeds,
  work: (body: unknown) => Promise<MoneyOutcome>,
): Promise<Response> {
  const { request, note, shopId } = call;
  const isJson = (request.headers.get("content-type") ?? "").startsWith("application/json");
  if (!isJson) return refuse(REFUSALS["415"], needs);
  const body: unknown = await request.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || Array.isArray(body)) return refuse(REFUSALS["400"], needs);
  const key = note.idempotenceKey;
  if (!isUsableKey(key)) return refuse(REFUSALS["400_no_key"], needs);
  return underStrike(call, `yookassa.${name}`, needs, async () => {
    const keyed = { shopId, key, method: note.method, path: note.path, body };
    const kept = await needs.keys.once(keyed, async () => asAnswer(await work(body), needs));
    if (kept === undefined) return refuse(REFUSALS["400_key"], needs);
    note.replayed = kept.replayed;
    const { answer } = kept;
    const isCurrent = kept.replayed && needs.faults.strike("yookassa.replay") !== undefined;
    return Response.json(isCurrent ? (answer.current?.() ?? answer.body) : answer.body, { status: answer.status });
  });
}

function list<T extends { shopId: string }>(
  call: Call,
  needs: CallNeeds,
  all: readonly T[],
  look: (item: T) => Listed,
  show: (item: T) => unknown,
): Promise<Response> {
  return underStrike(call, "yookassa.list", needs, async () => {
    const ours = all.filter(({ shopId }) => shopId === call.shopId);
    const page = listPage(ours, call.url.searchParams, look);
    if ("code" in page) return refuse(page, needs);
    const next = page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor };
    return Response.json({ type: "list", items: page.items.map(show), ...next });
  });
}

/** Lets a switch strike the call, or carries it out. */
async function underStrike(
  { request, note }: Call,
  name: string,
  needs: CallNeeds,
  carryOut: () => Promise<Response>,
): Promise<Response> {
  const strike: Strike | undefined = needs.faults.strike(name);
  if (strike === undefined) return carryOut();
  note.fault = strike.mode;
  const onTheWay = await disturbTransport(strike, request, carryOut);
  if (onTheWay !== undefined) return onTheWay;
  const refusal = refusalBehind(strike.mode);
  if (refusal !== undefined) return refuse(refusal, needs);
  await carryOut();
  if (strike.mode === "executed_500") return refuse(REFUSALS["500"], needs);
  if (strike.mode === "unknown_shape") return Response.json({ id: 1, state: "ok" });
  const processing = {
    type: "processing",
    description: "Request is being processed",
    retry_after: PROCESSING_RETRY_MS,
  };
  return Response.json(processing, { status: 202 });
}

function shown(payment: EmulatedPayment, { faults, payBase }: CallNeeds): unknown {
  return alteredPayment(paymentObject(payment, payBase), faults.strike("yookassa.object")?.mode);
}

/** A shop sees its own objects only; those of others do not exist for it. */
function own<T extends { id: string; shopId: string }>(all: readonly T[], shopId: string, id: string): T | undefined {
  return all.find((one) => one.id === id && one.shopId === shopId);
}

function asAnswer(outcome: MoneyOutcome, { clock }: CallNeeds): ApiAnswer {
  return "code" in outcome ? { status: outcome.status, body: errorBody(outcome, clock.now()) } : outcome;
}

function lookAtPayment({ sequence, createdAt, capturedAt, status, method }: EmulatedPayment): Listed {
  return {
    sequence,
    moments: { created_at: createdAt, captured_at: capturedAt },
    texts: { status, payment_method: method?.type },
  };
}

function lookAtRefund({ sequence, createdAt, status, payment }: EmulatedRefund): Listed {
  return { sequence, moments: { created_at: createdAt }, texts: { status, payment_id: payment.id } };
}

function errorBody(refusal: YooKassaRefusal, now: Date): Record<string, unknown> {
  return {
    type: "error",
    id: newObjectId(now, "0e0e"),
    code: refusal.code,
    description: refusal.description,
    ...(refusal.parameter === undefined ? {} : { parameter: refusal.parameter }),
    ...(refusal.retryAfterMs === undefined ? {} : { retry_after: refusal.retryAfterMs }),
  };
}
