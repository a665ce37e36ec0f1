import { and, eq, isNotNull } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { invariant, ProviderFailure } from "../../../platform/errors.ts";
import type { RemoteRefund } from "../../../providers/payment-provider.ts";
import { tellOwner } from "../../notifications/index.ts";
import { KEY_VALID_MS, type Payment, paymentProvider, UNLISTED_MS } from "./orders.ts";
import { refunds } from "./payment-tables.ts";
import { applyRefund } from "./refund-booking.ts";
import { giveUp, type Refund } from "./refund-rows.ts";

/**
 * Asks the provider under the refund's key, any number of times; when it has forgotten that one, looks for the refund instead.
 * `isFirst` says whoever has just written the order: there a refusal proves that nothing was done. Returns the refund as it
 * is then, still pending where nobody knows.
 */
export async function askForRefund(
  ctx: Context,
  refund: Refund,
  payment: Payment,
  { isFirst = false }: { isFirst?: boolean } = {},
): Promise<Refund> {
  invariant(payment.yookassaId, "a succeeded payment has the provider's id");
  if (after(refund.createdAt, KEY_VALID_MS) <= ctx.clock.now()) return lookUp(ctx, refund, payment);
  let remote: RemoteRefund;
  try {
    remote = await paymentProvider(ctx).refund({
      paymentId: payment.yookassaId,
      amountKopecks: refund.amountKopecks,
      description: `Возврат по заказу ${payment.id}`,
      key: refund.idempotencyKey,
    });
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    const isRefused = error.kind === "rejected" || error.kind === "unauthorized";
    if (isFirst && isRefused) return giveUp(ctx, refund);
    ctx.log.warn("a refund has no answer yet; it is asked again under the same key", { refund: refund.id });
    // An earlier call may have sent the money: a refused login says nothing of that, any other refusal is looked into.
    return error.kind === "rejected" ? lookUp(ctx, refund, payment) : refund;
  }
  return applyRefund(ctx, remote, refund.id);
}

/**
 * Looks for a refund in the provider's list, where asking again could send the money twice. Not found after a while, it never
 * came to be.
 */
async function lookUp(ctx: Context, refund: Refund, payment: Payment): Promise<Refund> {
  let remote: RemoteRefund | null;
  try {
    remote = await findListed(ctx, refund, payment);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    ctx.log.warn("a refund could not be looked for", { refund: refund.id, failure: error.kind });
    return refund;
  }
  if (remote !== null) return applyRefund(ctx, remote, refund.id);
  if (after(refund.createdAt, UNLISTED_MS) > ctx.clock.now()) return refund;
  return ctx.transaction(async (tx) => {
    const given = await giveUp(tx, refund);
    const details = { payment_id: payment.id, refund_id: refund.id };
    if (given.status === "cancelled") await tellOwner(tx, { level: "warning", reason: "refund_never_made", details });
    return given;
  });
}

/** A refund of that payment and amount that stands for none of ours yet. */
async function findListed(ctx: Context, refund: Refund, payment: Payment): Promise<RemoteRefund | null> {
  const booked = await ctx.db
    .select({ id: refunds.yookassaId })
    .from(refunds)
    .where(and(eq(refunds.paymentId, payment.id), isNotNull(refunds.yookassaId)));
  for await (const remote of paymentProvider(ctx).refundsSince(after(refund.createdAt, -MINUTE_MS))) {
    const isOurs = remote.paymentId === payment.yookassaId && remote.amountKopecks === refund.amountKopecks;
    if (isOurs && !booked.some(({ id }) => id === remote.id)) return remote;
  }
  return null;
}
