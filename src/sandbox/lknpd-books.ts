import { randomInt } from "node:crypto";
import { after, type Clock, MINUTE_MS } from "../platform/clock.ts";
import { moscowDate } from "../platform/moscow.ts";
import type { Faults } from "./faults.ts";
import { LKNPD_REFUSALS, type LknpdRefusal } from "./lknpd-faults.ts";
import { invalid, type ValidCancel, type ValidIncome } from "./lknpd-validate.ts";

const NUMBER_CHARACTERS = 10;
const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const LATE_MS_DEFAULT = 5 * MINUTE_MS;

/** A receipt in the books. */
export interface BookedReceipt extends ValidIncome {
  number: string;
  inn: string;
  deviceId: string;
  operationAt: Date;
  registeredAt: Date;
  visibleAt: Date;
  /** How many digits the registration's fraction of a second shows: as odd as in life. */
  fraction: string;
  cancellation?: { operationTime: string; registeredAt: Date; comment: string };
}

export interface LknpdBooks {
  readonly receipts: readonly BookedReceipt[];
  /** Books a sale, as often as it is asked. */
  register(by: { inn: string; deviceId: string }, income: ValidIncome): BookedReceipt | LknpdRefusal;
  cancel(inn: string, order: ValidCancel): BookedReceipt | LknpdRefusal;
  find(inn: string, number: string): BookedReceipt | undefined;
  /** Kopecks of live receipts of a calendar year (Moscow). */
  yearKopecks(inn: string, year: string): number;
}

/** The receipts of all taxpayers. */
export function createLknpdBooks(needs: { clock: Clock; faults: Faults; yearLimitKopecks: () => number }): LknpdBooks {
  const { clock, faults } = needs;
  const receipts: BookedReceipt[] = [];
  const books: LknpdBooks = {
    receipts,
    register(by, income) {
      const operationAt = new Date(income.operationTime);
      const year = moscowDate(operationAt).slice(0, 4);
      const total = books.yearKopecks(by.inn, year) + income.totalKopecks;
      if (total > needs.yearLimitKopecks() && !income.ignoresYearLimit) {
        return invalid("Превышен максимальный размер дохода за год");
      }
      const now = clock.now();
      const late = faults.strike("lknpd.visible");
      const receipt: BookedReceipt = {
        ...income,
        ...by,
        number: newNumber(),
        operationAt,
        registeredAt: now,
        visibleAt: late === undefined ? now : after(now, late.delayMs ?? LATE_MS_DEFAULT),
        fraction: String(randomInt(1_000, 1_000_000)),
      };
      receipts.push(receipt);
      return receipt;
    },
    cancel(inn, order) {
      const receipt = books.find(inn, order.receiptUuid);
      if (!receipt) return LKNPD_REFUSALS["422_receipt"];
      if (receipt.cancellation) return invalid("Чек уже аннулирован");
      receipt.cancellation = {
        operationTime: order.operationTime,
        registeredAt: clock.now(),
        comment: order.comment,
      };
      return receipt;
    },
    find: (inn, number) => receipts.find((one) => one.inn === inn && one.number === number),
    yearKopecks: (inn, year) =>
      receipts
        .filter((one) => one.inn === inn && !one.cancellation && moscowDate(one.operationAt).startsWith(year))
        .reduce((sum, one) => sum + one.totalKopecks, 0),
  };
  return books;
}

function newNumber(): string {
  const rest = Array.from({ length: NUMBER_CHARACTERS - 2 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return `20${rest}`;
}
