import { useEffect } from "preact/hooks";
import { liveAddress, type PanelTopic, readLiveFrame } from "../../client.ts";
import { api } from "../kit/api.ts";
import { isMissing, type Loaded, type Pages, useLoaded, usePages } from "../kit/loading.ts";
import { createStore } from "../kit/store.ts";

/**
 * Live numbers. The socket that everybody has tells an operator's page what is old by now, never what is new: the page asks the
 * routes again, which check the role. Behind it stands polling, slowly while hints come and faster while none can.
 */

/** A net behind the hints: one may be lost. */
const BEHIND_HINTS_MS = 60_000;
const WITHOUT_HINTS_MS = 10_000;
/** Between two tries to open the socket: doubled each time, up to the longest. */
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 60_000;

/** What a part of a page shows, and how it asks again. */
interface Shown {
  topics: readonly PanelTopic[];
  reload: () => void;
}

/** Whether hints come; true from the first one on, which only operators get. */
const isHinted = createStore(false);
const shown = new Set<Shown>();
/** What changed while nobody looked at the page. */
const unseen = new Set<PanelTopic>();

document.addEventListener("visibilitychange", () => hear([]));

function hear(topics: readonly PanelTopic[]): void {
  for (const topic of topics) unseen.add(topic);
  if (document.visibilityState !== "visible" || unseen.size === 0) return;
  const old = [...shown].filter((part) => part.topics.some((topic) => unseen.has(topic)));
  unseen.clear();
  for (const part of old) part.reload();
}

/** What `load` answers, asked for again when a hint names one of `topics`. */
export function useLive<Value>(
  load: () => Promise<Value>,
  reasons: readonly unknown[],
  ...topics: readonly PanelTopic[]
): Loaded<Value> {
  const loaded = useLoaded(load, reasons, isHinted.use() ? BEHIND_HINTS_MS : WITHOUT_HINTS_MS);
  useHints(isMissing(loaded) ? [] : topics, loaded.reload);
  return loaded;
}

/** A list that follows the hints as long as only its beginning is shown: what somebody has opened further stays as it is. */
export function useLivePages<Item>(
  load: (cursor: string | undefined) => Promise<{ items: Item[]; next_cursor: string | null }>,
  reasons: readonly unknown[],
  ...topics: readonly PanelTopic[]
): Pages<Item> {
  const pages = usePages(load, reasons);
  useHints(pages.isOpened ? [] : topics, pages.reload);
  return pages;
}

function useHints(topics: readonly PanelTopic[], reload: () => void): void {
  useEffect(() => {
    const part = { topics, reload };
    shown.add(part);
    return () => {
      shown.delete(part);
    };
  }, [reload, topics.join(" ")]);
}

/** Keeps a socket open until what is returned is called. */
export function followPanel(): () => void {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = PAUSE_MS;
  let isOver = false;
  const again = () => {
    isHinted.write(false);
    if (isOver) return;
    // Many pages lose the same server at once; they must not all come back at once.
    timer = setTimeout(open, pauseMs * (0.5 + Math.random() / 2));
    pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
  };
  const open = async () => {
    const { data } = await api.live.ticket.post();
    if (isOver) return;
    if (data === null) return again();
    const address = new URL(liveAddress(location.origin, data.ticket));
    address.searchParams.set("panel", "true");
    socket = new WebSocket(address);
    socket.onmessage = (message) => {
      const frame = readLiveFrame(String(message.data));
      if (frame.type !== "panel") return;
      pauseMs = PAUSE_MS;
      isHinted.write(true);
      hear(frame.data.topics);
    };
    socket.onclose = again;
  };
  void open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    socket?.close();
  };
}
