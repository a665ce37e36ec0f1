/**
 * Times from order to picture as a small histogram of fixed steps, so that days can be added up: counts add, percentiles do
 * not. Each step is the longest time in seconds that counts in it; the last one takes everything longer.
 */
export const PICTURE_SECONDS = [
  5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 105, 120, 150, 180, 240, 300, 420, 600, 900, 3_600,
] as const;

/** As many zeros as there are steps. */
export function noTimes(): number[] {
  return PICTURE_SECONDS.map(() => 0);
}

/** Counts a time in. */
export function countTime(times: number[], seconds: number): void {
  const step = PICTURE_SECONDS.findIndex((longest) => seconds <= longest);
  const place = step === -1 ? PICTURE_SECONDS.length - 1 : step;
  times[place] = (times[place] ?? 0) + 1;
}

/** Several histograms as one. One of an older version may be shorter. */
export function addTimes(all: readonly (readonly number[])[]): number[] {
  return PICTURE_SECONDS.map((_, place) => all.reduce((sum, times) => sum + (times[place] ?? 0), 0));
}

/**
 * The time within which that share (0 to 1) of the pictures was ready: the end of the step in which it lies, and so never less
 * than the truth, nor more than by the width of a step. Null where there are none.
 */
export function percentile(times: readonly number[], share: number): number | null {
  const total = times.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (const [place, longest] of PICTURE_SECONDS.entries()) {
    seen += times[place] ?? 0;
    if (seen >= rank) return longest;
  }
  return PICTURE_SECONDS.at(-1) ?? null;
}
