export { taxOn } from "./amounts.ts";
export { type Balance, type BalanceEntry, balanceEntries, balanceOf } from "./balance.ts";
export { type ClosedAccount, closeAccount, forfeitLateCredits, peopleWithLateCredits } from "./close-account.ts";
export { FREE_RETURNS_PER_DAY_MAX } from "./free-actions.ts";
export { fileTaxJournal, keepSubscriptions, paymentRefunded, sweepMoney, verifyLedgerNightly } from "./jobs.ts";
export {
  expireCredits,
  grantCredits,
  type Hold,
  peopleWithExpiredCredits,
  release,
  reserve,
  revokeCredits,
  settle,
} from "./ledger.ts";
export { type Meter, metersAt } from "./meters.ts";
export type { Payment } from "./orders.ts";
export { watchPaymentProvider } from "./payment-outage.ts";
export { payments, refunds, taxEntries } from "./payment-tables.ts";
export { findPayment } from "./payment-view.ts";
export { forgetOldNotices } from "./payment-webhook.ts";
export { priceOf } from "./plans.ts";
export { RECONCILE_DAYS, type ReconcileReport, reconcile } from "./reconcile.ts";
export { previewRefund, type Refund, type RefundPreview, refundPayment } from "./refunds.ts";
export { planOrders, subscriptionPeriods, subscriptions } from "./subscription-tables.ts";
export { endSubscriptionsOf, grantPlanDays, type PlanDays } from "./subscriptions.ts";
export { creditEntries, creditGrants, creditHolds, GRANT_KINDS, type GrantKind } from "./tables.ts";
export { markAnnulled, markRegistered, type TaxEntry, taxMonth, YEAR_LIMIT_KOPECKS, yearIncome } from "./tax.ts";
export { readDesk } from "./tax-desk.ts";
export { type TaxBacklog, taxBacklog } from "./tax-filing.ts";
export { type JournalLine, journalOf, type MonthReport, monthReport, monthReports } from "./tax-report.ts";
export { resumeTax } from "./tax-resume.ts";
export { tellOfPayment, tellOfRefund } from "./tell-payer.ts";
export { type LedgerDifference, type LedgerReport, verifyLedger } from "./verify.ts";
