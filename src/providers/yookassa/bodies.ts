import { kopecksToText } from "../../platform/money.ts";
import { YooKassaFailure } from "./classify.ts";
import {
  AMOUNT_KOPECKS_MIN,
  type CreatePaymentBody,
  type CreateRefundBody,
  DESCRIPTION_CHARACTERS_MAX,
  IDEMPOTENCE_KEY_CHARACTERS_MAX,
  isYooKassaId,
  METADATA_KEY_CHARACTERS_MAX,
  METADATA_PAIRS_MAX,
  METADATA_VALUE_CHARACTERS_MAX,
  REFUND_DESCRIPTION_CHARACTERS_MAX,
  RETURN_URL_CHARACTERS_MAX,
  SBP_AMOUNT_KOPECKS_MAX,
} from "./wire.ts";

const CURRENCY = "RUB";
/** Narrower than the provider's own printed pattern, which is ambiguous. */
const KEY = new RegExp(`^[0-9A-Za-z_-]{1,${IDEMPOTENCE_KEY_CHARACTERS_MAX}}$`);

export interface PaymentOrder {
  amountKopecks: number;
  /** Shown to the payer; at most 128 characters. */
  description: string;
  /** Comes back on the payment and in notices; holds at least our order's id. */
  metadata: Readonly<Record<string, string>>;
  /** Where the payer comes back to, paid or not. Left out only with `paymentMethodId`. */
  returnUrl?: string;
  locale?: "ru_RU" | "en_US";
  /** Asks to store the method for later charges. Shops without that permission refuse the whole payment. */
  savePaymentMethod?: boolean;
  /** A stored method to charge, without the payer. */
  paymentMethodId?: string;
}

export interface RefundOrder {
  paymentId: string;
  amountKopecks: number;
  /** At most 250 characters. */
  description?: string;
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The body of a payment: in roubles, captured at once. The same order gives the same body each time, as a key that comes
 * back with another body is refused. Throws `rejected` for what the API would refuse, before anything is sent.
 */
export function paymentBody(order: PaymentOrder): CreatePaymentBody {
  checkAmount(order.amountKopecks);
  checkText("description", order.description, DESCRIPTION_CHARACTERS_MAX);
  checkMetadata(order.metadata);
  if ((order.returnUrl === undefined) === (order.paymentMethodId === undefined)) {
    throw refused("a payment has either a return_url or a stored method");
  }
  if (order.returnUrl !== undefined && !isReturnUrl(order.returnUrl)) {
    throw refused("return_url is an absolute address of at most 2048 characters");
  }
  if (order.paymentMethodId !== undefined && !isYooKassaId(order.paymentMethodId)) {
    throw refused("payment_method_id is not an id");
  }
  return {
    amount: { value: kopecksToText(order.amountKopecks), currency: CURRENCY },
    // Left out it would mean two stages: money held, and given back after a week.
    capture: true,
    description: order.description,
    ...(order.returnUrl === undefined ? {} : { confirmation: redirectTo(order.returnUrl, order.locale) }),
    ...(order.paymentMethodId === undefined ? {} : { payment_method_id: order.paymentMethodId }),
    ...(order.savePaymentMethod === true ? { save_payment_method: true } : {}),
    metadata: order.metadata,
  };
}

/** The body of a refund. Throws `rejected` for what the API would refuse, before anything is sent. */
export function refundBody(order: RefundOrder): CreateRefundBody {
  checkAmount(order.amountKopecks);
  if (!isYooKassaId(order.paymentId)) throw refused("payment_id is not an id");
  if (order.description !== undefined) {
    checkText("description", order.description, REFUND_DESCRIPTION_CHARACTERS_MAX);
  }
  if (order.metadata !== undefined) checkMetadata(order.metadata);
  return {
    payment_id: order.paymentId,
    amount: { value: kopecksToText(order.amountKopecks), currency: CURRENCY },
    ...(order.description === undefined ? {} : { description: order.description }),
    ...(order.metadata === undefined ? {} : { metadata: order.metadata }),
  };
}

/** Throws `rejected` for a key that the API might not take. */
export function checkIdempotenceKey(key: string): void {
  if (!KEY.test(key)) throw refused("an idempotence key has 1 to 64 letters, digits, - and _");
}

function redirectTo(returnUrl: string, locale: PaymentOrder["locale"]): NonNullable<CreatePaymentBody["confirmation"]> {
  return { type: "redirect", return_url: returnUrl, ...(locale === undefined ? {} : { locale }) };
}

function checkAmount(amountKopecks: number): void {
  const fits = Number.isSafeInteger(amountKopecks) && amountKopecks >= AMOUNT_KOPECKS_MIN;
  if (!fits || amountKopecks > SBP_AMOUNT_KOPECKS_MAX) {
    throw refused("an amount is a whole number of kopecks from 1 to 700 000 roubles");
  }
}

function checkText(name: string, text: string, charactersMax: number): void {
  if (text.trim() === "" || text.length > charactersMax) throw refused(`${name} has 1 to ${charactersMax} characters`);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  const fits = pairs.every(
    ([key, value]) =>
      key.length <= METADATA_KEY_CHARACTERS_MAX &&
      typeof value === "string" &&
      value.length <= METADATA_VALUE_CHARACTERS_MAX,
  );
  if (pairs.length > METADATA_PAIRS_MAX || !fits) throw refused("metadata is too large, or not text");
}

function isReturnUrl(url: string): boolean {
  return url.length <= RETURN_URL_CHARACTERS_MAX && /^https?:\/\//i.test(url) && URL.canParse(url);
}

function refused(message: string): YooKassaFailure {
  return new YooKassaFailure("rejected", message, { status: 0 });
}
