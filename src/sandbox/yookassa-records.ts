import { randomBytes } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import type { PaymentStatus, RefundStatus } from "../providers/yookassa/wire.ts";
import type { Decline, TestCard } from "./yookassa-cards.ts";

/** What the owner of the shop has agreed with YooKassa. */
export const ShopSettings = Type.Object(
  {
    /** A test shop: no money moves, and no SBP. */
    test: Type.Boolean(),
    /** Whether methods may be stored and charged again. */
    recurring: Type.Boolean(),
    /** Whether the payer may try another card after a decline. */
    cardRetries: Type.Boolean(),
    /** Receipts (54-FZ) are demanded with each payment. */
    fiscalization: Type.Boolean(),
    commissionBasisPoints: Type.Integer({ minimum: 0, maximum: 10_000 }),
    /** On the commission; 22 from 2026 on. */
    vatPercent: Type.Integer({ minimum: 0, maximum: 100 }),
  },
  { additionalProperties: false },
);
export type ShopSettings = Static<typeof ShopSettings>;

export const SHOP_SETTINGS: ShopSettings = {
  test: true,
  recurring: true,
  cardRetries: true,
  fiscalization: false,
  commissionBasisPoints: 280,
  vatPercent: 22,
};

export interface EmulatedMethod {
  id: string;
  shopId: string;
  type: "bank_card" | "sbp" | "yoo_money";
  saved: boolean;
  revoked: boolean;
  card?: TestCard;
}

export interface EmulatedPayment {
  readonly id: string;
  readonly sequence: number;
  readonly shopId: string;
  /** What the pay page is found by. */
  readonly payToken: string;
  readonly createdAt: Date;
  readonly capture: boolean;
  readonly test: boolean;
  readonly description: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly confirmation: { type: string; returnUrl?: string; enforce: boolean } | undefined;
  /** The one kind of method that the shop asked for; the payer chooses if undefined. */
  readonly methodType: string | undefined;
  readonly saveRequested: boolean;
  status: PaymentStatus;
  amountKopecks: number;
  currency: string;
  method: EmulatedMethod | undefined;
  threeDsApplied: boolean;
  capturedAt: Date | undefined;
  holdUntil: Date | undefined;
  incomeKopecks: number | undefined;
  refundedKopecks: number;
  cancellation: Decline | undefined;
  /** The card whose code the page is waiting for. */
  awaitsCode: TestCard | undefined;
  lastDecline: Decline | undefined;
  /** How a charge that was left pending will end, and when. */
  ends: { at: Date; decline: Decline | undefined } | undefined;
}

export interface EmulatedRefund {
  readonly id: string;
  readonly sequence: number;
  readonly shopId: string;
  readonly payment: EmulatedPayment;
  readonly createdAt: Date;
  readonly amountKopecks: number;
  readonly description: string | undefined;
  status: RefundStatus;
  cancellation: Decline | undefined;
  ends: { at: Date; decline: Decline | undefined } | undefined;
}

/** Commission and the VAT on it, each rounded half up, are kept back: 499.00 comes in as 481.96 at 2.8 % and 22 %. */
export function incomeOf(amountKopecks: number, settings: ShopSettings): number {
  const commission = Math.round((amountKopecks * settings.commissionBasisPoints) / 10_000);
  return amountKopecks - commission - Math.round((commission * settings.vatPercent) / 100);
}

const EPOCH_2000_MS = Date.UTC(2000, 0, 1, 12);

/** An id as YooKassa makes them: seconds since noon of 2000-01-01, a mark of the kind, then chance. Not a UUIDv4. */
export function newObjectId(now: Date, kind: string): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - EPOCH_2000_MS) / 1_000)) >>> 0;
  const variant = "89"[(randomBytes(1)[0] ?? 0) & 1];
  const tail = randomBytes(6).toString("hex");
  return `${seconds.toString(16).padStart(8, "0")}-${kind}-5000-${variant}${randomBytes(2).toString("hex").slice(1)}-${tail}`;
}
