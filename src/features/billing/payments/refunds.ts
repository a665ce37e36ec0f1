import { and, eq, isNotNull, sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, MINUTE_MS } from "../../../platform/clock.ts";
import { invariant, OperatorError, ProviderFailure } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { publish } from "../../../platform/live/events.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import { kopecksToText } from "../../../platform/money.ts";
import { enqueue } from "../../../platform/queue/enqueue.ts";
import type { RemoteRefund } from "../../../providers/payment-provider.ts";
import { tellOwner } from "../../notifications/index.ts";
import { creditsLeftOf, revokeCredits } from "../ledger/ledger.ts";
import { previewShortening, type Shortening, shortenSubscription } from "../subscriptions/subscriptions.ts";
import { refundTax } from "../tax/tax.ts";
import { taxOn } from "./amounts.ts";
import { KEY_VALID_MS, type Payment, paymentProvider } from "./orders.ts";
import { payments, refunds } from "./payment-tables.ts";
import { applyPayment } from "./payments.ts";

/**
 * Giving money back.
 *
 *   order    the row is written first, with its own fixed key                 (orderRefund)
 *   ask      the provider is asked under that key; a lost answer is asked again under it, or looked for in the
 *            provider's list once it has forgotten the key
 *   apply    the provider's refund is the truth: unused credits of that very grant are taken back, the tax entry is
 *            annulled or replaced, the payment's refunded sum grows, all in one transaction   (applyRefund)
 *
 * A refund made by hand in the provider's cabinet arrives as a notice, or is found by the sweep of the owner's
 * `reconcile`; it enters at `apply` and goes the same way.
 */
export type Refund = typeof refunds.$inferSelect;

