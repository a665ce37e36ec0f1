import type { Queries } from "../db/database.ts";
import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";
import { EVENT_PAGE_SIZE, eventsSince, type LiveEvent } from "./events.ts";

/**
 * Carries events from the table to whoever listens, in their order and once each.
 *
 *   a transaction writes the event        -> after the commit a wake-up with the person's id (wake.ts)
 *   the wake-up reaches this process      -> each of the person's listeners reads on from its own last number
 *   it comes from this very process       -> it brings the event along; who waits for exactly that number need not read
 *   a wake-up was lost                    -> the same reading happens every few seconds anyway
 *
 * A listener reads one page at a time and never two at once, so order holds whatever arrives meanwhile.
 */
export interface LiveHub {
  /**
   * Calls `deliver` with each event after number `since`, first those that are there, then new ones. `deliver` returns
   * false when its client takes no more; then the listener ends. Several that come at once are delivered inside `together`.
   */
  listen(
    userId: string,
    since: number,
    deliver: (event: LiveEvent) => boolean,
    together?: (deliverAll: () => void) => void,
  ): LiveListener;
  /** Waits until the person has an event after `since`, at most `waitMs`; returns the events then there, perhaps none. */
  wait(userId: string, since: number, waitMs: number, signal?: AbortSignal): Promise<LiveEvent[]>;
  /** Listeners at this moment. */
  readonly size: number;
  stop(): void;
}

export interface LiveListener {
  stop(): void;
}

/** Behind the wake-ups: a listener looks for itself this often. */
export const POLL_MS = 5_000;

interface Listener {
  userId: string;
  since: number;
  reading: boolean;
  again: boolean;
  stopped: boolean;
  deliver(event: LiveEvent): boolean;
  together(deliverAll: () => void): void;
}

export function createLiveHub(needs: { db: Queries; log: Log; wakeUps: WakeUps }, pollMs: number = POLL_MS): LiveHub {
  const byPerson = new Map<string, Set<Listener>>();
  /** Ends the waits in hand, so that a server that stops does not have to wait for them. */
  const waits = new Set<() => void>();
  let size = 0;

  const stop = (listener: Listener) => {
    if (listener.stopped) return;
    listener.stopped = true;
    size -= 1;
    const others = byPerson.get(listener.userId);
    others?.delete(listener);
    if (others?.size === 0) byPerson.delete(listener.userId);
  };

  const deliver = (listener: Listener, event: LiveEvent) => {
    if (listener.stopped) return;
    listener.since = event.n;
    if (!listener.deliver(event)) stop(listener);
  };

  const read = async (listener: Listener): Promise<void> => {
    listener.again = true;
    if (listener.reading) return;
    listener.reading = true;
    try {
      while (listener.again && !listener.stopped) {
        listener.again = false;
        const page = await eventsSince(needs, listener.userId, listener.since);
        listener.together(() => {
          for (const event of page) deliver(listener, event);
        });
        if (page.length < EVENT_PAGE_SIZE) continue;
        listener.again = true;
        // Whoever was away for long gets many pages; sockets must drain and others be served in between.
        await Bun.sleep(0);
      }
    } catch (error) {
      needs.log.warn("events could not be read, will be tried again", { error });
    } finally {
      listener.reading = false;
    }
  };

  const wake = (keys: readonly string[] | null, news?: LiveEvent) => {
    const people = keys ?? [...byPerson.keys()];
    for (const userId of people) {
      for (const listener of byPerson.get(userId) ?? []) {
        // Any other number says that something before it is still missing, or that it has been delivered.
        if (news?.n === listener.since + 1 && !listener.reading) deliver(listener, news);
        else if (news === undefined || news.n > listener.since) void read(listener);
      }
    }
  };
  let isStopped = false;
  const unsubscribe = needs.wakeUps.subscribe("live", (keys, news) => wake(keys, news as LiveEvent | undefined));
  const poll = setInterval(() => wake(null), pollMs);

  const listen: LiveHub["listen"] = (userId, since, deliver, together = (deliverAll) => deliverAll()) => {
    const listener: Listener = { userId, since, reading: false, again: false, stopped: false, deliver, together };
    const others = byPerson.get(userId) ?? new Set();
    byPerson.set(userId, others.add(listener));
    size += 1;
    void read(listener);
    return { stop: () => stop(listener) };
  };

  return {
    listen,
    async wait(userId, since, waitMs, signal) {
      // A listener reads in the background; somebody who does not wait must still get what is there.
      const present = await eventsSince(needs, userId, since);
      if (present.length > 0 || waitMs <= 0 || signal?.aborted || isStopped) return present;
      return new Promise((resolve) => {
        const events: LiveEvent[] = [];
        let settle: Timer | undefined;
        const finish = () => {
          clearTimeout(deadline);
          clearTimeout(settle);
          waits.delete(finish);
          listener.stop();
          resolve(events);
        };
        const deadline = setTimeout(finish, waitMs);
        waits.add(finish);
        signal?.addEventListener("abort", finish, { once: true });
        const listener = listen(userId, since, (event) => {
          events.push(event);
          // What is there already comes along in the same answer.
          settle ??= setTimeout(finish, 0);
          return events.length < EVENT_PAGE_SIZE;
        });
      });
    },
    get size() {
      return size;
    },
    stop() {
      isStopped = true;
      unsubscribe();
      clearInterval(poll);
      for (const finish of [...waits]) finish();
      for (const listeners of byPerson.values()) for (const listener of [...listeners]) stop(listener);
    },
  };
}
