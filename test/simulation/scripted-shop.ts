import { after, type Clock, DAY_MS, HOUR_MS } from "../../src/platform/clock.ts";
import { ProviderFailure, type ProviderFailureKind } from "../../src/platform/errors.ts";
import {
  type PaymentProvider,
  type RemotePayment,
  type RemoteRefund,
  StoringRefused,
} from "../../src/providers/payment-provider.ts";
import type { Faults } from "./faults.ts";

/** The provider gives up waiting for the payer. */
const PAYABLE_MS = HOUR_MS;
/** It forgets a key. */
const KEY_KEPT_MS = DAY_MS;

export interface ShopPayment extends RemotePayment {
  createdAt: Date;
  /** Whether the payer allowed the card to be kept. */
  asksToStore: boolean;
  /** The stored card that was charged, for one without a payer. */
  chargedMethod: string | null;
  /** True where the provider holds another amount than it was asked for. */
  isOtherAmount: boolean;
}
export interface ShopRefund extends RemoteRefund {
  createdAt: Date;
  isFromCabinet: boolean;
}
/** What the shop would tell us, if its notices came. */
export interface ShopNotice {
  event: string;
  objectId: string;
}

export interface ScriptedShop extends PaymentProvider {
  readonly payments: readonly ShopPayment[];
  readonly refunds: readonly ShopRefund[];
  readonly notices: readonly ShopNotice[];
  /** The person pays, or the bank declines; false when there is nothing to pay any more. */
  pay(payment: ShopPayment): boolean;
  decline(payment: ShopPayment): boolean;
  /** The owner gives money back in the cabinet; false when the provider would refuse that. */
  refundInCabinet(payment: ShopPayment, amountKopecks: number): boolean;
  /** Ends what the provider's own time has ended: orders nobody paid, refunds under way. */
  settle(): void;
}

