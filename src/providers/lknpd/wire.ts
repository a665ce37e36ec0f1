import { type Static, Type } from "@sinclair/typebox";

/** Paths and shapes of the web cabinet of «Мой налог», for the client and for the emulator. Nobody promises them. */
export const LKNPD_BASE_PATH = "/api/v1";
export const LKNPD_PATHS = {
  login: "/auth/lkfl",
  refresh: "/auth/token",
  user: "/user",
  income: "/income",
  cancel: "/cancel",
  incomes: "/incomes",
} as const;

/** Any other Accept is answered with 406. */
export const LKNPD_ACCEPT = "application/json, text/plain, */*";
export const APP_VERSION = "1.0.0";
export const DEVICE_ID_CHARACTERS = 21;
/** Clients use up to 256; this much is known to be safe. */
export const SERVICE_NAME_CHARACTERS_MAX = 128;
export const LIST_LIMIT_MAX = 100;

/** The only two reasons that the cabinet takes, to the letter. */
export const CANCEL_COMMENTS = { refund: "Возврат средств", mistake: "Чек сформирован ошибочно" } as const;

/** Whatever else claims to be a receipt's number goes into no path. */
const NUMBER_PATTERN = "^[0-9A-Za-z_-]{1,64}$";
const NUMBER = new RegExp(NUMBER_PATTERN);
const ReceiptNumber = Type.String({ pattern: NUMBER_PATTERN });

/** Whether `text` can be the number of a receipt. */
export function isReceiptNumber(text: unknown): text is string {
  return typeof text === "string" && NUMBER.test(text);
}

const OptionalText = Type.Optional(Type.Union([Type.String(), Type.Null()]));

/** A login, or (then perhaps without refresh token and profile) its renewal. */
export const TokenAnswer = Type.Object({
  token: Type.String({ minLength: 1 }),
  tokenExpireIn: OptionalText,
  refreshToken: OptionalText,
  profile: Type.Optional(Type.Union([Type.Object({ inn: OptionalText }), Type.Null()])),
});
export type TokenAnswer = Static<typeof TokenAnswer>;

export const UserAnswer = Type.Object({ inn: Type.String() });

export const IncomeAnswer = Type.Object({ approvedReceiptUuid: ReceiptNumber });

export const CancelAnswer = Type.Object({
  incomeInfo: Type.Object({
    approvedReceiptUuid: Type.String(),
    cancellationInfo: Type.Object({ comment: OptionalText }),
  }),
});

/** What is read of a receipt in a list. */
export const IncomeItem = Type.Object({
  approvedReceiptUuid: ReceiptNumber,
  name: OptionalText,
  services: Type.Optional(Type.Union([Type.Array(Type.Object({ name: OptionalText })), Type.Null()])),
  totalAmount: Type.Union([Type.Number(), Type.String()]),
  cancellationInfo: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
});
export type IncomeItem = Static<typeof IncomeItem>;

export const IncomesAnswer = Type.Object({ content: Type.Array(Type.Unknown()), hasMore: Type.Boolean() });

/** One receipt by its number; here the number's field has another name. */
export const ReceiptAnswer = Type.Object({
  receiptId: ReceiptNumber,
  cancellationInfo: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
});

export const ErrorAnswer = Type.Object({ code: OptionalText, message: OptionalText });

export interface DeviceInfo {
  sourceType: "WEB";
  sourceDeviceId: string;
  appVersion: string;
  metaDetails: { userAgent: string };
}

/** Fields that are meant to be empty are sent as null. */
export interface IncomeBody {
  operationTime: string;
  requestTime: string;
  /** `amount` is the price of one. */
  services: { name: string; amount: number; quantity: number }[];
  totalAmount: string;
  client: { contactPhone: null; displayName: null; incomeType: "FROM_INDIVIDUAL"; inn: null };
  paymentType: "CASH";
  ignoreMaxTotalIncomeRestriction: false;
}

export interface CancelBody {
  operationTime: string;
  requestTime: string;
  comment: string;
  receiptUuid: string;
  partnerCode: null;
}
