import type { Clock } from "../platform/clock.ts";
import { after } from "../platform/clock.ts";
import { textToKopecks } from "../platform/money.ts";
import { AMOUNT_KOPECKS_MIN } from "../providers/yookassa/wire.ts";
import type { Faults } from "./faults.ts";
import { type Decline, GOOD_CARDS, type TestCard } from "./yookassa-cards.ts";
import { REFUSALS, type YooKassaRefusal } from "./yookassa-faults.ts";
import type { ApiAnswer } from "./yookassa-keys.ts";
import { type PayBase, paymentObject, refundObject } from "./yookassa-objects.ts";
import type { EmulatedMethod, EmulatedPayment, EmulatedRefund } from "./yookassa-records.ts";
import { PENDING_MS, type YooKassaShop } from "./yookassa-shop.ts";
import { invalid, readCreateBody, readRefundBody } from "./yookassa-validate.ts";

export interface MoneyNeeds {
  clock: Clock;
  faults: Faults;
  shop: YooKassaShop;
  payBase: PayBase;
  /** Resolves once every notice that is under way has been tried. */
  noticesTried: () => Promise<void>;
}

export type MoneyOutcome = ApiAnswer | YooKassaRefusal;

/** Carries `POST /payments` out. */
export async function createPayment(shopId: string, body: unknown, needs: MoneyNeeds): Promise<MoneyOutcome> {
  const { shop } = needs;
  const valid = readCreateBody(body, shop.settings);
  if ("code" in valid) return valid;
  const { methodId, ...about } = valid;
  const method = methodId === undefined ? undefined : shop.methods.get(methodId);
  if (methodId !== undefined && (method === undefined || method.shopId !== shopId)) {
    return invalid("payment_method_id", "Payment method doesn't exist");
  }
  const payment = shop.addPayment({ ...about, shopId, currency: "RUB" });
  if (method !== undefined) chargeStored(payment, method, needs);
  else await payerActs(payment, needs);
  const show = (): unknown => paymentObject(payment, needs.payBase);
  return { status: 200, body: show(), current: show };
}

/** A stored method is charged without the payer; the answer says at once how that went. */
function chargeStored(payment: EmulatedPayment, method: EmulatedMethod, { clock, faults, shop }: MoneyNeeds): void {
  payment.method = method;
  const mode = faults.strike("yookassa.autopayment")?.mode;
  const reason = method.revoked ? "permission_revoked" : mode;
  const decline = (why: string): Decline => ({
    party: why === "permission_revoked" || why === "internal_timeout" ? "yoo_money" : "payment_network",
    reason: why,
  });
  if (reason === undefined) {
    shop.takeMoney(payment, method);
  } else if (reason === "pending" || reason === "pending_declined") {
    const ending = reason === "pending" ? undefined : decline("insufficient_funds");
    payment.ends = { at: after(clock.now(), PENDING_MS), decline: ending };
  } else {
    shop.cancel(payment, decline(reason));
  }
}

/** What a switch makes the payer do by himself. */
async function payerActs(payment: EmulatedPayment, needs: MoneyNeeds): Promise<void> {
  const mode = needs.faults.strike("yookassa.payer")?.mode;
  const [card] = GOOD_CARDS;
  if (mode === undefined || card === undefined) return;
  const act = (): void => {
    if (payment.status !== "pending") return;
    if (mode === "declined") needs.shop.cancel(payment, { party: "payment_network", reason: "general_decline" });
    else needs.shop.takeMoney(payment, payerMethod(payment, "bank_card", needs, card));
  };
  if (mode !== "before_answer") {
    setTimeout(act, 0);
    return;
  }
  act();
  await needs.noticesTried();
}

/** The method that a payer uses; stored if that was asked for and his bank does not mind. */
export function payerMethod(
  payment: EmulatedPayment,
  type: EmulatedMethod["type"],
  { faults, shop }: Pick<MoneyNeeds, "faults" | "shop">,
  card?: TestCard,
): EmulatedMethod {
  const saved = payment.saveRequested && faults.strike("yookassa.save") === undefined;
  const method: EmulatedMethod = {
    id: payment.id,
    shopId: payment.shopId,
    type,
    saved,
    revoked: false,
    ...(card === undefined ? {} : { card }),
  };
  if (saved) shop.storeMethod(method);
  return method;
}

/** Carries `POST /payments/{id}/capture` and `/cancel` out: only a held payment can be changed. */
export function changePayment(
  payment: EmulatedPayment,
  action: "capture" | "cancel",
  body: unknown,
  { shop, payBase }: MoneyNeeds,
): MoneyOutcome {
  if (payment.status !== "waiting_for_capture") {
    return invalid("payment_id", `Payment is in status ${payment.status}, which does not allow this`);
  }
  if (action === "cancel") {
    shop.cancel(payment, { party: "merchant", reason: "canceled_by_merchant" });
  } else {
    const amount = (body as { amount?: { value?: unknown } } | null)?.amount;
    const kopecks = amount === undefined ? payment.amountKopecks : textToKopecks(amount.value);
    if (kopecks === undefined || kopecks <= 0 || kopecks > payment.amountKopecks) return REFUSALS["400_amount"];
    shop.capture(payment, kopecks);
  }
  const show = (): unknown => paymentObject(payment, payBase);
  return { status: 200, body: show(), current: show };
}

/** Carries `POST /refunds` out. */
export function createRefund(shopId: string, body: unknown, needs: MoneyNeeds): MoneyOutcome {
  const valid = readRefundBody(body);
  if ("code" in valid) return valid;
  const payment = needs.shop.payments.find(({ id }) => id === valid.paymentId);
  if (payment === undefined || payment.shopId !== shopId) {
    return invalid("payment_id", "Payment doesn't exist");
  }
  const refund = refundPayment(payment, valid.amountKopecks, needs, valid.description);
  if ("code" in refund) return refund;
  const show = (): unknown => refundObject(refund);
  return { status: 200, body: show(), current: show };
}

/** Gives money back, from the API as from the cabinet; what is pending already counts as given back. */
export function refundPayment(
  payment: EmulatedPayment,
  amountKopecks: number,
  { clock, faults, shop }: Pick<MoneyNeeds, "clock" | "faults" | "shop">,
  description?: string,
): EmulatedRefund | YooKassaRefusal {
  if (payment.status !== "succeeded") return invalid("payment_id", "Payment can not be refunded");
  const pending = shop.refunds.filter((one) => one.payment === payment && one.status === "pending");
  const leftKopecks =
    payment.amountKopecks - payment.refundedKopecks - pending.reduce((sum, one) => sum + one.amountKopecks, 0);
  const restKopecks = leftKopecks - amountKopecks;
  const restIsTooSmall = restKopecks > 0 && restKopecks < AMOUNT_KOPECKS_MIN;
  if (amountKopecks < AMOUNT_KOPECKS_MIN || restKopecks < 0 || restIsTooSmall) return REFUSALS["400_amount"];
  const refund = shop.addRefund({ payment, amountKopecks, description });
  const mode = faults.strike("yookassa.refund_outcome")?.mode;
  const decline = { party: "yoo_money", reason: "insufficient_funds" };
  if (mode === undefined) shop.endRefund(refund, undefined);
  else if (mode === "canceled") shop.endRefund(refund, decline);
  else refund.ends = { at: after(clock.now(), PENDING_MS), decline: mode === "pending" ? undefined : decline };
  return refund;
}
