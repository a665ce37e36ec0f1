import { later, SECOND_MS } from "../../../platform/clock.ts";
import { addMoscowMonths } from "../../../platform/moscow.ts";

/** An upgrade never costs less: the provider takes no smaller payment. */
const UPGRADE_KOPECKS_MIN = 100;

/** A period that is running or still to come, and what of it is unused. */
export interface OpenPeriod {
  startsAt: Date;
  endsAt: Date;
  /** What was paid for it and not given back. */
  paidKopecks: number;
  credits: number;
  creditsLeft: number;
}

/** What an upgrade costs, said before it is bought. */
export interface UpgradeQuote {
  /** To pay now. */
  amountKopecks: number;
  /** Worth of what is unused, counted against the price. */
  unusedKopecks: number;
  /** Unused credits that end with the upgrade, because they are counted. */
  creditsCounted: number;
  /** Added to the new period where more is unused than the new plan costs. */
  extraSeconds: number;
}

/**
 * What is unused of a period is its unused time or its unused credits, whichever is the smaller share: neither can be used
 * up first and then be counted once more. Rounded down to whole kopecks.
 */
export function unusedKopecks(period: OpenPeriod, now: Date): number {
  const lengthSeconds = seconds(period.startsAt, period.endsAt);
  const leftSeconds = seconds(later(now, period.startsAt), period.endsAt);
  if (lengthSeconds <= 0 || leftSeconds <= 0 || period.credits <= 0) return 0;
  return Math.min(
    Math.floor((period.paidKopecks * leftSeconds) / lengthSeconds),
    Math.floor((period.paidKopecks * period.creditsLeft) / period.credits),
  );
}

/** The price of a change to a dearer plan at once. */
export function quoteUpgrade(periods: readonly OpenPeriod[], priceKopecks: number, now: Date): UpgradeQuote {
  const unused = periods.reduce((sum, period) => sum + unusedKopecks(period, now), 0);
  const amountKopecks = Math.max(UPGRADE_KOPECKS_MIN, priceKopecks - unused);
  const surplus = unused - (priceKopecks - amountKopecks);
  const monthSeconds = seconds(now, addMoscowMonths(now, 1));
  return {
    amountKopecks,
    unusedKopecks: unused,
    creditsCounted: unused === 0 ? 0 : periods.reduce((sum, { creditsLeft }) => sum + creditsLeft, 0),
    extraSeconds: surplus <= 0 ? 0 : Math.floor((surplus * monthSeconds) / priceKopecks),
  };
}

/** How much of a period goes when a share of its price is given back: that share of it, as far as it still lies ahead. */
export function refundedMs(
  period: { startsAt: Date; endsAt: Date },
  given: { kopecks: number; paidKopecks: number; restKopecks: number },
  now: Date,
): number {
  const aheadMs = Math.max(0, period.endsAt.getTime() - later(now, period.startsAt).getTime());
  if (given.restKopecks === 0) return aheadMs;
  const shareSeconds = Math.floor((seconds(period.startsAt, period.endsAt) * given.kopecks) / given.paidKopecks);
  return Math.min(aheadMs, shareSeconds * SECOND_MS);
}

/** Whole seconds: kopecks times milliseconds would leave the numbers that are exact. */
function seconds(from: Date, to: Date): number {
  return Math.floor((to.getTime() - from.getTime()) / SECOND_MS);
}
