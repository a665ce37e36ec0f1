import { useEffect, useRef, useState } from "preact/hooks";
import { CallFailure, newKey } from "../kit/api.ts";
import { failureOf } from "../kit/loading.ts";
import { confirmClosing } from "./closing.ts";
import { pause, pauseAfter } from "./patience.ts";

/** Something that costs or moves something, for which a person taps once. */
export interface Intention {
  isBusy: boolean;
  /** No answer came; it is sent again by itself, under the same key, so nothing is charged twice. */
  isWaiting: boolean;
  failure: CallFailure | null;
  /** Does it, unless it is being done; resolves with whether it worked. */
  run(): Promise<boolean>;
  /** Forgets what went wrong. */
  clear(): void;
}

/** A network that is away for longer than this is said to have failed. */
const WAIT_MS_MAX = 10 * 60_000;
/** Answers that ask to come again with the same. */
const COME_AGAIN: ReadonlySet<string> = new Set(["request_in_progress", "busy"]);
const COME_AGAIN_SECONDS = 2;

/**
 * One `Idempotency-Key` for each intention, kept over all tries until the server has answered. `act` sends the request with
 * the key as the header's value and does with the answer what is to be done.
 */
export function useIntention(act: (key: string) => Promise<void>): Intention {
  const [state, setState] = useState<Pick<Intention, "isBusy" | "isWaiting" | "failure">>(IDLE);
  const isRunning = useRef(false);
  const isThere = useRef(true);
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);
  const show = (next: typeof state) => isThere.current && setState(next);
  return {
    ...state,
    clear: () => show(IDLE),
    async run() {
      if (isRunning.current) return false;
      isRunning.current = true;
      const release = confirmClosing();
      try {
        show({ isBusy: true, isWaiting: false, failure: null });
        await untilAnswered(act, () => show({ isBusy: true, isWaiting: true, failure: null }));
        show(IDLE);
        return true;
      } catch (error) {
        show({ isBusy: false, isWaiting: false, failure: failureOf(error) });
        return false;
      } finally {
        isRunning.current = false;
        release();
      }
    },
  };
}

const IDLE = { isBusy: false, isWaiting: false, failure: null } as const;

async function untilAnswered(act: (key: string) => Promise<void>, onWaiting: () => void): Promise<void> {
  const key = newKey();
  const giveUpAt = Date.now() + WAIT_MS_MAX;
  for (let failures = 1; ; failures += 1) {
    try {
      return await act(key);
    } catch (error) {
      // A fault of the page's own would never pass by waiting.
      if (!(error instanceof CallFailure)) throw error;
      const { problem } = error;
      if (Date.now() > giveUpAt || (problem !== null && !COME_AGAIN.has(problem.code))) throw error;
      onWaiting();
      await pause(problem === null ? pauseAfter(failures) : (problem.retry_after ?? COME_AGAIN_SECONDS) * 1000);
    }
  }
}
