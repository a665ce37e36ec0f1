/** The tax of a self-employed person on what individuals paid: 4 % (Law 422-FZ, article 10). */
export const TAX_BASIS_POINTS = 400;
/** VAT on the provider's commission since 2026: 22 %. */
export const COMMISSION_VAT_BASIS_POINTS = 2_200;

/** A share of an amount in basis points (1/10000), rounded half up to whole kopecks. */
export function share(amountKopecks: number, basisPoints: number): number {
  return Math.floor((amountKopecks * basisPoints * 2 + 10_000) / 20_000);
}

/** The estimate of the tax on one sale: on the gross, whatever the provider keeps. */
export function taxOn(grossKopecks: number): number {
  return share(grossKopecks, TAX_BASIS_POINTS);
}

/** What the provider will keep: its commission and the VAT on that, each rounded by itself as it does. */
export function commissionForecast(grossKopecks: number, commissionBasisPoints: number): number {
  const commission = share(grossKopecks, commissionBasisPoints);
  return commission + share(commission, COMMISSION_VAT_BASIS_POINTS);
}
