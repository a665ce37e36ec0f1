import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { WakeUps } from "../wake.ts";

/** What the pages of the owner's panel show; a hint names those that have changed. Pages know these words. */
export const PANEL_TOPICS = [
  "jobs",
  "generations",
  "payments",
  "figures",
  "broadcasts",
  "maintenance",
  "audit",
] as const;
export type PanelTopic = (typeof PANEL_TOPICS)[number];

/** A frame that an operator's socket gets between its numbered events. It is not stored: who misses one polls. */
export interface PanelHint {
  type: "panel";
  at: string;
  data: { topics: PanelTopic[] };
}

/** An open socket that may be an operator's. */
export interface PanelWatcher {
  /** Asked before each frame: who has lost the role hears nothing more. */
  isOperator(): Promise<boolean>;
  /** False when its client takes no more. */
  deliver(hint: PanelHint): boolean;
}

/**
 * Tells operators' sockets of this process which pages of the panel show something old by now. Whatever happens meanwhile is
 * one frame: a page asks again at most that often. Where no operator is connected a wake-up costs one comparison.
 */
export interface PanelHints {
  /**
   * Begins to tell the watcher if it is an operator's; its first frame names everything, so that it also reads what changed
   * before anybody told it. Returns how to stop.
   */
  watch(watcher: PanelWatcher): () => void;
  stop(): void;
  /** Operators' sockets. */
  readonly size: number;
}

/** Between two frames. */
const HINT_EVERY_MS = 1_500;
/** One transaction wakes several topics; they are one frame. */
const GATHER_MS = 25;

/** Says, once the transaction is committed, that pages of the panel show something that has changed. */
export function wakePanel(needs: { wakeUps: WakeUps; afterCommit(effect: () => void): void }, topic: PanelTopic): void {
  needs.afterCommit(() => needs.wakeUps.wake("panel", topic));
}

export function createPanelHints(
  needs: { wakeUps: WakeUps; clock: Clock; log: Log },
  everyMs: number = HINT_EVERY_MS,
): PanelHints {
  const watchers = new Set<PanelWatcher>();
  const changed = new Set<PanelTopic>();
  let timer: Timer | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;

  const hintOf = (topics: readonly PanelTopic[]): PanelHint => ({
    type: "panel",
    at: needs.clock.now().toISOString(),
    data: { topics: [...topics] },
  });
  /** Whether the watcher may hear anything; a role that cannot be read is none. */
  const mayHear = (watcher: PanelWatcher): Promise<boolean> =>
    watcher.isOperator().catch((error: unknown) => {
      needs.log.warn("an operator's role could not be read for a hint", { error });
      return false;
    });
  const flush = async () => {
    timer = undefined;
    lastMs = performance.now();
    const hint = hintOf(PANEL_TOPICS.filter((topic) => changed.has(topic)));
    changed.clear();
    const tell = async (watcher: PanelWatcher) => {
      const isHeard = (await mayHear(watcher)) && watchers.has(watcher) && watcher.deliver(hint);
      if (!isHeard) watchers.delete(watcher);
    };
    await Promise.all([...watchers].map(tell));
  };
  const wake = (topics: readonly PanelTopic[]) => {
    if (watchers.size === 0) return;
    for (const topic of topics) changed.add(topic);
    if (changed.size === 0) return;
    timer ??= setTimeout(() => void flush(), Math.max(GATHER_MS, lastMs + everyMs - performance.now()));
  };
  const unsubscribe = [
    // Another version of the program may say words that this one does not know. Null: something may have been missed.
    needs.wakeUps.subscribe("panel", (keys) =>
      wake(keys === null ? PANEL_TOPICS : PANEL_TOPICS.filter((topic) => keys.includes(topic))),
    ),
    needs.wakeUps.subscribe("jobs", () => wake(["jobs"])),
    needs.wakeUps.subscribe("maintenance", () => wake(["maintenance"])),
  ];

  return {
    watch(watcher) {
      let isOver = false;
      void mayHear(watcher).then((may) => {
        if (!may || isOver) return;
        watchers.add(watcher);
        if (!watcher.deliver(hintOf(PANEL_TOPICS))) watchers.delete(watcher);
      });
      return () => {
        isOver = true;
        watchers.delete(watcher);
      };
    },
    get size() {
      return watchers.size;
    },
    stop() {
      for (const end of unsubscribe) end();
      clearTimeout(timer);
      watchers.clear();
    },
  };
}
