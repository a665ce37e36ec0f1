import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { textToKopecks } from "../platform/money.ts";
import {
  AMOUNT_KOPECKS_MIN,
  Amount,
  CARD_AMOUNT_KOPECKS_MAX,
  DESCRIPTION_CHARACTERS_MAX,
  IDEMPOTENCE_KEY_CHARACTERS_MAX,
  METADATA_KEY_CHARACTERS_MAX,
  METADATA_PAIRS_MAX,
  METADATA_VALUE_CHARACTERS_MAX,
  REFUND_DESCRIPTION_CHARACTERS_MAX,
  RETURN_URL_CHARACTERS_MAX,
  SBP_AMOUNT_KOPECKS_MAX,
} from "../providers/yookassa/wire.ts";
import { REFUSALS, type YooKassaRefusal } from "./yookassa-faults.ts";
import type { ShopSettings } from "./yookassa-records.ts";

const KEY = new RegExp(`^[0-9a-zA-Z+_.:-]{1,${IDEMPOTENCE_KEY_CHARACTERS_MAX}}$`);
const METHOD_TYPES = ["bank_card", "yoo_money", "sbp"];
const CONFIRMATION_TYPES = ["redirect", "embedded", "qr", "mobile_application", "external"];
const TYPES_WITH_RETURN: readonly string[] = ["redirect", "mobile_application"];

const text = Type.Optional(Type.String());
/** The shape of a create; limits are checked one by one, as each names its own parameter. */
const CreateBody = Type.Object({
  amount: Amount,
  capture: Type.Optional(Type.Boolean()),
  description: text,
  confirmation: Type.Optional(
    Type.Object({ type: Type.String(), return_url: text, enforce: Type.Optional(Type.Boolean()) }),
  ),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  payment_method_data: Type.Optional(Type.Object({ type: Type.String() })),
  payment_method_id: text,
  payment_token: text,
  save_payment_method: Type.Optional(Type.Boolean()),
  receipt: Type.Optional(Type.Unknown()),
});

