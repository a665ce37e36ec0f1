import { randomInt } from "node:crypto";

/** Numbers from 0 up to 1 that are the same for the same seed (the mulberry32 generator). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

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
