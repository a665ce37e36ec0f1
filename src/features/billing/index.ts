export { taxOn } from "./amounts.ts";
export { type Balance, type BalanceEntry, balanceEntries, balanceOf } from "./balance.ts";
export { FREE_RETURNS_PER_DAY_MAX } from "./free-actions.ts";
export { keepSubscriptions, paymentRefunded, sweepMoney, verifyLedgerNightly } from "./jobs.ts";
export {
  expireCredits,
  grantCredits,
  type Hold,
  peopleWithExpiredCredits,
  release,
  reserve,
  settle,
} from "./ledger.ts";
export type { Payment } from "./orders.ts";
export { payments, refunds, taxEntries } from "./payment-tables.ts";
export { findPayment } from "./payment-view.ts";
export { forgetOldNotices } from "./payment-webhook.ts";
export { priceOf } from "./plans.ts";
export { RECONCILE_DAYS, type ReconcileReport, reconcile } from "./reconcile.ts";
export { previewRefund, type Refund, type RefundPreview, refundPayment, refundUnder } from "./refunds.ts";
export { planOrders, subscriptionPeriods, subscriptions } from "./subscription-tables.ts";
export { endSubscriptionsOf, grantPlanDays, type PlanDays } from "./subscriptions.ts";
export { creditEntries, creditGrants, creditHolds, GRANT_KINDS, type GrantKind } from "./tables.ts";
export { markAnnulled, markRegistered, type TaxEntry, taxMonth, YEAR_LIMIT_KOPECKS, yearIncome } from "./tax.ts";
export { type LedgerDifference, type LedgerReport, verifyLedger } from "./verify.ts";
