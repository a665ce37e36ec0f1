import { eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { invariant, OperatorError } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { kopecksToText } from "../../../platform/money.ts";
import type { Payment } from "./orders.ts";
import { payments, refunds } from "./payment-tables.ts";
import { askForRefund } from "./refund-asks.ts";
import { previewRefund, type RefundPreview } from "./refund-preview.ts";
import { insertRefund, type Refund } from "./refund-rows.ts";

/**
 * Giving money back.
 *
 *   order    the row is written first, with its own fixed key                 (refundPayment)
 *   ask      the provider is asked under that key; a lost answer is asked again under it, or looked for in the
 *            provider's list once it has forgotten the key, or refuses it                      (refund-asks.ts)
 *   apply    the provider's refund is the truth: unused credits of that very grant are taken back, the tax entry is
 *            annulled or replaced, the payment's refunded sum grows, all in one transaction   (refund-booking.ts)
 *
 * A refund made by hand in the provider's cabinet arrives as a notice, or is found by the sweep of the owner's
 * `reconcile`; it enters at `apply` and goes the same way.
 */

/** The provider takes keys of 64 letters, digits, - and _; ours begin with a word. */
const KEY = /^[0-9A-Za-z_-]{1,50}$/;

/** The refund that the owner has ordered under this key; null when there is none. */
export async function refundUnder(ctx: Pick<Context, "db">, key: string): Promise<Refund | null> {
  const [refund] = await ctx.db
    .select()
    .from(refunds)
    .where(eq(refunds.idempotencyKey, `refund-${key}`));
  return refund ?? null;
}

/**
 * Orders a refund and asks the provider for it. The same `key` is the same refund, so repeating the owner's command is
 * harmless. Throws an `OperatorError` for an amount that cannot be given back, a key that the provider would not take,
 * and one that stands for another refund. `alongside` writes what belongs to the order into its transaction; it is not
 * called again for a repetition.
 */
export async function refundPayment(
  ctx: Context,
  order: {
    payment: Payment;
    amountKopecks: number;
    reason: string;
    key?: string;
    alongside?: (tx: Context, preview: RefundPreview, refund: Refund) => Promise<void>;
  },
): Promise<Refund> {
  const key = order.key ?? newId();
  if (!KEY.test(key)) throw new OperatorError(`The key must be 1 to 50 letters, digits, - and _, not "${key}".`);
  const { refund, isFirst } = await ctx.transaction(async (tx) => {
    const [payment] = await tx.db
      .update(payments)
      .set({ updatedAt: tx.clock.now() })
      .where(eq(payments.id, order.payment.id))
      .returning();
    invariant(payment, "a payment that was found stays");
    const earlier = await refundUnder(tx, key);
    if (earlier) {
      if (earlier.paymentId === payment.id && earlier.amountKopecks === order.amountKopecks)
        return { refund: earlier, isFirst: false };
      const what = `${kopecksToText(earlier.amountKopecks)} ₽ of the payment ${earlier.paymentId}`;
      throw new OperatorError(`The key ${key} stands for another refund: ${what}.`);
    }
    const preview = await previewRefund(tx, payment, order.amountKopecks);
    const idempotencyKey = `refund-${key}`;
    const { amountKopecks, reason } = order;
    const facts = {
      amountKopecks,
      reason,
      paymentId: payment.id,
      idempotencyKey,
      origin: "owner",
      yookassaId: null,
    } as const;
    const written = await insertRefund(tx, facts);
    await order.alongside?.(tx, preview, written);
    return { refund: written, isFirst: true };
  });
  return refund.status === "pending" ? askForRefund(ctx, refund, order.payment, { isFirst }) : refund;
}
