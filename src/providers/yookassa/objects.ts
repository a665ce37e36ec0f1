import { Value } from "@sinclair/typebox/value";
import { textToKopecks } from "../../platform/money.ts";
import { type Amount, MeAnswer, PaymentObject, type PaymentStatus, RefundObject, type RefundStatus } from "./wire.ts";

export interface YooKassaPayment {
  id: string;
  status: PaymentStatus;
  /** True from `waiting_for_capture` on; no proof of success. */
  paid: boolean;
  /** In hundredths of `currency`, which has to be compared too. */
  amountKopecks: number;
  currency: string;
  /** What reaches the shop after commission and the VAT on it; known once the payment has succeeded. */
  incomeAmountKopecks?: number;
  refundedAmountKopecks: number;
  refundable: boolean;
  /** Made in a test shop: no money has moved. */
  test: boolean;
  createdAt: Date;
  capturedAt?: Date;
  /** Until when a held payment has to be captured. */
  expiresAt?: Date;
  /** Where the payer pays; only while the payment waits for that. */
  confirmationUrl?: string;
  description?: string;
  metadata: Readonly<Record<string, string>>;
  paymentMethod?: { id: string; saved: boolean; type: string; title?: string };
  /** Who ended a cancelled payment and why; new words may appear. */
  cancellation?: { party: string; reason: string };
}

export interface YooKassaRefund {
  id: string;
  paymentId: string;
  status: RefundStatus;
  amountKopecks: number;
  currency: string;
  createdAt: Date;
  description?: string;
  cancellation?: { party: string; reason: string };
}

export interface YooKassaShop {
  shopId: string;
  /** Undefined when the answer does not tell. */
  test?: boolean;
  /** The shop's own receipts (54-FZ): with them on, a payment without a receipt is refused. */
  fiscalization?: boolean;
  /** Such as `enabled`. */
  status?: string;
  paymentMethods: readonly string[];
}

/** Reads a payment; undefined when it is none, or when its amount or its time is not exactly as the API writes them. */
export function readPayment(json: unknown): YooKassaPayment | undefined {
  if (!Value.Check(PaymentObject, json)) return undefined;
  const amountKopecks = textToKopecks(json.amount.value);
  const refundedAmountKopecks = json.refunded_amount ? kopecksIn(json.refunded_amount, json.amount.currency) : 0;
  const incomeAmountKopecks = kopecksIn(json.income_amount, json.amount.currency);
  const createdAt = momentOf(json.created_at);
  if (amountKopecks === undefined || refundedAmountKopecks === undefined || createdAt === undefined) return undefined;
  const method = json.payment_method;
  return {
    id: json.id,
    status: json.status,
    paid: json.paid,
    amountKopecks,
    currency: json.amount.currency,
    ...given("incomeAmountKopecks", incomeAmountKopecks),
    refundedAmountKopecks,
    refundable: json.refundable ?? false,
    test: json.test,
    createdAt,
    ...given("capturedAt", momentOf(json.captured_at)),
    ...given("expiresAt", momentOf(json.expires_at)),
    ...given("confirmationUrl", webAddress(json.confirmation?.confirmation_url)),
    ...given("description", json.description ?? undefined),
    metadata: textsOf(json.metadata ?? {}),
    ...(method === undefined
      ? {}
      : {
          paymentMethod: {
            id: method.id,
            saved: method.saved ?? false,
            type: method.type,
            ...given("title", method.title ?? undefined),
          },
        }),
    ...given("cancellation", json.cancellation_details),
  };
}

/** Reads a refund; undefined when it is none. */
export function readRefund(json: unknown): YooKassaRefund | undefined {
  if (!Value.Check(RefundObject, json)) return undefined;
  const amountKopecks = textToKopecks(json.amount.value);
  const createdAt = momentOf(json.created_at);
  if (amountKopecks === undefined || createdAt === undefined) return undefined;
  return {
    id: json.id,
    paymentId: json.payment_id,
    status: json.status,
    amountKopecks,
    currency: json.amount.currency,
    createdAt,
    ...given("description", json.description ?? undefined),
    ...given("cancellation", json.cancellation_details),
  };
}

/** Reads what the shop says of itself. */
export function readShop(json: unknown): YooKassaShop | undefined {
  if (!Value.Check(MeAnswer, json)) return undefined;
  return {
    shopId: String(json.account_id),
    ...given("test", json.test),
    ...given("fiscalization", json.fiscalization?.enabled ?? json.fiscalization_enabled),
    ...given("status", json.status ?? undefined),
    paymentMethods: json.payment_methods ?? [],
  };
}

function given<Name extends string, Member>(name: Name, value: Member | undefined): { [name in Name]?: Member } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Member });
}

/** An amount beside the payment's own; one in another currency is of no use. */
function kopecksIn(amount: Amount | undefined, currency: string): number | undefined {
  return amount === undefined || amount.currency !== currency ? undefined : textToKopecks(amount.value);
}

function momentOf(text: string | null | undefined): Date | undefined {
  if (typeof text !== "string" || !/^\d{4}-\d{2}-\d{2}T/.test(text)) return undefined;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** The person is sent there, so nothing but a web address will do. */
function webAddress(url: string | null | undefined): string | undefined {
  return typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : undefined;
}

function textsOf(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(metadata).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return Object.fromEntries(texts);
}
