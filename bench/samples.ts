/** What came of one side: for each thing measured, one number for each round. */
export type Samples = Record<string, number[]>;

export const minimum = (values: readonly number[]): number => Math.min(...values);
export const maximum = (values: readonly number[]): number => Math.max(...values);
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value below which the share `at` (0 to 1) of the values lies; between two values, the mean by distance. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * at;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
