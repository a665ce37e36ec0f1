/**
 * How many of something a bench does: `usual`, or what `BENCH_<NAME>` in the environment says, to look at one quickly. What
 * is published is measured with the usual amounts.
 */
export function amount(name: string, usual: number): number {
  const given = process.env[`BENCH_${name}`];
  if (given === undefined || given === "") return usual;
  const count = Number(given);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`BENCH_${name} must be a whole number above zero.`);
  return count;
}
