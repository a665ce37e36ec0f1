const PREFIX = "BENCH_";

/**
 * How many of something a bench does: `usual`, or what `BENCH_<NAME>` in the environment says, to look at one quickly. What
 * is published is measured with the usual amounts.
 */
export function amount(name: string, usual: number): number {
  const given = process.env[`${PREFIX}${name}`];
  if (given === undefined || given === "") return usual;
  const count = Number(given);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`${PREFIX}${name} must be a whole number above zero.`);
  return count;
}

/** What the environment says of amounts. */
export function amountsGiven(): string[] {
  return Object.entries(process.env)
    .filter(([name, value]) => name.startsWith(PREFIX) && value !== "")
    .map(([name, value]) => `${name}=${value}`);
}
