export { type Balance, type BalanceEntry, balanceEntries, balanceOf } from "./balance.ts";
export { FREE_RETURNS_PER_DAY_MAX } from "./free-actions.ts";
export { verifyLedgerNightly } from "./jobs.ts";
export {
  expireCredits,
  grantCredits,
  type Hold,
  peopleWithExpiredCredits,
  release,
  reserve,
  settle,
} from "./ledger.ts";
export { priceOf } from "./plans.ts";
export { creditEntries, creditGrants, creditHolds, GRANT_KINDS, type GrantKind } from "./tables.ts";
export { type LedgerDifference, type LedgerReport, verifyLedger } from "./verify.ts";
