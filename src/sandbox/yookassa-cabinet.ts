import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { textToKopecks } from "../platform/money.ts";
import type { ShiftedClock } from "./shifted-clock.ts";
import { findCard, GOOD_CARDS } from "./yookassa-cards.ts";
import { forgedNotice } from "./yookassa-forge.ts";
import type { YooKassaNotices } from "./yookassa-notices.ts";
import { paymentObject, refundObject } from "./yookassa-objects.ts";
import { type MoneyNeeds, payerMethod, refundPayment } from "./yookassa-payments.ts";
import { type EmulatedPayment, ShopSettings } from "./yookassa-records.ts";

/** What only a sandbox has, by HTTP: the payer's and the owner's hands, the clock, the settings, the notices. */
export const CABINET_PATHS = ["_pay", "_cancel", "_refund", "_revoke", "_clock", "_settings", "_notify", "_release"];

const Orders = {
  _pay: Type.Object(
    {
      card: Type.Optional(Type.String()),
      method: Type.Optional(Type.Union([Type.Literal("bank_card"), Type.Literal("sbp"), Type.Literal("yoo_money")])),
      /** The payer pays another sum than was asked for, as text in roubles. */
      amount: Type.Optional(Type.String()),
      currency: Type.Optional(Type.String({ minLength: 3, maxLength: 3 })),
      /** Also a payment that is over: a real one never comes back, and code must survive it all the same. */
      force: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  _cancel: Type.Object(
    {
      party: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
      force: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  _refund: Type.Object({ amount: Type.Optional(Type.String()) }, { additionalProperties: false }),
  _clock: Type.Object({ advance_ms: Type.Integer({ minimum: 0 }) }, { additionalProperties: false }),
  _settings: Type.Partial(
    Type.Object({ ...ShopSettings.properties, webhookUrl: Type.String(), publicUrl: Type.String() }),
    { additionalProperties: false },
  ),
  _notify: Type.Object(
    {
      /** Any body at all, or an event about an object that exists. */
      body: Type.Optional(Type.Unknown()),
      event: Type.Optional(Type.String()),
      id: Type.Optional(Type.String()),
      source: Type.Optional(Type.String()),
      copies: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    },
    { additionalProperties: false },
  ),
  _release: Type.Object(
    { order: Type.Optional(Type.Union([Type.Literal("oldest_first"), Type.Literal("latest_first")])) },
    { additionalProperties: false },
  ),
};
export type PayOrder = Static<(typeof Orders)["_pay"]>;
export type CancelOrder = Static<(typeof Orders)["_cancel"]>;
export type NotifyOrder = Static<(typeof Orders)["_notify"]>;
export type SettingsOrder = Static<(typeof Orders)["_settings"]>;

export type CabinetNeeds = MoneyNeeds & {
  clock: ShiftedClock;
  notices: YooKassaNotices;
  /** The addresses that may change while the emulator runs. */
  addresses: { webhookUrl: string | undefined; publicUrl: string | undefined };
};

/** What a test or a person can do with the sandbox; each throws an Error with a sentence where it cannot be done. */
export interface YooKassaCabinet {
  pay(paymentId: string, order?: PayOrder): Record<string, unknown>;
  cancel(paymentId: string, order?: CancelOrder): Record<string, unknown>;
  /** Gives back from the cabinet; all that is left if no sum is named. */
  refund(paymentId: string, amountKopecks?: number): Record<string, unknown>;
  /** The payer withdraws the permission to charge a stored method. */
  revoke(methodId: string): void;
  /** Puts the clock forward and lets happen what is due by then. */
  advance(ms: number): Promise<void>;
  configure(settings: SettingsOrder): SettingsOrder;
  /** Posts a notice, true or not, and resolves with the statuses of the answers. */
  notify(order: NotifyOrder): Promise<number[]>;
}

export function createYooKassaCabinet(needs: CabinetNeeds): YooKassaCabinet {
  const { shop, payBase, notices, addresses } = needs;
  const cabinet: YooKassaCabinet = {
    pay(paymentId, order = {}) {
      const payment = found(needs, paymentId);
      const card = order.card === undefined ? GOOD_CARDS[0] : findCard(order.card);
      if (card === undefined) throw new Error(`There is no test card ${order.card}.`);
      if (card.decline !== undefined) throw new Error(`The card is declined: ${card.decline.reason}.`);
      demandPending(payment, order.force);
      const amountKopecks = order.amount === undefined ? payment.amountKopecks : textToKopecks(order.amount);
      if (amountKopecks === undefined) throw new Error('An amount is written like "149.00".');
      Object.assign(payment, { amountKopecks, currency: order.currency ?? payment.currency });
      const type = order.method ?? "bank_card";
      shop.takeMoney(payment, payerMethod(payment, type, needs, type === "bank_card" ? card : undefined));
      return paymentObject(payment, payBase);
    },
    cancel(paymentId, order = {}) {
      const payment = found(needs, paymentId);
      if (payment.status !== "waiting_for_capture") demandPending(payment, order.force);
      shop.cancel(payment, { party: order.party ?? "payment_network", reason: order.reason ?? "general_decline" });
      return paymentObject(payment, payBase);
    },
    refund(paymentId, amountKopecks) {
      const payment = found(needs, paymentId);
      const refund = refundPayment(payment, amountKopecks ?? payment.amountKopecks - payment.refundedKopecks, needs);
      if ("code" in refund) throw new Error(`${refund.description} (${refund.parameter ?? ""}).`);
      return refundObject(refund);
    },
    revoke(methodId) {
      const method = shop.methods.get(methodId);
      if (method === undefined) throw new Error(`There is no stored method ${methodId}.`);
      method.revoked = true;
    },
    async advance(ms) {
      needs.clock.advance(ms);
      shop.settle();
      await notices.pump();
    },
    configure({ webhookUrl, publicUrl, ...settings }) {
      shop.settings = { ...shop.settings, ...settings };
      if (webhookUrl !== undefined) addresses.webhookUrl = webhookUrl === "" ? undefined : webhookUrl;
      if (publicUrl !== undefined) addresses.publicUrl = publicUrl === "" ? undefined : publicUrl.replace(/\/+$/, "");
      return { ...shop.settings, webhookUrl: addresses.webhookUrl ?? "", publicUrl: addresses.publicUrl ?? "" };
    },
    notify: (order) => {
      const source = order.source === undefined ? {} : { source: order.source };
      return notices.post({ body: noticeBody(needs, order), ...source }, order.copies ?? 1);
    },
  };
  return cabinet;
}

/** Answers `/_pay/:id`, `/_clock` and the rest by HTTP: 200 with what became of it, 422 with a sentence. */
export async function answerCabinet(
  request: Request,
  cabinet: YooKassaCabinet,
  notices: YooKassaNotices,
): Promise<Response> {
  const [, name = "", id = ""] = new URL(request.url).pathname.split("/");
  if (request.method === "GET" && name !== "_settings") {
    return Response.json({ detail: "Use POST." }, { status: 405 });
  }
  const text = request.method === "GET" ? "" : await request.text();
  try {
    return Response.json(await carryOut(name, id, text === "" ? {} : JSON.parse(text), cabinet, notices));
  } catch (error) {
    return Response.json({ detail: error instanceof Error ? error.message : String(error) }, { status: 422 });
  }
}

async function carryOut(
  name: string,
  id: string,
  body: unknown,
  cabinet: YooKassaCabinet,
  notices: YooKassaNotices,
): Promise<unknown> {
  switch (name) {
    case "_pay":
      return cabinet.pay(id, checked("_pay", body));
    case "_cancel":
      return cabinet.cancel(id, checked("_cancel", body));
    case "_refund": {
      const { amount } = checked("_refund", body);
      const amountKopecks = textToKopecks(amount);
      if (amount !== undefined && amountKopecks === undefined) throw new Error('An amount is written like "149.00".');
      return cabinet.refund(id, amountKopecks);
    }
    case "_revoke":
      cabinet.revoke(id);
      return { revoked: id };
    case "_clock":
      await cabinet.advance(checked("_clock", body).advance_ms);
      return {};
    case "_settings":
      return cabinet.configure(checked("_settings", body));
    case "_notify":
      return { statuses: await cabinet.notify(checked("_notify", body)) };
    default:
      await notices.release(checked("_release", body).order ?? "oldest_first");
      return {};
  }
}

function checked<Name extends keyof typeof Orders>(name: Name, body: unknown): Static<(typeof Orders)[Name]> {
  const error = Value.Errors(Orders[name], body).First();
  if (error !== undefined) throw new Error(`The order is not right at "${error.path || "/"}": ${error.message}.`);
  return body as Static<(typeof Orders)[Name]>;
}

function found({ shop }: CabinetNeeds, paymentId: string): EmulatedPayment {
  shop.settle();
  const payment = shop.payments.find(({ id }) => id === paymentId);
  if (payment === undefined) throw new Error(`There is no payment ${paymentId}.`);
  return payment;
}

function demandPending(payment: EmulatedPayment, force: boolean | undefined): void {
  if (payment.status !== "pending" && force !== true) throw new Error(`The payment is ${payment.status} already.`);
}

function noticeBody(needs: CabinetNeeds, { body, event, id }: NotifyOrder): string {
  if (body !== undefined) return typeof body === "string" ? body : JSON.stringify(body);
  const payment = needs.shop.payments.find((one) => one.id === id);
  const refund = needs.shop.refunds.find((one) => one.id === id);
  if (payment !== undefined) {
    return forgedNotice(event ?? `payment.${payment.status}`, paymentObject(payment, needs.payBase)).body;
  }
  if (refund === undefined) throw new Error("Name a body, or the id of a payment or of a refund.");
  return forgedNotice(event ?? `refund.${refund.status}`, refundObject(refund)).body;
}
