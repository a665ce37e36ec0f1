import { and, desc, eq, isNull, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { after, MINUTE_MS, SECOND_MS } from "../../platform/clock.ts";
import { invariant, ProviderFailure, Refusal } from "../../platform/errors.ts";
import { isId, newId } from "../../platform/ids.ts";
import { publish } from "../../platform/live/events.ts";
import { enqueue } from "../../platform/queue/enqueue.ts";
import type { PaymentProvider, RemotePayment } from "../../providers/payment-provider.ts";
import { tellOwner } from "../notifications/index.ts";
import { lockUser } from "../profile/index.ts";
import { commissionForecast, taxOn } from "./amounts.ts";
import { grantCredits } from "./ledger.ts";
import { watchMeters } from "./meters.ts";
import { payments } from "./payment-tables.ts";
import { enterTax } from "./tax.ts";

/**
 * How money becomes credits.
 *
 *   order     the row is written first, with its own fixed key               (orderPayment, one transaction)
 *   ask       the provider is asked under that key; a lost answer is asked
 *             again under the same key, here, by the next tap or by the sweep (askProvider, no transaction)
 *   pay       the person pays on the provider's page; nothing of that reaches us but hints
 *   hint      a notice (payment-webhook.ts), the sweep, a person who looks, the owner's `reconcile`
 *   re-read   the payment is read back from the provider: the one truth
 *   apply     amount, currency, order, live or test are compared; status, credits, tax entry and
 *             follow-up commit together, under unique keys                    (applyPayment, one transaction)
 *
 * A crash between any two lines leaves an order that the sweep finds again: before `ask` it asks, before `apply` it
 * re-reads. Applying twice changes nothing. A success after a cancellation still grants, because the money is there.
 */
export type Payment = typeof payments.$inferSelect;

const CURRENCY = "RUB";
/** A second tap within this time gets the open order's page again; the provider keeps it for about an hour. */
const OPEN_ORDER_MS = 50 * MINUTE_MS;
/** When the sweep asks for the first time. */
export const FIRST_CHECK_MS = MINUTE_MS;

export interface PaymentOrder {
  userId: string;
  /** A key of the catalogue. */
  product: string;
  returnUrl: string;
}

/** The provider of payments, or the refusal that says that none is set up. */
export function paymentProvider(ctx: Pick<Context, "paymentProvider">): PaymentProvider {
  if (ctx.paymentProvider === null)
    throw new Refusal("payment_provider_unavailable", { reason: "not_configured", retry_after: 600 });
  return ctx.paymentProvider;
}

/** Writes the order, or finds the open one for the same product: a second tap is the same order. */
export async function orderPayment(ctx: Context, order: PaymentOrder): Promise<Payment> {
  const provider = paymentProvider(ctx);
  const pack = ctx.catalogue.packs.find(({ key }) => key === order.product);
  if (!pack) {
    const known = ctx.catalogue.packs.map(({ key }) => key).join(", ");
    throw new Refusal("validation_failed", { errors: [{ path: "/body/product", message: `must be one of ${known}` }] });
  }
  return ctx.transaction(async (tx) => {
    await lockUser(tx, order.userId);
    const now = tx.clock.now();
    const [open] = await tx.db
      .select()
      .from(payments)
      .where(
        and(eq(payments.userId, order.userId), eq(payments.product, order.product), eq(payments.status, "pending")),
      )
      .orderBy(desc(payments.id))
      .limit(1);
    if (open && after(open.createdAt, OPEN_ORDER_MS) > now && open.amountKopecks === pack.price_kopecks) return open;
    const id = newId();
    const [row] = await tx.db
      .insert(payments)
      .values({
        id,
        userId: order.userId,
        provider: provider.name,
        product: pack.key,
        credits: pack.credits,
        amountKopecks: pack.price_kopecks,
        currency: CURRENCY,
        status: "pending",
        taxKopecks: taxOn(pack.price_kopecks),
        commissionKopecks: commissionForecast(pack.price_kopecks, tx.settings.YOOKASSA_COMMISSION_BASIS_POINTS),
        commissionIsReal: false,
        refundedKopecks: 0,
        tokensUsed: 0,
        idempotencyKey: `order-${id}`,
        isTest: false,
        returnUrl: order.returnUrl,
        checks: 0,
        nextCheckAt: after(now, FIRST_CHECK_MS),
        createdAt: now,
        updatedAt: now,
      })
      .returning();
    invariant(row, "an inserted order is returned");
    return row;
  });
}

/**
 * Asks the provider for the order's payment page, under the order's own key. Repeating it is safe and is how a lost
 * answer is found again. An order that the provider refuses is cancelled; nothing was charged.
 */
export async function askProvider(ctx: Context, payment: Payment): Promise<Payment> {
  const provider = paymentProvider(ctx);
  let remote: RemotePayment;
  try {
    remote = await provider.create({
      orderId: payment.id,
      amountKopecks: payment.amountKopecks,
      description: `${payment.credits} кредитов, заказ ${payment.id}`,
      returnUrl: payment.returnUrl,
      key: payment.idempotencyKey,
    });
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    await afterFailedAsk(ctx, payment, error);
    throw new Refusal("payment_provider_unavailable", { retry_after: 10, payment_id: payment.id });
  }
  return applyPayment(ctx, remote);
}

async function afterFailedAsk(ctx: Context, payment: Payment, failure: ProviderFailure): Promise<void> {
  ctx.log.warn("the payment provider did not give a page", { payment: payment.id, failure: failure.kind });
  // Unknown, unavailable, too many requests: the order stays and the same key is asked again.
  if (failure.kind !== "rejected" && failure.kind !== "unauthorized") return;
  await ctx.transaction(async (tx) => {
    await tx.db
      .update(payments)
      .set({
        status: "cancelled",
        cancelReason: `provider_${failure.kind}`,
        nextCheckAt: null,
        updatedAt: tx.clock.now(),
      })
      .where(and(eq(payments.id, payment.id), eq(payments.status, "pending"), isNull(payments.yookassaId)));
    await tellOwner(tx, {
      level: "critical",
      reason: `payment_provider_${failure.kind}`,
      details: { message: failure.message },
    });
  });
}

/**
 * Applies what the provider says of a payment, whatever brought it here, any number of times, in any order. Returns the
 * order as it is now. Throws the refusal `not_found` when the payment is none of ours.
 */
export async function applyPayment(ctx: Context, remote: RemotePayment): Promise<Payment> {
  return ctx.transaction(async (tx) => {
    const order = await lockOrder(tx, remote);
    if (!order) {
      await tellOwner(tx, { level: "warning", reason: "payment_without_order", details: { provider_id: remote.id } });
      throw new PaymentWithoutOrder(remote.id);
    }
    const fault = faultOf(tx, order, remote);
    if (fault !== null) return flag(tx, order, fault, remote);
    if (remote.status === "succeeded") return succeed(tx, order, remote);
    if (remote.status === "cancelled" && order.status === "pending") return cancel(tx, order, remote);
    return remember(tx, order, remote);
  });
}

/** The provider knows a payment that no order of ours asked for. */
export class PaymentWithoutOrder extends Error {
  override readonly name = "PaymentWithoutOrder";
}

/** The order that a payment names, locked by writing to it. */
async function lockOrder(tx: Context, remote: RemotePayment): Promise<Payment | null> {
  if (remote.orderId === null || !isId(remote.orderId)) return null;
  const [order] = await tx.db
    .update(payments)
    .set({ updatedAt: tx.clock.now() })
    .where(eq(payments.id, remote.orderId))
    .returning();
  return order ?? null;
}

/** Why this payment must not change the order; null when all is as ordered. */
function faultOf(tx: Context, order: Payment, remote: RemotePayment): string | null {
  if (order.yookassaId !== null && order.yookassaId !== remote.id) {
    return remote.status === "succeeded" ? "second_capture" : "other_payment";
  }
  if (remote.isTest && paymentProvider(tx).isLive) return "test_payment_in_live_mode";
  if (remote.currency !== order.currency) return "currency_differs";
  if (remote.amountKopecks !== order.amountKopecks) return "amount_differs";
  return null;
}

/** Nothing is granted; the owner looks at it, once for each reason. */
async function flag(tx: Context, order: Payment, fault: string, remote: RemotePayment): Promise<Payment> {
  if (fault === "other_payment" || order.flagged === fault) return order;
  await tellOwner(tx, {
    level: "critical",
    reason: `payment_${fault}`,
    details: {
      payment_id: order.id,
      provider_id: remote.id,
      amount_kopecks: remote.amountKopecks,
      currency: remote.currency,
    },
  });
  return write(tx, order, { flagged: fault });
}

async function succeed(tx: Context, order: Payment, remote: RemotePayment): Promise<Payment> {
  if (order.status === "succeeded") return remember(tx, order, remote);
  const paidAt = remote.capturedAt ?? tx.clock.now();
  const tokensUsed = await tokensSinceLastPayment(tx, order);
  const paid = await write(tx, order, {
    status: "succeeded",
    yookassaId: remote.id,
    isTest: remote.isTest,
    succeededAt: paidAt,
    cancelReason: null,
    nextCheckAt: null,
    tokensUsed,
    ...incomeOf(order, remote),
  });
  const isNew = await grantCredits(tx, {
    userId: order.userId,
    kind: "pack",
    credits: order.credits,
    source: `payment:${order.id}`,
  });
  invariant(isNew, "an order that was not paid has granted nothing");
  await enterTax(tx, {
    paymentId: order.id,
    cause: `payment:${order.id}`,
    operationAt: paidAt,
    grossKopecks: order.amountKopecks,
  });
  await watchMeters(tx, paidAt);
  await publish(tx, order.userId, "payment.succeeded", {
    id: order.id,
    product: order.product,
    credits: order.credits,
  });
  await enqueue(tx, "payment.applied", { payment_id: order.id, user_id: order.userId });
  return paid;
}

async function cancel(tx: Context, order: Payment, remote: RemotePayment): Promise<Payment> {
  const cancelled = await write(tx, order, {
    status: "cancelled",
    yookassaId: remote.id,
    cancelReason: remote.cancelReason,
    nextCheckAt: null,
  });
  await publish(tx, order.userId, "payment.cancelled", {
    id: order.id,
    product: order.product,
    reason: remote.cancelReason,
  });
  return cancelled;
}

/** What is learned of a payment without a change of its status. */
async function remember(tx: Context, order: Payment, remote: RemotePayment): Promise<Payment> {
  return write(tx, order, {
    yookassaId: remote.id,
    isTest: remote.isTest,
    ...(remote.confirmationUrl === null ? {} : { confirmationUrl: remote.confirmationUrl }),
    ...incomeOf(order, remote),
  });
}

/** The real commission, once the provider names what reaches the shop. A figure that cannot be is left out. */
function incomeOf(order: Payment, remote: RemotePayment): Partial<typeof payments.$inferInsert> {
  const { incomeKopecks } = remote;
  if (incomeKopecks === null || incomeKopecks < 0 || incomeKopecks > order.amountKopecks) return {};
  // Samples of the documentation show an income equal to the amount: no commission at all is no real one.
  if (incomeKopecks === order.amountKopecks) return {};
  return { commissionKopecks: order.amountKopecks - incomeKopecks, commissionIsReal: true };
}

async function write(tx: Context, order: Payment, change: Partial<typeof payments.$inferInsert>): Promise<Payment> {
  const [row] = await tx.db
    .update(payments)
    .set({ ...change, updatedAt: tx.clock.now() })
    .where(eq(payments.id, order.id))
    .returning();
  invariant(row, "a locked order stays");
  return row;
}

/** Tokens of the assistant that the person used since their payment before, for the owner's unit economics. */
async function tokensSinceLastPayment(tx: Context, order: Payment): Promise<number> {
  const user = await lockUser(tx, order.userId);
  const [booked] = await tx.db
    .select({ tokens: sql`coalesce(sum(${payments.tokensUsed}), 0)`.mapWith(Number) })
    .from(payments)
    .where(and(eq(payments.userId, order.userId), eq(payments.status, "succeeded")));
  return Math.max(0, user.assistantTokens - (booked?.tokens ?? 0));
}

/** How long a person's request waits for the provider before it is told to tap again; the order goes on without it. */
export const ASK_MS_MAX = 15 * SECOND_MS;