/** A shop with its own books: the truth against which ours are compared. */
export function createScriptedShop({ clock, faults }: { clock: Clock; faults: Faults }): ScriptedShop {
  const payments: ShopPayment[] = [];
  const refunds: ShopRefund[] = [];
  const notices: ShopNotice[] = [];
  const keys = new Map<string, { at: Date; object: ShopPayment | ShopRefund }>();
  let made = 0;
  const newId = () => {
    made += 1;
    return `2d0f1c50-000f-5000-8000-${String(made).padStart(12, "0")}`;
  };
  const fail = (kind: ProviderFailureKind): never => {
    throw new ProviderFailure("shop", kind, `scripted ${kind}`, kind === "rate_limited" ? { retryAfterMs: 1_000 } : {});
  };
  const known = <T extends ShopPayment | ShopRefund>(key: string): T | null => {
    const found = keys.get(key);
    return found && after(found.at, KEY_KEPT_MS) > clock.now() ? (found.object as T) : null;
  };
  const tell = (event: string, { id }: { id: string }) => notices.push({ event, objectId: id });
  const capture = (payment: ShopPayment) => {
    payment.status = "succeeded";
    payment.capturedAt = clock.now();
    payment.incomeKopecks = Math.floor(payment.amountKopecks * 0.966);
    if (payment.asksToStore) payment.storedMethod = { id: `card-of-${payment.id}`, title: "Bank card *4477" };
    tell("payment.succeeded", payment);
  };
  const cancel = (payment: ShopPayment, reason: string) => {
    payment.status = "cancelled";
    payment.cancelReason = reason;
    tell("payment.canceled", payment);
  };
  const refundable = (payment: ShopPayment) => {
    const given = refunds.filter(({ paymentId, status }) => paymentId === payment.id && status !== "cancelled");
    return payment.status === "succeeded"
      ? given.reduce((rest, one) => rest - one.amountKopecks, payment.amountKopecks)
      : 0;
  };
  const insertRefund = (payment: ShopPayment, amountKopecks: number, status: "pending" | "succeeded"): ShopRefund => {
    const facts = { id: newId(), paymentId: payment.id, amountKopecks, currency: "RUB", createdAt: clock.now() };
    const refund: ShopRefund = { ...facts, status, isFromCabinet: false };
    refunds.push(refund);
    if (status === "succeeded") tell("refund.succeeded", refund);
    return refund;
  };
  const isFitting = (payment: ShopPayment, amountKopecks: number) => {
    const rest = refundable(payment) - amountKopecks;
    return amountKopecks >= 100 && (rest === 0 || rest >= 100);
  };
  async function* listed<T extends { createdAt: Date }>(all: readonly T[], since: Date): AsyncGenerator<T> {
    const fault = faults.take("shop.list");
    if (fault !== null) fail(fault);
    for (const one of [...all]) if (one.createdAt >= since) yield copyOf(one);
  }

  return {
    name: "yookassa",
    isLive: false,
    payments,
    refunds,
    notices,
    async create(order) {
      const earlier = known<ShopPayment>(order.key);
      const fault = faults.take("shop.create");
      // Whoever knows the key gives the same answer as before; only the way there can fail.
      const isNew = earlier === null;
      if (fault === "storing_refused" && isNew && "page" in order.payBy && order.payBy.page.saveMethod) {
        throw new StoringRefused("shop", "rejected", "scripted storing refused");
      }
      if (fault === "unavailable" || fault === "rate_limited" || fault === "unknown" || fault === "unauthorized")
        fail(fault);
      if (fault === "rejected" && isNew) fail("rejected");
      const payment = earlier ?? makePayment(order, newId(), clock.now(), fault === "other_amount");
      if (isNew) {
        payments.push(payment);
        keys.set(order.key, { at: clock.now(), object: payment });
        if (payment.chargedMethod !== null) capture(payment);
      }
      if (fault === "lost") fail("unknown");
      return copyOf(payment);
    },
    async read(paymentId) {
      const fault = faults.take("shop.read");
      if (fault !== null) fail(fault);
      const payment = payments.find(({ id }) => id === paymentId);
      return payment ? copyOf(payment) : null;
    },
    async refund(order) {
      const earlier = known<ShopRefund>(order.key);
      const fault = faults.take("shop.refund");
      if (fault === "unavailable" || fault === "unknown" || fault === "unauthorized") fail(fault);
      if (earlier === null) {
        const payment = payments.find(({ id }) => id === order.paymentId);
        if (fault === "rejected" || !payment || !isFitting(payment, order.amountKopecks)) return fail("rejected");
        const refund = insertRefund(payment, order.amountKopecks, fault === "pending" ? "pending" : "succeeded");
        keys.set(order.key, { at: clock.now(), object: refund });
      }
      if (fault === "lost") fail("unknown");
      const refund = known<ShopRefund>(order.key);
      return refund ? copyOf(refund) : fail("rejected");
    },
    async readRefund(refundId) {
      const fault = faults.take("shop.read");
      if (fault !== null) fail(fault);
      const refund = refunds.find(({ id }) => id === refundId);
      return refund ? copyOf(refund) : null;
    },
    paymentsSince: (since) => listed(payments, since),
    refundsSince: (since) => listed(refunds, since),
    pay(payment) {
      if (payment.status !== "pending" || after(payment.createdAt, PAYABLE_MS) <= clock.now()) return false;
      capture(payment);
      return true;
    },
    decline(payment) {
      if (payment.status !== "pending") return false;
      cancel(payment, "card_expired");
      return true;
    },
    refundInCabinet(payment, amountKopecks) {
      if (!isFitting(payment, amountKopecks)) return false;
      insertRefund(payment, amountKopecks, "succeeded").isFromCabinet = true;
      return true;
    },
    settle() {
      for (const payment of payments) {
        const isOver = payment.status === "pending" && after(payment.createdAt, PAYABLE_MS) <= clock.now();
        if (isOver) cancel(payment, "expired_on_confirmation");
      }
      for (const [place, refund] of refunds.entries()) {
        if (refund.status !== "pending" || after(refund.createdAt, HOUR_MS) > clock.now()) continue;
        // Every other one fails at the bank; nobody is told of that.
        refund.status = place % 2 === 0 ? "succeeded" : "cancelled";
        if (refund.status === "succeeded") tell("refund.succeeded", refund);
      }
    },
  };
}

function makePayment(
  order: Parameters<PaymentProvider["create"]>[0],
  id: string,
  createdAt: Date,
  isOtherAmount: boolean,
): ShopPayment {
  const chargedMethod = "storedMethod" in order.payBy ? order.payBy.storedMethod : null;
  return {
    id,
    status: "pending",
    amountKopecks: isOtherAmount ? order.amountKopecks - 100 : order.amountKopecks,
    currency: "RUB",
    incomeKopecks: null,
    refundedKopecks: 0,
    isTest: false,
    orderId: order.orderId,
    confirmationUrl: chargedMethod === null ? `https://pay.example.com/${id}` : null,
    cancelReason: null,
    capturedAt: null,
    storedMethod: null,
    createdAt,
    asksToStore: "page" in order.payBy && order.payBy.page.saveMethod,
    chargedMethod,
    isOtherAmount,
  };
}

/** What was answered once does not change with the books. */
function copyOf<T extends object>(one: T): T {
  return { ...one };
}
