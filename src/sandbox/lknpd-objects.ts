import { moscowDate } from "../platform/moscow.ts";
import type { BookedReceipt } from "./lknpd-books.ts";

/** A receipt as lists show it: money as numbers, times as they were sent, fields that nobody explained. */
export function incomeItem(receipt: BookedReceipt, operationTime = receipt.operationTime): Record<string, unknown> {
  return { approvedReceiptUuid: receipt.number, ...details(receipt, operationTime) };
}

/** The same receipt by its number; here the first field has another name. */
export function receiptObject(receipt: BookedReceipt): Record<string, unknown> {
  return { receiptId: receipt.number, ...details(receipt, receipt.operationTime) };
}

/** What an annulment is answered with. */
export function incomeInfo(receipt: BookedReceipt): Record<string, unknown> {
  return {
    incomeInfo: {
      approvedReceiptUuid: receipt.number,
      name: nameOf(receipt),
      operationTime: receipt.operationTime,
      requestTime: receipt.requestTime,
      paymentType: receipt.paymentType,
      partnerCode: null,
      totalAmount: receipt.totalKopecks / 100,
      cancellationInfo: cancellationInfo(receipt),
      sourceDeviceId: receipt.deviceId,
    },
  };
}

export function nameOf({ services }: BookedReceipt): string {
  return services.map(({ name }) => name).join(", ");
}

function details(receipt: BookedReceipt, operationTime: string): Record<string, unknown> {
  return {
    name: nameOf(receipt),
    services: receipt.services.map(({ name, quantity, amountKopecks }, serviceNumber) => ({
      name,
      quantity,
      serviceNumber,
      amount: amountKopecks / 100,
    })),
    operationTime,
    requestTime: receipt.requestTime,
    registerTime: oddTime(receipt.registeredAt, receipt.fraction),
    taxPeriodId: taxPeriod(receipt.operationAt),
    paymentType: receipt.paymentType,
    incomeType: receipt.incomeType,
    totalAmount: receipt.totalKopecks / 100,
    cancellationInfo: cancellationInfo(receipt),
    sourceDeviceId: receipt.deviceId,
    clientInn: receipt.clientInn,
    clientDisplayName: receipt.clientName,
    partnerDisplayName: null,
    partnerInn: null,
    inn: receipt.inn,
    profession: "",
    description: [],
    email: null,
    phone: null,
    invoiceId: null,
  };
}

function cancellationInfo({ cancellation, operationAt, fraction }: BookedReceipt): Record<string, unknown> | null {
  if (!cancellation) return null;
  return {
    operationTime: cancellation.operationTime,
    registerTime: oddTime(cancellation.registeredAt, fraction),
    taxPeriodId: taxPeriod(operationAt),
    comment: cancellation.comment,
  };
}

/** UTC with another number of decimals than anywhere else. */
function oddTime(moment: Date, fraction: string): string {
  return `${moment.toISOString().slice(0, 19)}.${fraction}Z`;
}

function taxPeriod(moment: Date): number {
  return Number(moscowDate(moment).slice(0, 7).replace("-", ""));
}
