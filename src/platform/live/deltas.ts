import type { Database } from "../db/database.ts";
import { newId } from "../ids.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * Text while it is being written, from the worker that receives it to whoever watches, also in another process. It is
 * never stored: who misses a piece reads the finished text from its row.
 */
export interface Deltas {
  /** Tells watchers of `topic` the next piece; null says that the writing begins anew. */
  publish(topic: string, text: string | null): void;
  watch(topic: string, listener: (text: string | null) => void): () => void;
  /** Starts hearing other processes. */
  start(): Promise<void>;
}

const CHANNEL = "atelier_deltas";
/** Pieces of a word at a time would be hundreds of notices a second. */
const GATHER_MS = 40;
/** Postgres refuses payloads of 8000 bytes; a character takes at most four, and JSON may escape it. */
const NOTICE_CHARACTERS_MAX = 1_000;

interface Notice {
  from: string;
  topic: string;
  text: string | null;
}

export function createDeltas(database: Database, log: Log): Deltas {
  const ownId = newId();
  const watchers = new Map<string, Set<(text: string | null) => void>>();
  const waiting: Notice[] = [];
  let isSending = false;

  const tell = (topic: string, text: string | null) => {
    for (const listener of watchers.get(topic) ?? []) listener(text);
  };
  const send = async () => {
    isSending = true;
    await Bun.sleep(GATHER_MS);
    while (waiting.length > 0) {
      const notice = takeNext(waiting);
      // One after another, so that the pieces arrive in their order.
      await database
        .notify(CHANNEL, JSON.stringify(notice))
        .catch((error: unknown) => log.warn("a piece of text was not passed on", { error }));
    }
    isSending = false;
  };

  return {
    publish(topic, text) {
      tell(topic, text);
      waiting.push({ from: ownId, topic, text });
      if (!isSending) void send();
    },
    watch(topic, listener) {
      const others = watchers.get(topic) ?? new Set();
      watchers.set(topic, others.add(listener));
      return () => {
        others.delete(listener);
        if (others.size === 0 && watchers.get(topic) === others) watchers.delete(topic);
      };
    },
    async start() {
      const hear = (payload: string) => {
        const notice = JSON.parse(payload) as Notice;
        if (notice.from !== ownId) tell(notice.topic, notice.text);
      };
      await database.listen(CHANNEL, hear, () => {});
    },
  };
}

/** The first waiting piece, joined with those of the same topic right behind it as far as they fit. */
function takeNext(waiting: Notice[]): Notice {
  const first = waiting.shift() as Notice;
  if (first.text === null) return first;
  let text = first.text;
  if (text.length > NOTICE_CHARACTERS_MAX) {
    waiting.unshift({ ...first, text: text.slice(NOTICE_CHARACTERS_MAX) });
    return { ...first, text: text.slice(0, NOTICE_CHARACTERS_MAX) };
  }
  for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
    if (next.topic !== first.topic || next.text === null || text.length + next.text.length > NOTICE_CHARACTERS_MAX)
      break;
    text += next.text;
    waiting.shift();
  }
  return { ...first, text };
}
