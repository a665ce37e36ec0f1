import { EXECUTED_MODES, TRANSPORT_MODES } from "./disturb.ts";
import type { FaultCatalogue } from "./faults.ts";

/** A refusal as YooKassa's API writes it; only `code` and `parameter` are stable, the sentences are not. */
export interface YooKassaRefusal {
  status: number;
  code: string;
  description: string;
  parameter?: string;
  /** In milliseconds. */
  retryAfterMs?: number;
}

const refusal = (status: number, code: string, description: string, parameter?: string): YooKassaRefusal => ({
  status,
  code,
  description,
  ...(parameter === undefined ? {} : { parameter }),
});

export const REFUSALS = {
  "400": refusal(400, "invalid_request", "Incorrect request"),
  "400_amount": refusal(400, "invalid_request", "Incorrect amount", "amount.value"),
  "400_key": refusal(400, "invalid_request", "Idempotence key duplicated", "Idempotence-Key"),
  "400_no_key": refusal(400, "invalid_request", "Idempotence key is missing or too long", "Idempotence-Key"),
  "400_receipt": refusal(400, "invalid_request", "Receipt is missing or illegal", "receipt"),
  "401": refusal(
    401,
    "invalid_credentials",
    "Error in shopId or secret key. Check their validity. You can reissue the key in the Merchant Profile",
    "Authorization",
  ),
  "403": refusal(403, "forbidden", "You do not have permission to perform this operation"),
  "403_recurring": refusal(
    403,
    "forbidden",
    "This store can't make recurring payments. Contact the YooMoney manager to learn more",
  ),
  "404": refusal(404, "not_found", "Resource doesn't exist"),
  "405": refusal(405, "method_not_allowed", "Method not allowed"),
  "415": refusal(415, "unsupported_media_type", "Content-Type must be application/json"),
  "429": { ...refusal(429, "too_many_requests", "Too many requests"), retryAfterMs: 1_000 },
  "500": refusal(500, "internal_server_error", "Internal server error"),
} as const satisfies Record<string, YooKassaRefusal>;

const REFUSAL_MODES = Object.keys(REFUSALS).map((key) => `http_${key}`);
const CALL_MODES = [...TRANSPORT_MODES, ...REFUSAL_MODES];
const MONEY_MODES = [...CALL_MODES, ...EXECUTED_MODES, "executed_500", "processing", "unknown_shape"];

/** The refusal behind a mode such as `http_429`. */
export function refusalBehind(mode: string): YooKassaRefusal | undefined {
  const key = mode.replace(/^http_/, "");
  return REFUSAL_MODES.includes(mode) && key in REFUSALS ? REFUSALS[key as keyof typeof REFUSALS] : undefined;
}

export const DECLINE_REASONS = [
  "card_expired",
  "fraud_suspected",
  "general_decline",
  "insufficient_funds",
  "internal_timeout",
  "issuer_unavailable",
  "payment_method_limit_exceeded",
  "payment_method_restricted",
  "permission_revoked",
] as const;

/** What can go wrong with a notice. */
export const NOTICE_MODES = [
  "drop",
  "duplicate",
  "duplicate_10",
  "duplicate_50",
  "delay",
  "hold",
  "reorder",
  "forged_amount",
  "forged_status",
  "forged_id",
  "forged_order",
  "foreign_source",
  "unknown_shape",
  "not_json",
] as const;
export type NoticeMode = (typeof NOTICE_MODES)[number];

/** How an object can be shown other than it is. */
export const OBJECT_MODES = [
  "underpaid",
  "overpaid",
  "foreign_currency",
  "other_order",
  "no_metadata",
  "test_flipped",
  "unknown_status",
  "odd_amount",
  "unknown_shape",
] as const;

export const YOOKASSA_FAULTS: FaultCatalogue = {
  "yookassa.create": {
    about:
      "POST /payments. executed_*, processing, unknown_shape and half_body make the payment and lose the answer; processing says 202.",
    modes: MONEY_MODES,
  },
  "yookassa.refund": { about: "POST /refunds, with the same modes.", modes: MONEY_MODES },
  "yookassa.change": { about: "Capture and cancel of a held payment.", modes: MONEY_MODES },
  "yookassa.read": { about: "One payment or refund by its id.", modes: CALL_MODES },
  "yookassa.list": { about: "Lists of payments and refunds.", modes: CALL_MODES },
  "yookassa.me": { about: "GET /me.", modes: [...CALL_MODES, "unknown_shape"] },
  "yookassa.edge": {
    about: "The edge in front of every call.",
    modes: ["edge_1010", "edge_502", "edge_504", "reset", "hang", "delay"],
  },
  "yookassa.replay": {
    about: "A repeated key answers with the object as it is now, not with the first answer.",
    modes: ["current"],
  },
  "yookassa.object": {
    about: "A payment that is read back, alone or in a list, is shown other than it is.",
    modes: OBJECT_MODES,
  },
  "yookassa.payer": {
    about:
      "What the payer of the next redirect payment does by himself: before_answer pays and has the notice delivered before the create is answered, at_once right after it.",
    modes: ["before_answer", "at_once", "declined"],
  },
  "yookassa.card": {
    about: "The next card on the pay page is declined for this reason, whatever its number.",
    modes: DECLINE_REASONS,
  },
  "yookassa.autopayment": {
    about: "The next charge of a stored method is declined (HTTP 200, canceled), or pending for a minute.",
    modes: [...DECLINE_REASONS, "pending", "pending_declined"],
  },
  "yookassa.save": {
    about: "The payer's bank does not let the method be stored: saved is false.",
    modes: ["not_saved"],
  },
  "yookassa.refund_outcome": {
    about:
      "The next refund is pending for a minute of the emulator's clock and then succeeds, or is silently canceled; or is canceled at once.",
    modes: ["pending", "pending_canceled", "canceled"],
  },
  "yookassa.notify": {
    about:
      "The next notice. delay waits delayMs (2 s); hold keeps it until POST /_release; reorder sends it after the next one; forged_* tell lies in place of it.",
    modes: NOTICE_MODES,
  },
};
