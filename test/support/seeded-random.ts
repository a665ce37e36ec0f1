import { randomInt } from "node:crypto";

export { seededRandom } from "../../src/features/admin/seed/made-up-numbers.ts";

/** The seed of a test's random moments: `FAULTS_SEED` to repeat a run, otherwise a new one. */
export function faultsSeed(): number {
  return process.env.FAULTS_SEED === undefined ? randomInt(1_000_000) : Number(process.env.FAULTS_SEED);
}

/** `count` moments between 0 and `spanMs`, one in each equal part of the span so that none is missed, in random order. */
export function spreadMoments(count: number, spanMs: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, part) => ({ at: ((part + random()) / count) * spanMs, turn: random() }))
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ at }) => at);
}
