import { type PaymentProvider, type RemotePayment, type RemoteRefund, StoringRefused } from "../payment-provider.ts";
import { YooKassaFailure } from "./classify.ts";
import type { YooKassaClient } from "./client.ts";
import type { YooKassaPayment, YooKassaRefund } from "./objects.ts";

const PAGE_SIZE = 100;

/** YooKassa as a way to be paid. */
export function yooKassaProvider(client: YooKassaClient, isLive: boolean): PaymentProvider {
  return {
    name: "yookassa",
    isLive,
    async create(order) {
      const payment = await client
        .createPayment({
          amountKopecks: order.amountKopecks,
          description: order.description,
          metadata: { order_id: order.orderId },
          idempotenceKey: order.key,
          ...("page" in order.payBy
            ? { returnUrl: order.payBy.page.returnUrl, savePaymentMethod: order.payBy.page.saveMethod }
            : { paymentMethodId: order.payBy.storedMethod }),
        })
        .catch((error: unknown) => {
          if (!(error instanceof YooKassaFailure) || !error.recurringRefused) throw error;
          throw new StoringRefused(error.provider, error.kind, error.message);
        });
      return paymentOf(payment);
    },
    async read(paymentId) {
      const payment = await client.getPayment(paymentId);
      return payment && paymentOf(payment);
    },
    async refund(order) {
      const refund = await client.createRefund({
        paymentId: order.paymentId,
        amountKopecks: order.amountKopecks,
        description: order.description,
        idempotenceKey: order.key,
      });
      return refundOf(refund);
    },
    async readRefund(refundId) {
      const refund = await client.getRefund(refundId);
      return refund && refundOf(refund);
    },
    paymentsSince: (since) =>
      pages((cursor) => client.listPayments({ createdFrom: since, limit: PAGE_SIZE, ...cursor }), paymentOf),
    refundsSince: (since) =>
      pages((cursor) => client.listRefunds({ createdFrom: since, limit: PAGE_SIZE, ...cursor }), refundOf),
  };
}

async function* pages<Remote, Ours>(
  read: (cursor: { cursor?: string }) => Promise<{ items: Remote[]; nextCursor: string | null }>,
  translate: (item: Remote) => Ours,
): AsyncGenerator<Ours> {
  let cursor: string | null = null;
  do {
    const page: { items: Remote[]; nextCursor: string | null } = await read(cursor === null ? {} : { cursor });
    for (const item of page.items) yield translate(item);
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** A payment that waits for capture is still open for us: orders are captured at once, so it hardly ever happens. */
function statusOf(status: YooKassaPayment["status"] | YooKassaRefund["status"]): RemotePayment["status"] {
  if (status === "succeeded") return "succeeded";
  return status === "canceled" ? "cancelled" : "pending";
}

function paymentOf(payment: YooKassaPayment): RemotePayment {
  return {
    id: payment.id,
    status: statusOf(payment.status),
    amountKopecks: payment.amountKopecks,
    currency: payment.currency,
    incomeKopecks: payment.incomeAmountKopecks ?? null,
    refundedKopecks: payment.refundedAmountKopecks,
    isTest: payment.test,
    orderId: payment.metadata.order_id ?? null,
    confirmationUrl: payment.confirmationUrl ?? null,
    cancelReason: payment.cancellation?.reason ?? null,
    capturedAt: payment.capturedAt ?? null,
    // Only what the provider says was saved: the payer's bank may have refused although it was asked for.
    storedMethod: payment.paymentMethod?.saved
      ? { id: payment.paymentMethod.id, title: payment.paymentMethod.title ?? null }
      : null,
  };
}

function refundOf(refund: YooKassaRefund): RemoteRefund {
  return {
    id: refund.id,
    paymentId: refund.paymentId,
    status: statusOf(refund.status),
    amountKopecks: refund.amountKopecks,
    currency: refund.currency,
  };
}