/** How often the sweep asks about a refund without an end. */
export const REFUND_CHECK_MS = 5 * MINUTE_MS;
/** The provider takes keys of 64 letters, digits, - and _; ours begin with a word. */
const KEY = /^[0-9A-Za-z_-]{1,50}$/;
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
function creditsFor(payment: Payment, amountKopecks: number, restKopecks: number): number {
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
  const refund = await ctx.transaction(async (tx) => {
    const [payment] = await tx.db
      .update(payments)
      .set({ updatedAt: tx.clock.now() })
      .where(eq(payments.id, order.payment.id))
      .returning();
    invariant(payment, "a payment that was found stays");
    const earlier = await refundUnder(tx, key);
    if (earlier) {
      if (earlier.paymentId === payment.id && earlier.amountKopecks === order.amountKopecks) return earlier;
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
    return written;
  });
  return refund.status === "pending" ? askForRefund(ctx, refund, order.payment) : refund;
}

async function insertRefund(
  tx: Context,
  facts: {
    paymentId: string;
    amountKopecks: number;
    reason: string;
    idempotencyKey: string;
    origin: "owner" | "cabinet";
    yookassaId: string | null;
  },
): Promise<Refund> {
  const now = tx.clock.now();
  const [row] = await tx.db
    .insert(refunds)
    .values({
      id: newId(),
      paymentId: facts.paymentId,
      yookassaId: facts.yookassaId,
      amountKopecks: facts.amountKopecks,
      status: "pending",
      origin: facts.origin,
      reason: facts.reason,
      idempotencyKey: facts.idempotencyKey,
      creditsRevoked: 0,
      nextCheckAt: after(now, REFUND_CHECK_MS),
      createdAt: now,
      updatedAt: now,
    })
    .returning();
  invariant(row, "an inserted refund is returned");
  return row;
}

/** Asks the provider under the refund's key, any number of times; when it has forgotten that one, looks for it instead. */
export async function askForRefund(ctx: Context, refund: Refund, payment: Payment): Promise<Refund> {
  invariant(payment.yookassaId, "a succeeded payment has the provider's id");
  let remote: RemoteRefund;
  try {
    if (after(refund.createdAt, KEY_VALID_MS) <= ctx.clock.now()) return await lookUp(ctx, refund, payment);
    remote = await paymentProvider(ctx).refund({
      paymentId: payment.yookassaId,
      amountKopecks: refund.amountKopecks,
      description: `Возврат по заказу ${payment.id}`,
      key: refund.idempotencyKey,
    });
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    if (error.kind === "rejected" || error.kind === "unauthorized") return giveUp(ctx, refund);
    ctx.log.warn("a refund has no answer yet; it is asked again under the same key", { refund: refund.id });
    return refund;
  }
  return applyRefund(ctx, remote, refund.id);
}

/** Looks for a refund in the provider's list, where asking again could send the money twice. Not found, it never came to be. */
async function lookUp(ctx: Context, refund: Refund, payment: Payment): Promise<Refund> {
  const booked = await ctx.db
    .select({ id: refunds.yookassaId })
    .from(refunds)
    .where(and(eq(refunds.paymentId, payment.id), isNotNull(refunds.yookassaId)));
  for await (const remote of paymentProvider(ctx).refundsSince(after(refund.createdAt, -MINUTE_MS))) {
    const isOurs = remote.paymentId === payment.yookassaId && remote.amountKopecks === refund.amountKopecks;
    if (isOurs && !booked.some(({ id }) => id === remote.id)) return applyRefund(ctx, remote, refund.id);
  }
  return ctx.transaction(async (tx) => {
    const given = await giveUp(tx, refund);
    const details = { payment_id: payment.id, refund_id: refund.id };
    if (given.status === "cancelled") await tellOwner(tx, { level: "warning", reason: "refund_never_made", details });
    return given;
  });
}

async function giveUp(ctx: Context, refund: Refund): Promise<Refund> {
  const [row] = await ctx.db
    .update(refunds)
    .set({ status: "cancelled", nextCheckAt: null, updatedAt: ctx.clock.now() })
    .where(and(eq(refunds.id, refund.id), eq(refunds.status, "pending")))
    .returning();
  return row ?? refund;
}

/**
 * Applies what the provider says of a refund, any number of times. `refundId` names our order where we know it; a refund
 * that the owner made in the cabinet gets its row here. Throws `OperatorError` when it belongs to no payment of ours.
 */
export async function applyRefund(ctx: Context, remote: RemoteRefund, refundId?: string): Promise<Refund> {
  await bookPaymentFirst(ctx, remote);
  return ctx.transaction(async (tx) => {
    const [payment] = await tx.db
      .update(payments)
      .set({ updatedAt: tx.clock.now() })
      .where(eq(payments.yookassaId, remote.paymentId))
      .returning();
    if (!payment) throw new OperatorError(`The refund ${remote.id} belongs to no payment of this database.`);
    const refund = await refundOf(tx, payment, remote, refundId);
    if (refund.status !== "pending" || remote.status === "pending") return refund;
    return remote.status === "succeeded" ? book(tx, refund, payment, remote) : giveUp(tx, { ...refund });
  });
}

/**
 * What is given back was paid, even where we have not heard of that yet: its notice may be late or lost. Booked the other
 * way round, the payment would give its credits and enter its tax as if nothing had been given back. Throws a
 * `ProviderFailure` when the payment cannot be read; the refund is then heard of again.
 */
async function bookPaymentFirst(ctx: Context, remote: RemoteRefund): Promise<void> {
  if (remote.status !== "succeeded") return;
  const [payment] = await ctx.db.select().from(payments).where(eq(payments.yookassaId, remote.paymentId));
  if (!payment || payment.status === "succeeded") return;
  const paid = await paymentProvider(ctx).read(remote.paymentId);
  if (paid) await applyPayment(ctx, paid);
}

/** Our row of the provider's refund: by its id, by our order, or new. The payment's row is locked. */
async function refundOf(
  tx: Context,
  payment: Payment,
  remote: RemoteRefund,
  refundId: string | undefined,
): Promise<Refund> {
  const [known] = await tx.db.select().from(refunds).where(eq(refunds.yookassaId, remote.id));
  if (known) return known;
  const [ordered] = await tx.db
    .select()
    .from(refunds)
    .where(
      and(
        eq(refunds.paymentId, payment.id),
        eq(refunds.status, "pending"),
        sql`${refunds.yookassaId} is null`,
        refundId === undefined ? eq(refunds.amountKopecks, remote.amountKopecks) : eq(refunds.id, refundId),
      ),
    )
    .limit(1);
  if (!ordered) {
    return insertRefund(tx, {
      paymentId: payment.id,
      amountKopecks: remote.amountKopecks,
      reason: "made in the provider's cabinet",
      idempotencyKey: `cabinet-${remote.id}`,
      origin: "cabinet",
      yookassaId: remote.id,
    });
  }
  await tx.db.update(refunds).set({ yookassaId: remote.id }).where(eq(refunds.id, ordered.id));
  return { ...ordered, yookassaId: remote.id };
}

async function book(tx: Context, refund: Refund, payment: Payment, remote: RemoteRefund): Promise<Refund> {
  const refundedKopecks = payment.refundedKopecks + remote.amountKopecks;
  const restKopecks = payment.amountKopecks - refundedKopecks;
  if (restKopecks < 0 || remote.currency !== payment.currency) {
    await tellOwner(tx, {
      level: "critical",
      reason: "refund_does_not_fit",
      details: { payment_id: payment.id, refund_id: refund.id },
    });
    return giveUp(tx, refund);
  }
  const creditsRevoked = await revokeCredits(tx, {
    userId: payment.userId,
    source: `payment:${payment.id}`,
    creditsMax: creditsFor(payment, remote.amountKopecks, restKopecks),
    cause: `refund:${refund.id}`,
  });
  await shortenSubscription(tx, { payment, kopecks: remote.amountKopecks, restKopecks });
  await refundTax(tx, { refundId: refund.id, paymentId: payment.id, restKopecks });
  const now = tx.clock.now();
  await tx.db
    .update(payments)
    .set({ refundedKopecks, taxKopecks: taxOn(restKopecks), updatedAt: now })
    .where(eq(payments.id, payment.id));
  const [booked] = await tx.db
    .update(refunds)
    .set({ status: "succeeded", creditsRevoked, nextCheckAt: null, updatedAt: now })
    .where(eq(refunds.id, refund.id))
    .returning();
  invariant(booked, "a refund that is booked exists");
  wakePanel(tx, "payments");
  await publish(tx, payment.userId, "notice", {
    about: "payment.refunded",
    id: payment.id,
    amount_kopecks: remote.amountKopecks,
  });
  await enqueue(tx, "payment.refunded", {
    payment_id: payment.id,
    refund_id: refund.id,
    user_id: payment.userId,
    rest_kopecks: restKopecks,
  });
  return booked;
}
