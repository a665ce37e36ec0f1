import { SECOND_MS } from "../clock.ts";
import type { WakeUps } from "../wake.ts";
import { withDeadline } from "../with-deadline.ts";
import { claim, type LeasedJob } from "./claim.ts";
import { createHands, type HandsNeeds, type JobHandler } from "./hands.ts";
import { beat, freeForgotten, signIn, signOut } from "./presence.ts";
import { createRescue, HEARTBEAT_MS, type RescueNeeds, rescueDeadNeighbours } from "./rescue.ts";

/** Jobs taken in one statement at most. */
const CLAIM_BATCH_SIZE = 250;
/** Behind the wake-ups: an idle worker looks for itself this often. */
const POLL_MS = SECOND_MS;
/** After this time the next heartbeat does not wait for a statement that hangs. */
const BEAT_MS_MAX = 2 * HEARTBEAT_MS;

export type { JobHandler } from "./hands.ts";

export interface WorkerNeeds extends RescueNeeds, HandsNeeds {
  wakeUps: WakeUps;
}

export interface WorkerOptions {
  /** Jobs that run at once. */
  concurrency: number;
  handlers: ReadonlyMap<string, JobHandler>;
}

export interface Worker {
  readonly id: string;
  /** Takes no more jobs, waits up to `graceMs` for those in hand and gives the rest back. */
  stop(graceMs: number): Promise<void>;
}

/** Starts the loop that takes jobs, runs them and writes down how they ended. */
export async function startWorker(needs: WorkerNeeds, options: WorkerOptions): Promise<Worker> {
  const kinds = [...options.handlers.keys()].sort();
  const workerId = await signIn(needs, kinds);
  const rescued = await rescueDeadNeighbours(needs);
  if (rescued > 0) needs.log.info("went on with the jobs of a process that died", { jobs: rescued });

  let stopping = false;
  let wakeLoop: () => void = () => {};
  const hands = createHands(needs, options.handlers, () => {
    wakeLoop();
    needs.wakeUps.wake("panel", "jobs");
  });

  const takeUpTo = async (limit: number): Promise<LeasedJob[]> => {
    try {
      if (hands.mayHaveForgotten) {
        await freeForgotten(needs, workerId, hands.jobs);
        hands.mayHaveForgotten = false;
      }
      return limit > 0 ? await claim(needs, workerId, kinds, limit) : [];
    } catch (error) {
      // The claim may have been committed and only its answer lost.
      hands.mayHaveForgotten = true;
      needs.log.error("jobs could not be claimed", { error });
      return [];
    }
  };
  const loop = async () => {
    while (!stopping) {
      // Set before the look into the queue, so that a job that comes in meanwhile is not slept through.
      let woken = false;
      const sleep = new Promise<void>((resolve) => {
        wakeLoop = () => {
          woken = true;
          resolve();
        };
      });
      const free = Math.min(options.concurrency - hands.busy, CLAIM_BATCH_SIZE);
      const taken = await takeUpTo(free);
      for (const job of taken) hands.take(job);
      if (woken || stopping || (taken.length > 0 && taken.length === free)) continue;
      const poll = setTimeout(wakeLoop, POLL_MS);
      await sleep;
      clearTimeout(poll);
    }
  };

  const unsubscribe = needs.wakeUps.subscribe("jobs", () => wakeLoop());
  const heart = startHeart(needs, workerId, kinds);
  const running = loop();

  return {
    id: workerId,
    async stop(graceMs) {
      stopping = true;
      unsubscribe();
      wakeLoop();
      await running;
      await hands.finish(graceMs);
      await heart.stop();
      // Away as the database may be just now, a stop is a stop: others free what is left, by this worker's silence.
      await signOut(needs, workerId).catch((error: unknown) =>
        needs.log.warn("the worker could not sign out", { worker: workerId, error }),
      );
    },
  };
}

/** Beats for the worker and looks after the others. */
function startHeart(needs: RescueNeeds, workerId: string, kinds: string[]): { stop(): Promise<void> } {
  let rescue = createRescue();
  let beating: Promise<void> | null = null;
  const beatOnce = async () => {
    try {
      await withDeadline(
        beat(needs, workerId, kinds).then(() => rescue(needs)),
        BEAT_MS_MAX,
        "the heartbeat",
      );
    } catch (error) {
      needs.log.error("heartbeat failed", { error });
      // While the database is away nobody's heart is seen to beat: what was seen before says nothing of the others.
      rescue = createRescue();
    }
    beating = null;
  };
  const timer = setInterval(() => {
    beating ??= beatOnce();
  }, HEARTBEAT_MS);
  return {
    async stop() {
      clearInterval(timer);
      // A beat that is still under way would sign the worker in again after it has signed out.
      await beating;
    },
  };
}
