import { Refusal } from "../errors.ts";

/**
 * Requests that are worked on at once in one process. More than the database answers side by side would only wait in line
 * for it, longer than anybody waits for a page; whoever is told at once can come again. At the pace of a small server
 * this many are a few hundredths of a second of work.
 */
export const REQUESTS_IN_HAND_MAX = 256;
const RETRY_AFTER_SECONDS = 1;

/** The requests that the process is working on. */
export interface RequestsInHand {
  /**
   * Runs `work` after `turn` and holds a place until then. Without it a single place that becomes free would let in
   * everybody who comes before the turn does, only for them to be refused where that is dear.
   */
  keepPlace<T>(turn: Promise<void>, work: () => T): Promise<T>;
  /** Counts the request in, or throws the refusal `busy` while too many are in hand. */
  enter(request: Request): void;
  /** Counts it out, if it is in. */
  leave(request: Request): void;
  readonly count: number;
  /** Whether whoever comes now would find no place. */
  readonly isFull: boolean;
}

/** What it refuses with. Made once: under a flood it is the answer to most requests, and an error's stack is not free. */
export const TOO_MANY_IN_HAND = new Refusal("busy", { retry_after: RETRY_AFTER_SECONDS });

/** Among whom each request is counted, for those who only wait. */
const counted = new WeakMap<Request, Set<Request>>();

export function createRequestsInHand(countMax = REQUESTS_IN_HAND_MAX): RequestsInHand {
  const inHand = new Set<Request>();
  let kept = 0;
  return {
    async keepPlace(turn, work) {
      kept += 1;
      try {
        await turn;
      } finally {
        kept -= 1;
      }
      return await work();
    },
    enter(request) {
      if (inHand.size >= countMax) throw TOO_MANY_IN_HAND;
      inHand.add(request);
      counted.set(request, inHand);
    },
    leave: (request) => void inHand.delete(request),
    get count() {
      return inHand.size;
    },
    get isFull() {
      return inHand.size + kept >= countMax;
    },
  };
}

/**
 * Gives a request's place to others: from here on it waits for something that takes seconds (news, an assistant, a turn
 * at the images) and has a limit of its own. Otherwise those who wait would keep out those who are answered at once.
 */
export function stepAside(request: Request): void {
  counted.get(request)?.delete(request);
}
