export { type Balance, type BalanceEntry, balanceEntries, balanceOf } from "./balance.ts";
export { verifyLedgerNightly } from "./jobs.ts";
export {
  expireCredits,
  FREE_RETURNS_PER_DAY_MAX,
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
