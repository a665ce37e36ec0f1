import { and, desc, eq } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { after, HOUR_MS, MINUTE_MS } from "../../../platform/clock.ts";
import { invariant, Refusal } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { wakePanel } from "../../../platform/live/panel-hints.ts";
import type { GuardedPaymentProvider } from "../../../providers/payment-breaker.ts";
import { lockUser } from "../../profile/index.ts";
import { type PlanTerms, planTerms } from "../subscriptions/plan-terms.ts";
import { planOrders } from "../subscriptions/subscription-tables.ts";
import { commissionForecast, taxOn } from "./amounts.ts";
import { payments } from "./payment-tables.ts";

/** What is bought, written down before the provider hears of it. The flow from here on stands in payments.ts. */
export type Payment = typeof payments.$inferSelect;
/** What an order is for, where it is for a plan. */
export type PlanOrder = typeof planOrders.$inferSelect;

const CURRENCY = "RUB";
/** A second tap within this time gets the open order's page again; the provider keeps it for about an hour. */
const OPEN_ORDER_MS = 50 * MINUTE_MS;
/** The provider forgets a key after 24 h, and then the same key would move the money once more. */
export const KEY_VALID_MS = 23 * HOUR_MS;
/** What the provider does not list so long after it was ordered was never made there. */
export const UNLISTED_MS = 5 * MINUTE_MS;
/** When the sweep asks for the first time. */
export const FIRST_CHECK_MS = MINUTE_MS;

export interface PaymentOrder {
  userId: string;
  /** A key of the catalogue. */
  product: string;
  returnUrl: string;
  /** The person allows the method to be stored, and charged again for each period of the plan. */
  saveMethod?: boolean;
}

/** The provider of payments, or the refusal that says that none is set up. */
export function paymentProvider(ctx: Pick<Context, "paymentProvider">): GuardedPaymentProvider {
  if (ctx.paymentProvider === null)
    throw new Refusal("payment_provider_unavailable", { reason: "not_configured", retry_after: 600 });
  return ctx.paymentProvider;
}

/**
 * Writes the order, or finds the open one for the same thing: a second tap is the same order. Throws the refusal
 * `validation_failed` for an unknown product and `plan_not_now` for a cheaper plan than the one that runs.
 */
export async function orderPayment(ctx: Context, order: PaymentOrder): Promise<Payment> {
  paymentProvider(ctx);
  const pack = ctx.catalogue.packs.find(({ key }) => key === order.product);
  const plan = ctx.catalogue.plans.find(({ key }) => key === order.product);
  const product = pack ?? plan;
  if (!product) {
    const known = [...ctx.catalogue.packs, ...ctx.catalogue.plans].map(({ key }) => key).join(", ");
    throw new Refusal("validation_failed", { errors: [{ path: "/body/product", message: `must be one of ${known}` }] });
  }
  return ctx.transaction(async (tx) => {
    await lockUser(tx, order.userId);
    const terms = plan ? await planTerms(tx, order.userId, plan) : null;
    const saveMethod = plan !== undefined && order.saveMethod === true && tx.settings.YOOKASSA_AUTOPAYMENTS === "on";
    const open = await openOrder(tx, order, { priceKopecks: product.price_kopecks, terms, saveMethod });
    if (open) return open;
    const payment = await insertOrder(tx, {
      userId: order.userId,
      product: product.key,
      credits: product.credits,
      amountKopecks: terms?.amountKopecks ?? product.price_kopecks,
      returnUrl: order.returnUrl,
    });
    if (plan && terms) {
      await tx.db.insert(planOrders).values({
        paymentId: payment.id,
        purpose: terms.purpose,
        type: plan.key,
        priceKopecks: plan.price_kopecks,
        subscriptionId: terms.subscriptionId,
        creditsCounted: terms.creditsCounted,
        extraSeconds: terms.extraSeconds,
        saveMethod,
      });
    }
    return payment;
  });
}

/** An order for the same thing on the same terms that can still be paid. The price of an upgrade stands as it was stated. */
async function openOrder(
  tx: Context,
  order: PaymentOrder,
  wanted: { priceKopecks: number; terms: PlanTerms | null; saveMethod: boolean },
): Promise<Payment | null> {
  const [open] = await tx.db
    .select({ payment: payments, plan: planOrders })
    .from(payments)
    .leftJoin(planOrders, eq(planOrders.paymentId, payments.id))
    .where(and(eq(payments.userId, order.userId), eq(payments.product, order.product), eq(payments.status, "pending")))
    .orderBy(desc(payments.id))
    .limit(1);
  if (!open || after(open.payment.createdAt, OPEN_ORDER_MS) <= tx.clock.now()) return null;
  const { terms } = wanted;
  if (terms === null) return open.payment.amountKopecks === wanted.priceKopecks ? open.payment : null;
  const isSame =
    open.plan !== null &&
    open.plan.purpose === terms.purpose &&
    open.plan.subscriptionId === terms.subscriptionId &&
    open.plan.priceKopecks === wanted.priceKopecks &&
    open.plan.saveMethod === wanted.saveMethod;
  return isSame ? open.payment : null;
}

/** Writes the row of an order, with its own fixed key. The person's row is locked by the caller. */
export async function insertOrder(
  tx: Context,
  order: { userId: string; product: string; credits: number; amountKopecks: number; returnUrl: string },
): Promise<Payment> {
  const id = newId();
  const now = tx.clock.now();
  const [row] = await tx.db
    .insert(payments)
    .values({
      id,
      userId: order.userId,
      provider: paymentProvider(tx).name,
      product: order.product,
      credits: order.credits,
      amountKopecks: order.amountKopecks,
      currency: CURRENCY,
      status: "pending",
      taxKopecks: taxOn(order.amountKopecks),
      commissionKopecks: commissionForecast(order.amountKopecks, tx.settings.YOOKASSA_COMMISSION_BASIS_POINTS),
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
  wakePanel(tx, "payments");
  return row;
}

/** What an order is for, where it is for a plan; null for a pack. */
export async function planOrderOf(tx: Pick<Context, "db">, paymentId: string): Promise<PlanOrder | null> {
  const [plan] = await tx.db.select().from(planOrders).where(eq(planOrders.paymentId, paymentId));
  return plan ?? null;
}
