import { createHash } from "node:crypto";
import type { Context } from "../../../context.ts";
import { OperatorError, Refusal } from "../../../platform/errors.ts";
import { type Act, recordChange } from "../../audit/index.ts";
import { type Payment, previewRefund, type Refund, type RefundPreview, refundPayment } from "../../billing/index.ts";

/** What giving back so much would do; all that is left where no amount is given. */
export async function previewByOperator(
  ctx: Pick<Context, "db" | "clock">,
  payment: Payment,
  amountKopecks: number | undefined,
) {
  const wanted = amountKopecks ?? payment.amountKopecks - payment.refundedKopecks;
  const preview = await asRefusal("/query/amount_kopecks", () => previewRefund(ctx, payment, wanted));
  return previewView(preview);
}

function previewView(preview: RefundPreview) {
  return {
    amount_kopecks: preview.amountKopecks,
    refunded_kopecks: preview.refundedKopecks,
    rest_kopecks: preview.restKopecks,
    credits_revoked: preview.creditsRevoked,
    credits_used: preview.creditsUsed,
    tax_before_kopecks: preview.taxBeforeKopecks,
    tax_after_kopecks: preview.taxAfterKopecks,
    commission_lost_kopecks: preview.commissionLostKopecks,
    subscription: preview.subscription && {
      ends_at_before: preview.subscription.endsAtBefore.toISOString(),
      ends_at_after: preview.subscription.endsAtAfter.toISOString(),
      ends: preview.subscription.ends,
    },
  };
}

/**
 * Gives money back as `atelier refund` does. The operator's `Idempotency-Key` names the refund: the same key again is the same
 * refund, however long ago, so a second tap sends no money.
 */
export async function refundByOperator(
  ctx: Context,
  order: Act & { operatorId: string; payment: Payment; amountKopecks: number; key: string | undefined },
): Promise<Refund> {
  const { payment, amountKopecks, reason, operatorId, key } = order;
  return asRefusal("/body/amount_kopecks", () =>
    refundPayment(ctx, {
      payment,
      amountKopecks,
      reason,
      ...(key === undefined ? {} : { key: refundKey(operatorId, key) }),
      alongside: (tx, preview, refund) =>
        recordChange(tx, {
          operatorId,
          reason,
          action: "payment.refund",
          subject: "payment",
          subjectId: payment.id,
          personId: payment.userId,
          before: { refunded_kopecks: preview.refundedKopecks },
          after: {
            refund_id: refund.id,
            amount_kopecks: amountKopecks,
            rest_kopecks: preview.restKopecks,
            credits_revoked: preview.creditsRevoked,
          },
        }),
    }),
  );
}

/** The provider takes only some letters, and one operator's key must not stand for another's refund. */
function refundKey(operatorId: string, key: string): string {
  return createHash("sha256").update(`${operatorId}\n${key}`).digest("base64url");
}

/** What commands say in a sentence for the owner is here a fault of the field it is about. */
async function asRefusal<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    throw new Refusal("validation_failed", { errors: [{ path, message: error.message }] });
  }
}
