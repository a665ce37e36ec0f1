import type { Clock } from "../platform/clock.ts";
import { LIST_LIMIT_MAX } from "../providers/lknpd/wire.ts";
import type { Faults } from "./faults.ts";
import type { BookedReceipt } from "./lknpd-books.ts";
import { LKNPD_REFUSALS, type LknpdRefusal } from "./lknpd-faults.ts";
import { incomeItem } from "./lknpd-objects.ts";
import { invalid, momentOf } from "./lknpd-validate.ts";

const LIMIT_DEFAULT = 50;
const BUYER_TYPES: Readonly<Record<string, string>> = {
  PERSON: "FROM_INDIVIDUAL",
  COMPANY: "FROM_LEGAL_ENTITY",
  FOREIGN_AGENCY: "FROM_FOREIGN_AGENCY",
};
const ORDERS: Readonly<Record<string, (a: BookedReceipt, b: BookedReceipt) => number>> = {
  "operation_time:asc": (a, b) => a.operationAt.getTime() - b.operationAt.getTime(),
  "operation_time:desc": (a, b) => b.operationAt.getTime() - a.operationAt.getTime(),
  "total_amount:asc": (a, b) => a.totalKopecks - b.totalKopecks,
  "total_amount:desc": (a, b) => b.totalKopecks - a.totalKopecks,
};

/** One page of a taxpayer's receipts, or the refusal of a filter that is not right. */
export function listIncomes(
  all: readonly BookedReceipt[],
  query: URLSearchParams,
  needs: { clock: Clock; faults: Faults },
): Record<string, unknown> | LknpdRefusal {
  const limit = Number(query.get("limit") ?? LIMIT_DEFAULT);
  const offset = Number(query.get("offset") ?? 0);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) return invalid("Некорректный limit");
  if (!Number.isInteger(offset) || offset < 0) return invalid("Некорректный offset");
  const order = ORDERS[query.get("sortBy") ?? "operation_time:desc"];
  if (order === undefined || query.has("sortOrder")) return invalid("Требуется два параметра для сортировки");
  const bounds = { from: query.get("from"), to: query.get("to") };
  const from = bounds.from === null ? new Date(0) : momentOf(bounds.from);
  const to = bounds.to === null ? needs.clock.now() : momentOf(bounds.to);
  if (from === undefined || to === undefined) return LKNPD_REFUSALS["500"];
  const buyerType = query.get("buyerType");
  const receiptType = query.get("receiptType");
  if (buyerType !== null && !(buyerType in BUYER_TYPES)) return invalid("Некорректный buyerType");
  if (receiptType !== null && !["REGISTERED", "CANCELLED"].includes(receiptType)) {
    return invalid("Некорректный receiptType");
  }
  const byRegistration = needs.faults.strike("lknpd.filter") !== undefined;
  const now = needs.clock.now();
  const found = all
    .filter((one) => {
      const at = byRegistration ? one.registeredAt : one.operationAt;
      return one.visibleAt <= now && at >= from && at <= to;
    })
    .filter((one) => buyerType === null || one.incomeType === BUYER_TYPES[buyerType])
    .filter((one) => receiptType === null || (receiptType === "CANCELLED") === (one.cancellation !== undefined))
    .sort(order);
  const isRounded = needs.faults.strike("lknpd.times") !== undefined;
  const shownTime = (time: string) => (isRounded ? time.replace(/:\d\d(?=[+Z-])/, ":00") : time);
  return {
    content: found.slice(offset, offset + limit).map((one) => incomeItem(one, shownTime(one.operationTime))),
    hasMore: found.length > offset + limit,
    currentOffset: offset,
    currentLimit: limit,
  };
}
