export { fileTaxJournal, keepSubscriptions, paymentRefunded, sweepMoney, verifyLedgerNightly } from "./jobs.ts";
export { type Balance, type BalanceEntry, balanceEntries, balanceOf } from "./ledger/balance.ts";
export { bookSums } from "./ledger/book-sums.ts";
export {
  type ClosedAccount,
  closeAccount,
  closeLateAccount,
  forfeitLateCredits,
  peopleWithLateCredits,
} from "./ledger/close-account.ts";
export { FREE_RETURNS_PER_DAY_MAX } from "./ledger/free-actions.ts";
export { creditsHeldUnder, HOLDS_READ_MAX } from "./ledger/held-credits.ts";
export {
  expireCredits,
  grantCredits,
  type Hold,
  peopleWithExpiredCredits,
  release,
  revokeCredits,
  settle,
} from "./ledger/ledger.ts";
export { planHold, purseFor, reserve } from "./ledger/reserve.ts";
export { type LedgerDifference, type LedgerReport, verifyLedger } from "./ledger/verify.ts";
export { taxOn } from "./payments/amounts.ts";
export { type NoticeState, noticeState } from "./payments/notice-view.ts";
export { openPayments, openRefunds } from "./payments/open-orders.ts";
export type { Payment } from "./payments/orders.ts";
export { watchPaymentProvider } from "./payments/payment-outage.ts";
export {
  PAYMENT_STATUSES,
  payments,
  REFUND_STATUSES,
  refunds,
  TAX_STATES,
  taxEntries,
} from "./payments/payment-tables.ts";
export { findPayment } from "./payments/payment-view.ts";
export { forgetOldNotices } from "./payments/payment-webhook.ts";
export { RECONCILE_DAYS, type ReconcileReport, reconcile } from "./payments/reconcile.ts";
export { previewRefund, type RefundPreview } from "./payments/refund-preview.ts";
export type { Refund } from "./payments/refund-rows.ts";
export { refundPayment, refundUnder } from "./payments/refunds.ts";
export { tellOfPayment, tellOfRefund } from "./payments/tell-payer.ts";
export { priceOf } from "./plans.ts";
export { grantPlanDays, type PlanDays } from "./subscriptions/plan-days.ts";
export { planOrders, subscriptionPeriods, subscriptions } from "./subscriptions/subscription-tables.ts";
export { endSubscriptionsOf } from "./subscriptions/subscriptions.ts";
export { creditEntries, creditGrants, creditHoldParts, creditHolds, GRANT_KINDS, type GrantKind } from "./tables.ts";
export { type Meter, metersAt } from "./tax/meters.ts";
export { markAnnulled, markRegistered, type TaxEntry, taxMonth, YEAR_LIMIT_KOPECKS, yearIncome } from "./tax/tax.ts";
export { oldestUnregistered, registrationDeadline } from "./tax/tax-deadline.ts";
export { readDesk } from "./tax/tax-desk.ts";
export { type TaxBacklog, taxBacklog } from "./tax/tax-filing.ts";
export { type JournalLine, journalOf, type MonthReport, monthReport, monthReports } from "./tax/tax-report.ts";
export { resumeTax } from "./tax/tax-resume.ts";
export { taxFilings } from "./tax/tax-tables.ts";
