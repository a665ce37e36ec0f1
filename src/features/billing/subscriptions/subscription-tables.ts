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
import { SUBSCRIPTION_TYPES, users } from "../../profile/tables.ts";
import { payments } from "../payments/payment-tables.ts";

/** `grace`: the paid time is over and a charge is still being tried; the person keeps what the plan opens. */
export const SUBSCRIPTION_STATES = ["active", "grace", "ended"] as const;
export const END_REASONS = ["lapsed", "cancelled", "refunded", "erased"] as const;

/** A plan that a person has, from its first payment to its end. Price and credits are copied when it is bought. */
export const subscriptions = table(
  "subscriptions",
  {
    id: id("id").primaryKey(),
    userId: id("user_id")
      .notNull()
      .references(() => users.id),
    type: oneOf("type", SUBSCRIPTION_TYPES).notNull(),
    state: oneOf("state", SUBSCRIPTION_STATES).notNull(),
    amountKopecks: bigInteger("amount").notNull(),
    credits: integer("credits").notNull(),
    /** Whole months are counted from here, so that the 31st comes back after February. */
    anchorAt: moment("anchor_at").notNull(),
    anchorMonths: integer("anchor_months").notNull(),
    /** How many periods there were, the last paid one included. */
    periodCount: integer("period_count").notNull(),
    endsAt: moment("ends_at").notNull(),
    autoRenew: flag("auto_renew").notNull(),
    /** The provider's id of the stored method; null where none was stored, or the person had it forgotten. */
    methodId: text("method_id"),
    methodTitle: text("method_title"),
    /** What the next renewal switches to, copied when the person asked for it. */
    nextType: oneOf("next_type", SUBSCRIPTION_TYPES),
    nextAmountKopecks: bigInteger("next_amount"),
    nextCredits: integer("next_credits"),
    /** The end of which the person was told beforehand; another end is told anew. */
    noticedFor: moment("noticed_for"),
    /** When the stored method is charged next; null while nothing is due or a charge is open. */
    nextTryAt: moment("next_try_at"),
    /** Charges for the coming period that failed. */
    failedTries: integer("failed_tries").notNull(),
    /** Until when a charge may still succeed; set with the first try. */
    graceEndsAt: moment("grace_ends_at"),
    endedAt: moment("ended_at"),
    endReason: oneOf("end_reason", END_REASONS),
    createdAt: moment("created_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (subscription) => [
    uniqueIndex("subscriptions_live").on(subscription.userId).where(sql`ended_at is null`),
    index("subscriptions_user").on(subscription.userId, subscription.id),
    index("subscriptions_end").on(subscription.endsAt).where(sql`ended_at is null`),
    index("subscriptions_due").on(subscription.nextTryAt).where(sql`next_try_at is not null`),
    check("subscriptions_price", sql`amount > 0 and credits > 0`),
    check("subscriptions_ended", sql`(state = 'ended') = (ended_at is not null)`),
    check("subscriptions_renewal_needs_a_method", sql`not auto_renew or method_id is not null`),
    check("subscriptions_due_needs_renewal", sql`next_try_at is null or auto_renew`),
    check(
      "subscriptions_next",
      sql`(next_type is null) = (next_amount is null) and (next_type is null) = (next_credits is null)`,
    ),
  ],
);

/** Paid or given time, one row for each; a period of a subscription exists once. */
export const subscriptionPeriods = table(
  "subscription_periods",
  {
    id: id("id").primaryKey(),
    subscriptionId: id("subscription_id")
      .notNull()
      .references(() => subscriptions.id),
    number: integer("number").notNull(),
    type: oneOf("type", SUBSCRIPTION_TYPES).notNull(),
    startsAt: moment("starts_at").notNull(),
    endsAt: moment("ends_at").notNull(),
    /** Null for time that was given. */
    paymentId: id("payment_id").references(() => payments.id),
    createdAt: moment("created_at").notNull(),
  },
  (period) => [
    uniqueIndex("subscription_periods_number").on(period.subscriptionId, period.number),
    uniqueIndex("subscription_periods_payment").on(period.paymentId),
    check("subscription_periods_order", sql`ends_at >= starts_at`),
  ],
);

/** `purchase`: the person pays on a page. `upgrade`: so too, less what is unused. `renewal`: a stored method is charged. */
export const PLAN_PURPOSES = ["purchase", "upgrade", "renewal"] as const;

/** What an order is for, where it is for a plan. One charge for each try of each period. */
export const planOrders = table(
  "plan_orders",
  {
    paymentId: id("payment_id")
      .primaryKey()
      .references(() => payments.id),
    purpose: oneOf("purpose", PLAN_PURPOSES).notNull(),
    type: oneOf("type", SUBSCRIPTION_TYPES).notNull(),
    /** The price of a whole period, where the order asks for less. */
    priceKopecks: bigInteger("price").notNull(),
    subscriptionId: id("subscription_id").references(() => subscriptions.id),
    /** The period that it is to pay for, and which try at that this is. */
    periodNumber: integer("period_number"),
    attempt: integer("attempt"),
    /** Unused credits of the running plan that an upgrade's price has counted. */
    creditsCounted: integer("credits_counted").notNull(),
    /** Time that an upgrade adds because more was unused than it costs. */
    extraSeconds: integer("extra_seconds").notNull(),
    /** The stored method to charge. */
    methodId: text("method_id"),
    /** Whether the person allowed the method to be stored and charged again. */
    saveMethod: flag("save_method").notNull(),
  },
  (order) => [
    uniqueIndex("plan_orders_attempt").on(order.subscriptionId, order.periodNumber, order.attempt),
    check("plan_orders_counts", sql`price > 0 and credits_counted >= 0 and extra_seconds >= 0`),
    check(
      "plan_orders_renewal",
      sql`purpose <> 'renewal' or (subscription_id is not null and period_number is not null and attempt is not null and method_id is not null)`,
    ),
  ],
);
