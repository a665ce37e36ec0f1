/** The first pause between two tries. */
export const BACKOFF_BASE_MS = 1_000;
/** No pause is longer. */
export const BACKOFF_MS_MAX = 5 * 60_000;

/**
 * The pause before try number `failures + 1`: exponential with full jitter (a random share of 1 s, 2 s, 4 s ... up to
 * five minutes), so that jobs that failed together do not come back together. `random` yields 0 (included) to 1.
 */
export function backoffMs(failures: number, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_BASE_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(random() * ceiling);
}
