/**
 * How long something may take. Alone on the machine, which is said with `TIMED=1`, it is held to what is promised. In the gate
 * several runs of tests share two cores, so that a promise of milliseconds would be a matter of luck: there the bound only
 * has to lie below what would happen if the thing were broken.
 */
export function within(aloneMs: number, amongOthersMs: number): number {
  return process.env.TIMED === undefined ? amongOthersMs : aloneMs;
}
