import type { Interruption } from "./actor.ts";
import type { Play } from "./play.ts";

/**
 * One step of a history. `which`, `size` and `way` are numbers from 0 up to 1; each kind of step chooses with them among what
 * is there when its turn comes, so that a step still means something when others before it are dropped.
 */
export interface Step {
  kind: string;
  which: number;
  size: number;
  way: number;
  interruption: Interruption | null;
}

/** Does the step; says in words what it did, or null when there was nothing for it to do. */
export type StepKind = {
  weight: number;
  /** Whether a crash or a pause in its midst is worth trying. */
  interruptible: boolean;
  run(play: Play, step: Step): Promise<string | null>;
};

/** The one of `all` that `share`, from 0 up to 1, points at. */
export function pick<T>(all: readonly T[], share: number): T | undefined {
  return all[Math.floor(share * all.length)];
}
