import type { Samples } from "./samples.ts";

/** One run of one side; answers a number for each thing that it measured. */
export type Side = () => Promise<Record<string, number>>;

/**
 * Runs the sides one after another, `rounds` times, beginning each round with another one: what else the machine does
 * then falls on all of them. A first round warms everything up and does not count, unless there is to be none.
 */
export async function alternate(
  sides: Record<string, Side>,
  rounds: number,
  { warmUp = true }: { warmUp?: boolean } = {},
): Promise<Record<string, Samples>> {
  const names = Object.keys(sides);
  const samples: Record<string, Samples> = Object.fromEntries(names.map((name) => [name, {}]));
  for (let round = warmUp ? 0 : 1; round <= rounds; round += 1) {
    for (let place = 0; place < names.length; place += 1) {
      const name = names[(place + round) % names.length] ?? "";
      const measured = (await sides[name]?.()) ?? {};
      process.stderr.write(`  ${round === 0 ? "warm-up" : `round ${round}`}  ${name}  ${inShort(measured)}\n`);
      const own = samples[name];
      if (round === 0 || !own) continue;
      for (const [what, value] of Object.entries(measured)) own[what] = [...(own[what] ?? []), value];
    }
  }
  return samples;
}

const inShort = (measured: Record<string, number>): string =>
  Object.entries(measured)
    .map(([what, value]) => `${what} ${Number(value.toPrecision(4))}`)
    .join(", ");
