import { invariant } from "./errors.ts";

/** Roubles as providers write them: no sign, no leading zeros, a dot and exactly two digits. */
const ROUBLES = /^(0|[1-9]\d{0,12})\.(\d{2})$/;

/** Whole kopecks as text in roubles: 14900 is `149.00`. Any other number than a whole one from 0 on is a bug. */
export function kopecksToText(amountKopecks: number): string {
  invariant(Number.isSafeInteger(amountKopecks) && amountKopecks >= 0, "an amount is a whole number of kopecks");
  const kopecks = amountKopecks % 100;
  return `${(amountKopecks - kopecks) / 100}.${String(kopecks).padStart(2, "0")}`;
}

/**
 * Text in roubles as whole kopecks: `149.00` is 14900. Undefined for everything that is not exactly so written (`149`,
 * `149.0`, `149,00`, `-1.00`, `1e2`): an amount that has to be guessed at must not be booked.
 */
export function textToKopecks(text: unknown): number | undefined {
  const [, roubles, kopecks] = (typeof text === "string" ? ROUBLES.exec(text) : null) ?? [];
  return roubles === undefined || kopecks === undefined ? undefined : Number(roubles) * 100 + Number(kopecks);
}
