import { sql } from "drizzle-orm";
import {
  bigInteger,
  check,
  flag,
  id,
  index,
  integer,
  moment,
  oneOf,
  table,
  text,
  uniqueIndex,
} from "../../../platform/db/columns.ts";
import { users } from "../../profile/tables.ts";

export const PAYMENT_STATUSES = ["pending", "succeeded", "cancelled"] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** Orders. Amounts are kopecks. Price and credits are copied from the catalogue when the order is made. */
export const payments = table(
  "payments",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    provider: text("provider").notNull(),
    /** The provider's id of the payment; null until its answer is known. */
    yookassaId: text("yookassa_id"),
    product: text("product").notNull(),
    credits: integer("credits").notNull(),
    amountKopecks: bigInteger("amount").notNull(),
    currency: text("currency").notNull(),
    status: oneOf("status", PAYMENT_STATUSES).notNull(),
    /** 4 % of the gross, half up. */
    taxKopecks: bigInteger("tax_amount").notNull(),
    /** What the provider keeps: a forecast until it names the shop's income. */
    commissionKopecks: bigInteger("commission_amount").notNull(),
    commissionIsReal: flag("commission_is_real").notNull(),
    refundedKopecks: bigInteger("refunded_amount").notNull(),
    /** Tokens of the assistant that the person used since the payment before. */
    tokensUsed: integer("tokens_used").notNull(),
    /** The one key under which the provider is asked for this order, however often. */
    idempotencyKey: text("idempotency_key").notNull(),
    isTest: flag("is_test").notNull(),
    returnUrl: text("return_url").notNull(),
    confirmationUrl: text("confirmation_url"),
    cancelReason: text("cancel_reason"),
    /** Something that the owner has to look at, such as `amount_differs` or `second_capture`. */
    flagged: text("flagged"),
    checks: integer("checks").notNull(),
    /** When the sweep asks next; null once nothing is open. */
    nextCheckAt: moment("next_check_at"),
    succeededAt: moment("succeeded_at"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (payment) => [
    uniqueIndex("payments_yookassa_id").on(payment.yookassaId),
    uniqueIndex("payments_idempotency_key").on(payment.idempotencyKey),
    index("payments_user").on(payment.userId, payment.id),
    index("payments_created").on(payment.createdAt, payment.id),
    index("payments_status").on(payment.status, payment.createdAt, payment.id),
    index("payments_product").on(payment.product, payment.createdAt, payment.id),
    index("payments_flagged").on(payment.createdAt, payment.id).where(sql`flagged is not null`),
    // For the figures of a day: what was paid on it, and which days have changed since they were counted.
    index("payments_succeeded").on(payment.succeededAt).where(sql`succeeded_at is not null`),
    index("payments_updated").on(payment.updatedAt),
    index("payments_open").on(payment.nextCheckAt).where(sql`next_check_at is not null`),
    check(
      "payments_amounts",
      sql`amount > 0 and tax_amount >= 0 and commission_amount >= 0 and refunded_amount >= 0 and refunded_amount <= amount`,
    ),
  ],
);

/** Every notice that came, and what was made of it. Ids and words of ours only. */
export const paymentNotices = table(
  "payment_notices",
  {
    id: id("id").primaryKey(),
    address: text("address").notNull(),
    event: text("event"),
    objectId: text("object_id"),
    outcome: text("outcome").notNull(),
    createdAt: moment("created_at").notNull(),
  },
  (notice) => [index("payment_notices_age").on(notice.createdAt)],
);

export const REFUND_STATUSES = ["pending", "succeeded", "cancelled"] as const;

/** Money given back, ordered here or made by hand in the provider's cabinet. */
export const refunds = table(
  "refunds",
  {
    id: id("id").primaryKey(),
    paymentId: id("payment_id")
      .notNull()
      .references(() => payments.id),
    yookassaId: text("yookassa_id"),
    amountKopecks: bigInteger("amount").notNull(),
    status: oneOf("status", REFUND_STATUSES).notNull(),
    origin: oneOf("origin", ["owner", "cabinet"]).notNull(),
    reason: text("reason").notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    creditsRevoked: integer("credits_revoked").notNull(),
    nextCheckAt: moment("next_check_at"),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (refund) => [
    uniqueIndex("refunds_yookassa_id").on(refund.yookassaId),
    uniqueIndex("refunds_idempotency_key").on(refund.idempotencyKey),
    index("refunds_payment").on(refund.paymentId),
    index("refunds_open").on(refund.nextCheckAt).where(sql`next_check_at is not null`),
    check("refunds_amount", sql`amount > 0`),
  ],
);

/** `unknown`: sent, or about to be, and nobody knows whether the tax service has it; it is looked up, never sent again blindly. */
export const TAX_STATES = ["ready", "unknown", "registered", "annulled"] as const;

/** The tax journal: one entry for each payment, replaced when part of it is given back. Nothing is ever deleted. */
export const taxEntries = table(
  "tax_entries",
  {
    id: id("id").primaryKey(),
    paymentId: id("payment_id")
      .notNull()
      .references(() => payments.id),
    /** What caused the entry; the same cause makes one entry. */
    cause: text("cause").notNull(),
    /** The Moscow date of the payment, also for an entry that replaces another. */
    date: text("date").notNull(),
    operationAt: moment("operation_at").notNull(),
    grossKopecks: bigInteger("gross").notNull(),
    buyer: oneOf("buyer", ["individual", "company"]).notNull(),
    service: text("service").notNull(),
    state: oneOf("state", TAX_STATES).notNull(),
    receiptNumber: text("receipt_number"),
    /** Where the buyer sees the receipt, for one that the connector registered. */
    receiptUrl: text("receipt_url"),
    annulReason: text("annul_reason"),
    /** True when an entry that was registered, or may have been, has to be annulled at the tax service as well. */
    annulDue: flag("annul_due").notNull(),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (entry) => [
    uniqueIndex("tax_entries_cause").on(entry.cause),
    index("tax_entries_date").on(entry.date, entry.id),
    index("tax_entries_payment").on(entry.paymentId),
    index("tax_entries_unregistered").on(entry.id).where(sql`state in ('ready', 'unknown')`),
    index("tax_entries_annul_due").on(entry.id).where(sql`annul_due`),
    check("tax_entries_gross", sql`gross > 0`),
  ],
);
