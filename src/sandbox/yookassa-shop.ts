import type { Clock } from "../platform/clock.ts";
import { after, DAY_MS, HOUR_MS, MINUTE_MS } from "../platform/clock.ts";
import { randomToken } from "../platform/ids.ts";
import type { Decline } from "./yookassa-cards.ts";
import {
  type EmulatedMethod,
  type EmulatedPayment,
  type EmulatedRefund,
  incomeOf,
  newObjectId,
  SHOP_SETTINGS,
  type ShopSettings,
} from "./yookassa-records.ts";

/** A payer has about an hour. */
export const PAY_WITHIN_MS = HOUR_MS;
const HOLD_MS = 7 * DAY_MS;
/** How long what is left pending by a switch stays so. */
export const PENDING_MS = MINUTE_MS;

export type NewPayment = Pick<
  EmulatedPayment,
  | "shopId"
  | "amountKopecks"
  | "currency"
  | "capture"
  | "description"
  | "metadata"
  | "confirmation"
  | "methodType"
  | "saveRequested"
>;

export type ShopEvent =
  | { name: "payment.succeeded" | "payment.canceled" | "payment.waiting_for_capture"; payment: EmulatedPayment }
  | { name: "refund.succeeded"; refund: EmulatedRefund };

/** What the emulated provider has written down. */
export interface ShopBooks {
  readonly payments: readonly EmulatedPayment[];
  readonly refunds: readonly EmulatedRefund[];
  readonly methods: ReadonlyMap<string, EmulatedMethod>;
}

/** The emulated provider's books: payments, refunds, stored methods. Each change that has an event tells it. */
export interface YooKassaShop extends ShopBooks {
  settings: ShopSettings;
  addPayment(payment: NewPayment): EmulatedPayment;
  /** The payer's money is there: succeeded, or held where the shop captures by itself. */
  takeMoney(payment: EmulatedPayment, method: EmulatedMethod, how?: { threeDs?: boolean }): void;
  capture(payment: EmulatedPayment, amountKopecks: number): void;
  cancel(payment: EmulatedPayment, why: Decline): void;
  addRefund(refund: Pick<EmulatedRefund, "payment" | "amountKopecks" | "description">): EmulatedRefund;
  endRefund(refund: EmulatedRefund, decline: Decline | undefined): void;
  storeMethod(method: EmulatedMethod): void;
  /** Lets everything happen whose time has come: expiry, ends of holds and of pending charges. */
  settle(): void;
}

interface ShopOptions {
  clock: Clock;
  settings: Partial<ShopSettings>;
  /** Those of another shop, to go on from. */
  books?: ShopBooks | undefined;
  onEvent: (event: ShopEvent) => void;
}

/** A payment that nothing has happened to. */
const UNTOUCHED = {
  status: "pending",
  method: undefined,
  threeDsApplied: false,
  capturedAt: undefined,
  holdUntil: undefined,
  incomeKopecks: undefined,
  refundedKopecks: 0,
  cancellation: undefined,
  awaitsCode: undefined,
  lastDecline: undefined,
  ends: undefined,
} as const;

const EMPTY_BOOKS = { payments: [], refunds: [], methods: new Map() };

/** Opens empty books, or a copy of others. */
export function createYooKassaShop(options: ShopOptions): YooKassaShop {
  const now = (): Date => options.clock.now();
  // In one go, so that a refund in the copy belongs to the payment in the copy.
  const { payments, refunds, methods } = structuredClone(options.books ?? EMPTY_BOOKS) as {
    payments: EmulatedPayment[];
    refunds: EmulatedRefund[];
    methods: Map<string, EmulatedMethod>;
  };

  const shop: YooKassaShop = {
    settings: { ...SHOP_SETTINGS, ...options.settings },
    payments,
    refunds,
    methods,
    addPayment(payment) {
      const added: EmulatedPayment = {
        ...payment,
        ...UNTOUCHED,
        id: newObjectId(now(), "000f"),
        sequence: payments.length + 1,
        payToken: randomToken(18),
        createdAt: now(),
        test: shop.settings.test,
      };
      payments.push(added);
      return added;
    },
    takeMoney(payment, method, how = {}) {
      Object.assign(payment, { method, threeDsApplied: how.threeDs === true, awaitsCode: undefined, ends: undefined });
      payment.cancellation = undefined;
      // The fast payment system knows no holds.
      if (payment.capture || method.type === "sbp") {
        succeed(shop, payment, options);
      } else {
        payment.status = "waiting_for_capture";
        payment.holdUntil = after(now(), HOLD_MS);
        options.onEvent({ name: "payment.waiting_for_capture", payment });
      }
    },
    capture(payment, amountKopecks) {
      payment.amountKopecks = amountKopecks;
      succeed(shop, payment, options);
    },
    cancel(payment, why) {
      Object.assign(payment, { status: "canceled", cancellation: why, awaitsCode: undefined, ends: undefined });
      payment.holdUntil = undefined;
      options.onEvent({ name: "payment.canceled", payment });
    },
    addRefund(refund) {
      const added: EmulatedRefund = {
        ...refund,
        id: newObjectId(now(), "0015"),
        sequence: refunds.length + 1,
        shopId: refund.payment.shopId,
        createdAt: now(),
        status: "pending",
        cancellation: undefined,
        ends: undefined,
      };
      refunds.push(added);
      return added;
    },
    endRefund(refund, decline) {
      refund.ends = undefined;
      refund.cancellation = decline;
      refund.status = decline === undefined ? "succeeded" : "canceled";
      if (decline !== undefined) return;
      refund.payment.refundedKopecks += refund.amountKopecks;
      options.onEvent({ name: "refund.succeeded", refund });
    },
    storeMethod(method) {
      methods.set(method.id, method);
    },
    settle() {
      for (const payment of payments) settlePayment(shop, payment, now());
      for (const refund of refunds) {
        if (refund.ends !== undefined && refund.ends.at <= now()) shop.endRefund(refund, refund.ends.decline);
      }
    },
  };

  return shop;
}

function succeed(shop: YooKassaShop, payment: EmulatedPayment, { clock, onEvent }: ShopOptions): void {
  payment.status = "succeeded";
  payment.capturedAt = clock.now();
  payment.holdUntil = undefined;
  payment.incomeKopecks = incomeOf(payment.amountKopecks, shop.settings);
  onEvent({ name: "payment.succeeded", payment });
}

function settlePayment(shop: YooKassaShop, payment: EmulatedPayment, now: Date): void {
  if (payment.status === "waiting_for_capture" && payment.holdUntil !== undefined && payment.holdUntil <= now) {
    shop.cancel(payment, { party: "yoo_money", reason: "expired_on_capture" });
  }
  if (payment.status !== "pending") return;
  const { ends, method } = payment;
  if (ends !== undefined && ends.at <= now && method !== undefined) {
    if (ends.decline === undefined) shop.takeMoney(payment, method);
    else shop.cancel(payment, ends.decline);
  } else if (after(payment.createdAt, PAY_WITHIN_MS) <= now) {
    shop.cancel(payment, { party: "yoo_money", reason: "expired_on_confirmation" });
  }
}
