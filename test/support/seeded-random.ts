import { randomInt } from "node:crypto";

export { seededRandom } from "../../src/features/admin/seed/made-up-numbers.ts";

const GATE_SEED = 1;

/**
 * The seed of a test's random choices. The gate draws the same each time, so that a change is judged by what it changed. By
 * hand `FAULTS_SEED` repeats a run, `FAULTS_SEED=random` draws anew, and so does a long form, whose switch is `longForm`.
 */
export function faultsSeed(longForm?: string): number {
  const wanted = process.env.FAULTS_SEED;
  if (wanted !== undefined && wanted !== "random") return Number(wanted);
  const isGate = wanted === undefined && (longForm === undefined || process.env[longForm] === undefined);
  return isGate ? GATE_SEED : randomInt(1_000_000);
}

/** `count` moments between 0 and `spanMs`, one in each equal part of the span so that none is missed, in random order. */
export function spreadMoments(count: number, spanMs: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, part) => ({ at: ((part + random()) / count) * spanMs, turn: random() }))
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ at }) => at);
}
