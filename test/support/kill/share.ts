import { lane } from "../database.ts";

/** One point in so many is tried by a lane of the gate, and others by each lane. */
const STEP = 8;
/** Other points on each day, so that all of them are tried within a few. */
const TODAY = Math.floor(Date.now() / 86_400_000);

/**
 * Whether this lane tries the kill point of that number. The gate has to stay short, so it takes a share of them, which
 * changes from day to day; `KILL_POINTS=all` tries every one in each lane.
 */
export function isThisLanes(number: number): boolean {
  return process.env.KILL_POINTS === "all" || (number + TODAY) % STEP === (lane === "sqlite" ? 0 : STEP / 2);
}
