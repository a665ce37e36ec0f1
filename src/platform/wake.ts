import type { Database } from "./db/database.ts";
import { createNoticePace, type NoticePaceOptions } from "./notice-pace.ts";
import type { Log } from "./telemetry/log.ts";

/**
 * What somebody waits for: new jobs, new events of one person, the end of one person's sessions, the owner's switch, and
 * whatever a page of the owner's panel shows.
 */
export const WAKE_TOPICS = ["jobs", "live", "sessions", "maintenance", "panel"] as const;
export type WakeTopic = (typeof WAKE_TOPICS)[number];

/**
 * Wake-ups between those who write rows and those who wait for them. They are hints: everybody also polls. In the same
 * process they arrive at once; other processes hear of them through Postgres NOTIFY, the first at once and what follows it
 * gathered for some milliseconds (`NoticePace`), sent outside the transaction, because a NOTIFY in every commit cost more than half of all
 * commits at 32 writers.
 */
export interface WakeUps {
  /**
   * Says that something of `topic` changed; `key` is a person's id for `live` and `sessions`, a `PanelTopic` for `panel`.
   * `news` is the change itself, which spares listeners of the same process the reading; it does not leave the process.
   */
  wake(topic: WakeTopic, key?: string, news?: unknown): void;
  /** Calls `listener` at each wake-up with the keys, or with null when some may have been missed. */
  subscribe(topic: WakeTopic, listener: WakeListener): () => void;
  /** Starts hearing other processes. */
  start(): Promise<void>;
  /** Sends what is still gathered, so that a process that ends right after its commit is heard too. */
  stop(): Promise<void>;
}

export type WakeListener = (keys: readonly string[] | null, news?: unknown) => void;

const SOON: NoticePaceOptions = { leastMs: 10, mostMs: 10, loneAtOnce: true };
/**
 * How long what follows a notice waits for more. Who makes many jobs a second keeps the workers awake with 20 notices a second
 * as well as with 100: while they have work they ask for more by themselves. Nobody waits for the panel as people wait
 * for their pictures: one notice a second, however much happens.
 */
export const NOTICE_PACES: Record<WakeTopic, NoticePaceOptions> = {
  jobs: { ...SOON, mostMs: 50 },
  live: SOON,
  sessions: SOON,
  maintenance: SOON,
  panel: { leastMs: 1_000, mostMs: 1_000, loneAtOnce: false },
};
/** Postgres refuses payloads of 8000 bytes and more; a UUID takes 37 with its comma. */
const KEYS_PER_NOTICE_MAX = 200;
const CHANNELS: Record<WakeTopic, string> = {
  jobs: "atelier_jobs",
  live: "atelier_live",
  sessions: "atelier_sessions",
  maintenance: "atelier_maintenance",
  panel: "atelier_panel",
};

export function createWakeUps(database: Database, log: Log, ownId: string): WakeUps {
  const listeners = ofEach(() => new Set<WakeListener>());
  const gathered = ofEach((topic) => ({
    keys: new Set<string>(),
    wakeUps: 0,
    pace: createNoticePace(NOTICE_PACES[topic]),
  }));
  /** What is about to be sent, with the timer that it waits for; null where it goes out at the end of this turn. */
  const timers = new Map<WakeTopic, Timer | null>();

  const tellLocal = (topic: WakeTopic, keys: readonly string[] | null, news?: unknown) => {
    for (const listener of listeners[topic]) {
      try {
        listener(keys, news);
      } catch (error) {
        // Whoever wakes others has committed by now, and must not fail because one of them does.
        log.error("a listener failed at a wake-up", { topic, error });
      }
    }
  };
  const send = async (topic: WakeTopic) => {
    clearTimeout(timers.get(topic) ?? undefined);
    timers.delete(topic);
    const now = gathered[topic];
    const keys = [...now.keys];
    now.keys.clear();
    now.pace.sent(now.wakeUps);
    now.wakeUps = 0;
    for (let start = 0; start < keys.length; start += KEYS_PER_NOTICE_MAX) {
      const payload = [ownId, ...keys.slice(start, start + KEYS_PER_NOTICE_MAX)].join(",");
      // A lost notice costs one poll interval, so a failure is only worth a line.
      await database
        .notify(CHANNELS[topic], payload)
        .catch((error: unknown) => log.warn("wake-up was not sent", { topic, error }));
    }
  };

  return {
    wake(topic, key = "", news) {
      tellLocal(topic, key === "" ? [] : [key], news);
      const now = gathered[topic];
      now.keys.add(key);
      now.wakeUps += 1;
      if (timers.has(topic)) return;
      const waitMs = now.pace.waitMs();
      timers.set(topic, waitMs > 0 ? setTimeout(() => void send(topic), waitMs) : null);
      // Even a timer of 0 ms takes one, which is as long as all the rest of another process's waking.
      if (waitMs === 0) queueMicrotask(() => void send(topic));
    },
    subscribe(topic, listener) {
      listeners[topic].add(listener);
      return () => listeners[topic].delete(listener);
    },
    async start() {
      for (const topic of WAKE_TOPICS) {
        const onMessage = (payload: string) => {
          const [sender, ...keys] = payload.split(",");
          if (sender !== ownId) tellLocal(topic, keys.filter(Boolean));
        };
        await database.listen(CHANNELS[topic], onMessage, () => tellLocal(topic, null));
      }
    },
    async stop() {
      for (const topic of WAKE_TOPICS) await send(topic);
    },
  };
}

function ofEach<T>(make: (topic: WakeTopic) => T): Record<WakeTopic, T> {
  return Object.fromEntries(WAKE_TOPICS.map((topic) => [topic, make(topic)])) as Record<WakeTopic, T>;
}