const RefundBody = Type.Object({
  payment_id: Type.String(),
  amount: Amount,
  description: text,
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

/** A create that has passed all checks but those of the shop's own books. */
export interface ValidPayment {
  amountKopecks: number;
  capture: boolean;
  description: string | undefined;
  metadata: Record<string, string>;
  confirmation: { type: string; returnUrl?: string; enforce: boolean } | undefined;
  methodType: string | undefined;
  methodId: string | undefined;
  saveRequested: boolean;
}

export interface ValidRefund {
  paymentId: string;
  amountKopecks: number;
  description: string | undefined;
}

/** Whether an idempotence key may be used; without one nothing that moves money is carried out. */
export function isUsableKey(key: string | null): key is string {
  return key !== null && KEY.test(key);
}

/** Reads the body of `POST /payments`, or says why it is refused. */
export function readCreateBody(body: unknown, settings: ShopSettings): ValidPayment | YooKassaRefusal {
  const fault = Value.Errors(CreateBody, body).First();
  if (fault !== undefined) return invalid(fault.path.slice(1).replaceAll("/", "."), "Missing or invalid value");
  if (!Value.Check(CreateBody, body)) return REFUSALS["400"];
  const { confirmation, description, payment_method_data: method } = body;
  const methodType = method?.type;
  const problem =
    amountProblem(body.amount, methodType === "sbp" ? SBP_AMOUNT_KOPECKS_MAX : CARD_AMOUNT_KOPECKS_MAX) ??
    descriptionProblem(description, DESCRIPTION_CHARACTERS_MAX) ??
    metadataProblem(body.metadata) ??
    methodProblem(methodType, settings) ??
    confirmationProblem(body.confirmation, body.payment_method_id ?? body.payment_token);
  if (problem !== undefined) return problem;
  if (body.payment_token !== undefined) return invalid("payment_token", "Payment token is invalid or was used");
  if (settings.fiscalization && body.receipt === undefined) return REFUSALS["400_receipt"];
  const saveRequested = body.save_payment_method === true;
  if ((saveRequested || body.payment_method_id !== undefined) && !settings.recurring) return REFUSALS["403_recurring"];
  return {
    amountKopecks: textToKopecks(body.amount.value) ?? 0,
    capture: body.capture === true,
    description,
    metadata: (body.metadata ?? {}) as Record<string, string>,
    confirmation:
      confirmation === undefined
        ? undefined
        : {
            type: confirmation.type,
            enforce: confirmation.enforce === true,
            ...(confirmation.return_url === undefined ? {} : { returnUrl: confirmation.return_url }),
          },
    methodType,
    methodId: body.payment_method_id,
    saveRequested,
  };
}

/** Reads the body of `POST /refunds`, or says why it is refused. */
export function readRefundBody(body: unknown): ValidRefund | YooKassaRefusal {
  const fault = Value.Errors(RefundBody, body).First();
  if (fault !== undefined) return invalid(fault.path.slice(1).replaceAll("/", "."), "Missing or invalid value");
  if (!Value.Check(RefundBody, body)) return REFUSALS["400"];
  const problem =
    amountProblem(body.amount, SBP_AMOUNT_KOPECKS_MAX) ??
    descriptionProblem(body.description, REFUND_DESCRIPTION_CHARACTERS_MAX) ??
    metadataProblem(body.metadata);
  if (problem !== undefined) return problem;
  const amountKopecks = textToKopecks(body.amount.value) ?? 0;
  return { paymentId: body.payment_id, amountKopecks, description: body.description };
}

export function invalid(parameter: string, description: string): YooKassaRefusal {
  return { ...REFUSALS["400"], description, parameter };
}

export function amountProblem(amount: Amount, kopecksMax: number): YooKassaRefusal | undefined {
  const kopecks = textToKopecks(amount.value);
  if (kopecks === undefined || kopecks < AMOUNT_KOPECKS_MIN || kopecks > kopecksMax) return REFUSALS["400_amount"];
  return amount.currency === "RUB" ? undefined : invalid("amount.currency", "Incorrect currency");
}

function descriptionProblem(description: string | undefined, charactersMax: number): YooKassaRefusal | undefined {
  return (description?.length ?? 0) > charactersMax ? invalid("description", "Description is too long") : undefined;
}

function metadataProblem(metadata: Readonly<Record<string, unknown>> | undefined): YooKassaRefusal | undefined {
  const pairs = Object.entries(metadata ?? {});
  const fits = pairs.every(
    ([key, value]) =>
      key.length <= METADATA_KEY_CHARACTERS_MAX &&
      typeof value === "string" &&
      value.length <= METADATA_VALUE_CHARACTERS_MAX,
  );
  return pairs.length <= METADATA_PAIRS_MAX && fits ? undefined : invalid("metadata", "Metadata is too large");
}

function methodProblem(type: string | undefined, settings: ShopSettings): YooKassaRefusal | undefined {
  if (type === undefined) return undefined;
  // A test shop has cards and wallets only.
  const known = METHOD_TYPES.includes(type) && !(type === "sbp" && settings.test);
  return known ? undefined : invalid("payment_method_data.type", "Payment method is not available");
}

function confirmationProblem(
  confirmation: { type: string; return_url?: string } | undefined,
  replacement: string | undefined,
): YooKassaRefusal | undefined {
  if (confirmation === undefined) {
    return replacement === undefined ? invalid("confirmation", "Confirmation is missing") : undefined;
  }
  if (!CONFIRMATION_TYPES.includes(confirmation.type)) return invalid("confirmation.type", "Unknown confirmation type");
  if (!TYPES_WITH_RETURN.includes(confirmation.type)) return undefined;
  const url = confirmation.return_url ?? "";
  const isAbsolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) && URL.canParse(url);
  return isAbsolute && url.length <= RETURN_URL_CHARACTERS_MAX
    ? undefined
    : invalid("confirmation.return_url", "return_url is missing or incorrect");
}
