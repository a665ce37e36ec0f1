import { type Static, Type } from "@sinclair/typebox";

/** Paths and shapes of YooKassa's API v3, for the client and for the emulator. */
export const YOOKASSA_BASE_PATH = "/v3";
export const YOOKASSA_PATHS = { payments: "/payments", refunds: "/refunds", me: "/me" } as const;
export const IDEMPOTENCE_HEADER = "Idempotence-Key";

/** Limits of the API, as its documentation gives them. */
export const DESCRIPTION_CHARACTERS_MAX = 128;
export const REFUND_DESCRIPTION_CHARACTERS_MAX = 250;
export const METADATA_PAIRS_MAX = 16;
export const METADATA_KEY_CHARACTERS_MAX = 32;
export const METADATA_VALUE_CHARACTERS_MAX = 512;
export const RETURN_URL_CHARACTERS_MAX = 2_048;
export const IDEMPOTENCE_KEY_CHARACTERS_MAX = 64;
export const AMOUNT_KOPECKS_MIN = 100;
/** One payment by card; by the fast payment system (SBP) it may be 700 000 roubles. */
export const CARD_AMOUNT_KOPECKS_MAX = 35_000_000;
export const SBP_AMOUNT_KOPECKS_MAX = 70_000_000;
export const LIST_LIMIT_DEFAULT = 10;
export const LIST_LIMIT_MAX = 100;

export const PAYMENT_STATUSES = ["pending", "waiting_for_capture", "succeeded", "canceled"] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];
export const REFUND_STATUSES = ["pending", "succeeded", "canceled"] as const;
export type RefundStatus = (typeof REFUND_STATUSES)[number];

/** Ids look like UUIDs and are none; whatever else claims to be an id goes into no path. */
const ID_PATTERN = "^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$";
const ID = new RegExp(ID_PATTERN);
const Id = Type.String({ pattern: ID_PATTERN });

/** Whether `text` can be the id of a payment or a refund. */
export function isYooKassaId(text: unknown): text is string {
  return typeof text === "string" && ID.test(text);
}

const OptionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

export const Amount = Type.Object({ value: Type.String(), currency: Type.String({ minLength: 3, maxLength: 3 }) });
export type Amount = Static<typeof Amount>;

const Cancellation = Type.Object({ party: Type.String(), reason: Type.String() });

/** What is read of a payment. Everything else may be there and may change. */
export const PaymentObject = Type.Object({
  id: Id,
  status: Type.Union(PAYMENT_STATUSES.map((status) => Type.Literal(status))),
  paid: Type.Boolean(),
  amount: Amount,
  income_amount: Type.Optional(Amount),
  refunded_amount: Type.Optional(Amount),
  refundable: Type.Optional(Type.Boolean()),
  test: Type.Boolean(),
  created_at: Type.String(),
  captured_at: OptionalText,
  expires_at: OptionalText,
  description: OptionalText,
  confirmation: Type.Optional(Type.Object({ type: Type.String(), confirmation_url: OptionalText })),
  metadata: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])),
  payment_method: Type.Optional(
    Type.Object({
      type: Type.String(),
      id: Id,
      saved: Type.Optional(Type.Boolean()),
      title: OptionalText,
    }),
  ),
  cancellation_details: Type.Optional(Cancellation),
});
export type PaymentObject = Static<typeof PaymentObject>;

export const RefundObject = Type.Object({
  id: Id,
  payment_id: Id,
  status: Type.Union(REFUND_STATUSES.map((status) => Type.Literal(status))),
  amount: Amount,
  created_at: Type.String(),
  description: OptionalText,
  cancellation_details: Type.Optional(Cancellation),
});
export type RefundObject = Static<typeof RefundObject>;

export const ListAnswer = Type.Object({
  type: Type.Literal("list"),
  items: Type.Array(Type.Unknown()),
  next_cursor: OptionalText,
});

/** What the shop says of itself; older answers have `fiscalization_enabled`, newer ones `fiscalization`. */
export const MeAnswer = Type.Object({
  account_id: Type.Union([Type.String(), Type.Number()]),
  test: Type.Optional(Type.Boolean()),
  status: OptionalText,
  fiscalization_enabled: Type.Optional(Type.Boolean()),
  fiscalization: Type.Optional(Type.Object({ enabled: Type.Boolean() })),
  payment_methods: Type.Optional(Type.Array(Type.String())),
});

/** An error, or (`type: "processing"`) the request to ask again. */
export const ErrorAnswer = Type.Object({
  type: Type.Union([Type.Literal("error"), Type.Literal("processing")]),
  id: OptionalText,
  code: OptionalText,
  description: OptionalText,
  parameter: OptionalText,
  /** In milliseconds. */
  retry_after: Type.Optional(Type.Number()),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;

/** The body of a create. Fields that are not meant are left out, never sent empty. */
export interface CreatePaymentBody {
  amount: Amount;
  capture: boolean;
  description?: string;
  confirmation?: { type: "redirect"; return_url: string; locale?: "ru_RU" | "en_US" };
  payment_method_id?: string;
  save_payment_method?: boolean;
  metadata?: Readonly<Record<string, string>>;
}

export interface CreateRefundBody {
  payment_id: string;
  amount: Amount;
  description?: string;
  metadata?: Readonly<Record<string, string>>;
}
