import { ProviderFailure } from "../platform/errors.ts";

export type RemoteStatus = "pending" | "succeeded" | "cancelled";

/** A payment as a provider tells it, in words that are the same for all of them. */
export interface RemotePayment {
  id: string;
  status: RemoteStatus;
  amountKopecks: number;
  currency: string;
  /** What reaches the shop; null while unknown. */
  incomeKopecks: number | null;
  refundedKopecks: number;
  /** No money has moved. */
  isTest: boolean;
  /** Our order, as we named it when the payment was made; null when it names none. */
  orderId: string | null;
  confirmationUrl: string | null;
  cancelReason: string | null;
  capturedAt: Date | null;
  /** The method that was stored for later charges; null when none was, whatever was asked for. */
  storedMethod: StoredMethod | null;
}

export interface StoredMethod {
  id: string;
  /** As the person knows it, such as `Bank card *4477`. */
  title: string | null;
}

/** How an order is to be paid: by the person on the provider's page, or from a stored method without them. */
export type PayBy = { page: { returnUrl: string; saveMethod: boolean } } | { storedMethod: string };

/** The shop may not store methods, and refused the whole payment because of that. It may be asked without, as another order. */
export class StoringRefused extends ProviderFailure {}

export interface RemoteRefund {
  id: string;
  paymentId: string;
  status: RemoteStatus;
  amountKopecks: number;
  currency: string;
}

/**
 * A way to be paid. Orders, credits, refunds and tax know this interface and nothing of who stands behind it, so a second
 * one joins without touching them. All calls throw `ProviderFailure`; after `unknown` the same call with the same key is
 * repeated, never another.
 */
export interface PaymentProvider {
  readonly name: string;
  /** Whether real money moves; then payments of a test shop are refused. */
  readonly isLive: boolean;
  /** Throws `StoringRefused` where only the storing of the method was refused. */
  create(order: {
    orderId: string;
    amountKopecks: number;
    description: string;
    payBy: PayBy;
    key: string;
  }): Promise<RemotePayment>;
  /** Null when the provider knows no such payment. */
  read(paymentId: string): Promise<RemotePayment | null>;
  refund(order: { paymentId: string; amountKopecks: number; description: string; key: string }): Promise<RemoteRefund>;
  readRefund(refundId: string): Promise<RemoteRefund | null>;
  /** Every payment made since a moment, for the owner's reconciliation. */
  paymentsSince(since: Date): AsyncIterable<RemotePayment>;
  refundsSince(since: Date): AsyncIterable<RemoteRefund>;
}
