import { lane } from "../database.ts";

/**
 * Whether this lane tries the kill point of that number: each takes every other one, so that both together try all of
 * them and the gate stays short. `KILL_POINTS=all` tries all of them in each.
 */
export function isThisLanes(number: number): boolean {
  return process.env.KILL_POINTS === "all" || number % 2 === (lane === "sqlite" ? 1 : 0);
}
