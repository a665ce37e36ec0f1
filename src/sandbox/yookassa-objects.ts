import { kopecksToText } from "../platform/money.ts";
import type { EmulatedMethod, EmulatedPayment, EmulatedRefund } from "./yookassa-records.ts";
import type { ShopEvent } from "./yookassa-shop.ts";

/** Where the pay pages lie, without a slash at the end; may change while the emulator runs. */
export type PayBase = () => string;

const GATEWAY_ID = "100700";
const CARD_TITLES = { bank_card: "Bank card", sbp: "SBP", yoo_money: "YooMoney wallet" } as const;

/** A payment as the API shows it now. */
export function paymentObject(payment: EmulatedPayment, payBase: PayBase): Record<string, unknown> {
  const succeeded = payment.status === "succeeded";
  const paid = succeeded || payment.status === "waiting_for_capture";
  const { method, confirmation } = payment;
  return {
    id: payment.id,
    status: payment.status,
    amount: amountObject(payment.amountKopecks, payment.currency),
    ...(payment.incomeKopecks === undefined
      ? {}
      : { income_amount: amountObject(payment.incomeKopecks, payment.currency) }),
    ...(payment.description === undefined ? {} : { description: payment.description }),
    recipient: { account_id: payment.shopId, gateway_id: GATEWAY_ID },
    ...(method === undefined ? {} : { payment_method: methodObject(method) }),
    ...(payment.capturedAt === undefined ? {} : { captured_at: payment.capturedAt.toISOString() }),
    created_at: payment.createdAt.toISOString(),
    ...(payment.holdUntil === undefined ? {} : { expires_at: payment.holdUntil.toISOString() }),
    ...(payment.status === "pending" && confirmation !== undefined
      ? { confirmation: confirmationObject(payment, confirmation, payBase()) }
      : {}),
    test: payment.test,
    ...(succeeded ? { refunded_amount: amountObject(payment.refundedKopecks, payment.currency) } : {}),
    paid,
    refundable: succeeded && payment.refundedKopecks < payment.amountKopecks,
    metadata: { ...payment.metadata },
    ...(payment.cancellation === undefined ? {} : { cancellation_details: { ...payment.cancellation } }),
    ...(method !== undefined && paid
      ? {
          authorization_details: {
            rrn: String(100_000_000_000 + payment.sequence),
            auth_code: String(100_000 + payment.sequence),
            three_d_secure: { applied: payment.threeDsApplied },
          },
        }
      : {}),
  };
}

/** A refund as the API shows it now. */
export function refundObject(refund: EmulatedRefund): Record<string, unknown> {
  return {
    id: refund.id,
    payment_id: refund.payment.id,
    status: refund.status,
    ...(refund.cancellation === undefined ? {} : { cancellation_details: { ...refund.cancellation } }),
    created_at: refund.createdAt.toISOString(),
    amount: amountObject(refund.amountKopecks, refund.payment.currency),
    ...(refund.description === undefined ? {} : { description: refund.description }),
  };
}

/** The object of an event, as of now. */
export function objectOf(event: ShopEvent, payBase: PayBase): Record<string, unknown> {
  return "payment" in event ? paymentObject(event.payment, payBase) : refundObject(event.refund);
}

/** The payer's way to the page. Real ones name the payment in the query too. */
export function payUrlOf(payment: EmulatedPayment, payBase: string): string {
  return `${payBase}/pay/${payment.payToken}?orderId=${payment.id}`;
}

function confirmationObject(
  payment: EmulatedPayment,
  confirmation: NonNullable<EmulatedPayment["confirmation"]>,
  payBase: string,
): Record<string, unknown> {
  const { type, returnUrl } = confirmation;
  switch (type) {
    case "embedded":
      return { type, confirmation_token: `ct-${payment.payToken}` };
    case "qr":
      return { type, confirmation_data: payUrlOf(payment, payBase) };
    case "external":
      return { type };
    default:
      return { type, return_url: returnUrl, confirmation_url: payUrlOf(payment, payBase) };
  }
}

function methodObject(method: EmulatedMethod): Record<string, unknown> {
  const { card } = method;
  const name = CARD_TITLES[method.type];
  return {
    type: method.type,
    id: method.id,
    saved: method.saved,
    status: method.saved ? "active" : "inactive",
    title: card === undefined ? name : `${name} *${card.number.slice(-4)}`,
    ...(card === undefined
      ? {}
      : {
          card: {
            first6: card.number.slice(0, 6),
            last4: card.number.slice(-4),
            expiry_month: "12",
            expiry_year: "2030",
            card_type: card.scheme,
            issuer_country: card.scheme === "Mir" ? "RU" : "US",
          },
        }),
  };
}

function amountObject(kopecks: number, currency: string): Record<string, string> {
  return { value: kopecksToText(kopecks), currency };
}
