import { Value } from "@sinclair/typebox/value";
import { after, MINUTE_MS } from "../../platform/clock.ts";
import { kopecksToText, textToKopecks } from "../../platform/money.ts";
import { moscowTime } from "../../platform/moscow.ts";
import type { AnnulReason, TaxSale } from "../tax-service.ts";
import {
  CANCEL_COMMENTS,
  type CancelBody,
  type IncomeBody,
  IncomeItem,
  LIST_LIMIT_MAX,
  SERVICE_NAME_CHARACTERS_MAX,
} from "./wire.ts";

/** How far around a moment receipts are looked for. */
const MARGIN_MS = 5 * MINUTE_MS;
/** Longer after sending nothing can be registered any more. */
const REGISTERED_WITHIN_MS = 15 * MINUTE_MS;
/** Moments nearer to each other than this share one question. */
const ONE_WINDOW_MS = 60 * MINUTE_MS;

/** The name that the buyer reads and by which we find the receipt again: our order stands in it whole. */
export function serviceName(sale: Pick<TaxSale, "service" | "orderId">): string {
  const order = `, заказ ${sale.orderId}`;
  return sale.service.slice(0, SERVICE_NAME_CHARACTERS_MAX - order.length) + order;
}

export function incomeBody(sale: TaxSale, now: Date): IncomeBody {
  return {
    operationTime: moscowTime(sale.paidAt),
    requestTime: moscowTime(now),
    // Whole kopecks by a hundred is the nearest number there is, and is written with two digits at most.
    services: [{ name: serviceName(sale), amount: sale.grossKopecks / 100, quantity: 1 }],
    totalAmount: kopecksToText(sale.grossKopecks),
    client: { contactPhone: null, displayName: null, incomeType: "FROM_INDIVIDUAL", inn: null },
    // The label that every client uses for card money too; no rule is known.
    paymentType: "CASH",
    ignoreMaxTotalIncomeRestriction: false,
  };
}

export function cancelBody(number: string, reason: AnnulReason, now: Date): CancelBody {
  return {
    operationTime: moscowTime(now),
    requestTime: moscowTime(now),
    comment: CANCEL_COMMENTS[reason],
    receiptUuid: number,
    partnerCode: null,
  };
}

/**
 * Where to look for a sale: around its payment and, in case the list goes by the time of registration, around its sending.
 */
export function searchWindows(paidAt: Date, sentAt: Date): { from: Date; to: Date }[] {
  const paid = { from: after(paidAt, -MARGIN_MS), to: after(paidAt, MARGIN_MS) };
  const sent = { from: after(sentAt, -MARGIN_MS), to: after(sentAt, REGISTERED_WITHIN_MS) };
  if (Math.abs(sentAt.getTime() - paidAt.getTime()) > ONE_WINDOW_MS) return [paid, sent];
  const from = Math.min(paid.from.getTime(), sent.from.getTime());
  return [{ from: new Date(from), to: new Date(Math.max(paid.to.getTime(), sent.to.getTime())) }];
}

/** The query of one page of the list. Bare dates are answered with 500, so both moments carry milliseconds and offset. */
export function incomesQuery(window: { from: Date; to: Date }, offset: number): string {
  const withMilliseconds = (moment: Date) => moscowTime(moment).replace("+", ".000+");
  const query = new URLSearchParams({
    from: withMilliseconds(window.from),
    to: withMilliseconds(window.to),
    offset: String(offset),
    limit: String(LIST_LIMIT_MAX),
    sortBy: "operation_time:desc",
  });
  return `?${query}`;
}

export interface ListedReceipt {
  number: string;
  isAnnulled: boolean;
  totalKopecks: number;
  names: string[];
}

/** Reads a receipt of a list; undefined when it is none, or when its total is no exact sum. */
export function readListed(json: unknown): ListedReceipt | undefined {
  if (!Value.Check(IncomeItem, json)) return undefined;
  const totalKopecks = kopecksOf(json.totalAmount);
  if (totalKopecks === undefined) return undefined;
  const names = [json.name, ...(json.services ?? []).map(({ name }) => name)];
  return {
    number: json.approvedReceiptUuid,
    isAnnulled: Boolean(json.cancellationInfo),
    totalKopecks,
    names: names.filter((name): name is string => typeof name === "string"),
  };
}

/**
 * Whether the receipt is this sale's: our order in the name, and the total to the kopeck (after a part was given back the
 * rest has the same order and second, and never the same total). The second is not asked for: whether the list gives back
 * the very one that was sent nobody has shown, and a receipt that is overlooked would be made twice.
 */
export function isReceiptOf(receipt: ListedReceipt, sale: TaxSale): boolean {
  return receipt.totalKopecks === sale.grossKopecks && receipt.names.some((name) => name.includes(sale.orderId));
}

/** Money in answers is a number such as 449.7; as text it must be written to the kopeck. */
function kopecksOf(amount: number | string): number | undefined {
  if (typeof amount === "string") return textToKopecks(amount);
  const kopecks = Math.round(amount * 100);
  return Number.isSafeInteger(kopecks) && kopecks >= 0 && kopecks / 100 === amount ? kopecks : undefined;
}
