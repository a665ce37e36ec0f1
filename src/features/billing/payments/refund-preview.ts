import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { creditsLeftOf } from "../ledger/ledger.ts";
import { previewShortening, type Shortening } from "../subscriptions/subscription-shortening.ts";
import { taxOn } from "./amounts.ts";
import type { Payment } from "./orders.ts";
import { refunds } from "./payment-tables.ts";

/** The provider refunds one rouble or more, and leaves nothing or one rouble or more. */
const REFUND_KOPECKS_MIN = 100;

/** What a refund would do, said before it is done. */
export interface RefundPreview {
  amountKopecks: number;
  /** Already given back before. */
  refundedKopecks: number;
  restKopecks: number;
  /** Unused credits of the purchase that would be taken back. */
  creditsRevoked: number;
  /** Credits of the purchase that are used, and stay so. */
  creditsUsed: number;
  taxBeforeKopecks: number;
  taxAfterKopecks: number;
  /** The provider keeps its commission. */
  commissionLostKopecks: number;
  /** What becomes of the time that the payment bought; null when it bought none that still runs. */
  subscription: Shortening | null;
}

/** Says what a refund would do. Throws an `OperatorError` for an amount that cannot be given back. */
export async function previewRefund(
  ctx: Pick<Context, "db" | "clock">,
  payment: Payment,
  amountKopecks: number,
): Promise<RefundPreview> {
  const before = payment.amountKopecks - payment.refundedKopecks - (await openRefundKopecks(ctx, payment.id));
  if (payment.status !== "succeeded")
    throw new OperatorError(`The payment is ${payment.status}; only a succeeded one can be refunded.`);
  const rest = before - amountKopecks;
  if (amountKopecks < REFUND_KOPECKS_MIN || rest < 0 || (rest > 0 && rest < REFUND_KOPECKS_MIN)) {
    throw new OperatorError(
      `Of this payment ${before / 100} ₽ can be given back: all of it, or at least 1 ₽ that leaves at least 1 ₽.`,
    );
  }
  const left = await creditsLeftOf(ctx, `payment:${payment.id}`);
  const creditsRevoked = Math.min(left, creditsFor(payment, amountKopecks, rest));
  const shorter = await previewShortening(ctx, { payment, kopecks: amountKopecks, restKopecks: rest });
  return {
    amountKopecks,
    refundedKopecks: payment.refundedKopecks,
    restKopecks: rest,
    creditsRevoked,
    creditsUsed: payment.credits - left,
    taxBeforeKopecks: taxOn(before),
    taxAfterKopecks: taxOn(rest),
    commissionLostKopecks: rest === 0 ? payment.commissionKopecks : 0,
    subscription: shorter && {
      endsAtBefore: shorter.endsAtBefore,
      endsAtAfter: shorter.endsAtAfter,
      ends: shorter.ends,
    },
  };
}

/** Credits that an amount stands for: its share of what was bought, rounded up; all of them when nothing rests. */
export function creditsFor(payment: Payment, amountKopecks: number, restKopecks: number): number {
  if (restKopecks === 0) return payment.credits;
  return Math.ceil((payment.credits * amountKopecks) / payment.amountKopecks);
}

async function openRefundKopecks(ctx: Pick<Context, "db">, paymentId: string): Promise<number> {
  const [row] = await ctx.db
    .select({ kopecks: sql`coalesce(sum(${refunds.amountKopecks}), 0)`.mapWith(Number) })
    .from(refunds)
    .where(and(eq(refunds.paymentId, paymentId), eq(refunds.status, "pending")));
  return row?.kopecks ?? 0;
}
