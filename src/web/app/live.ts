import { useEffect, useRef } from "preact/hooks";
import { type LiveEvent, type LiveFrame, type LiveHello, liveAddress, readLiveFrame } from "../../client.ts";
import { answerOf, api, sessionNumber } from "../kit/api.ts";
import { createStore } from "../kit/store.ts";
import { pause, pauseAfter } from "./patience.ts";

/**
 * The page's one line to the server. A socket while there can be one, a long poll where it cannot; after each break it goes on
 * from the last event. What arrives are hints: whoever listens reads the rows.
 */

/** `polling` works as `open` does, only a little later. */
export type Connection = "connecting" | "open" | "polling" | "lost";

export const connection = createStore<Connection>("connecting");

/** A socket that says nothing for so long after it was asked for will not open. */
const HELLO_MS_MAX = 10_000;
/** Sockets in a row that would not open although the server answers; then it is asked by poll. */
const CLOSED_DOORS_MAX = 2;
const POLL_SECONDS = 25;
/** Polls until a socket is tried again. */
const POLLS_BETWEEN_SOCKETS = 4;
/** A page that was out of sight for so long cannot trust its socket: phones freeze them without a word. */
const HIDDEN_MS_MAX = 20_000;
/** How the server closes what belongs to a session that was ended: by a sign-out elsewhere, a ban or an erasure. */
const SIGNED_OUT = { code: 1008, reason: "signed out" } as const;
const COME_BACK_AT_ONCE: readonly number[] = [1001, 1013];
const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"]);

type Listener = (frame: LiveFrame) => void;
const listeners = new Set<Listener>();

/** Hears every frame; the answer stops it. A `hello` comes after each break: then what was missed has to be read. */
export function onLive(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** The same for as long as a part of the page is there. */
export function useLive(listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => onLive((frame) => latest.current(frame)), []);
}

/** Begins; the answer ends it. `onSignedOut` is called when the server says that this very session has ended. */
export function startLive(onSignedOut: () => void): () => void {
  const ended = new AbortController();
  const line: Line = { since: undefined, closedDoors: 0, failures: 0, signal: ended.signal, socket: null, onSignedOut };
  const stopWatching = watchNetwork(line);
  keepLine(line);
  return () => {
    ended.abort();
    stopWatching();
    line.socket?.close();
  };
}

interface Line {
  /** The last event that was heard. */
  since: number | undefined;
  closedDoors: number;
  failures: number;
  signal: AbortSignal;
  socket: WebSocket | null;
  onSignedOut: () => void;
}

async function keepLine(line: Line): Promise<void> {
  while (!line.signal.aborted) {
    const isBack = await (line.closedDoors >= CLOSED_DOORS_MAX ? pollAWhile(line) : holdSocket(line)).catch(
      () => false,
    );
    if (line.signal.aborted) return;
    if (isBack) {
      line.failures = 0;
      continue;
    }
    line.failures += 1;
    connection.write("lost");
    await pause(pauseAfter(line.failures), line.signal);
  }
}

/** Holds a socket until it closes; whether the next one may come at once. Throws where the server does not answer. */
async function holdSocket(line: Line): Promise<boolean> {
  const session = sessionNumber();
  const { ticket } = await answerOf(api.live.ticket.post());
  return new Promise((resolve) => {
    const socket = new WebSocket(liveAddress(location.origin, ticket, line.since));
    line.socket = socket;
    let wasOpen = false;
    const doorbell = setTimeout(() => socket.close(), HELLO_MS_MAX);
    socket.onmessage = ({ data }) => {
      const frame = readLiveFrame(String(data));
      if (frame.type === "hello") {
        clearTimeout(doorbell);
        wasOpen = true;
        line.closedDoors = 0;
        line.failures = 0;
        // A number that was never given out belongs to a database that is no more.
        line.since = Math.min(line.since ?? frame.last_event, frame.last_event);
        connection.write("open");
      } else if (frame.type !== "panel") line.since = frame.n;
      tellAll(frame);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(doorbell);
      line.socket = null;
      const isSignedOut = code === SIGNED_OUT.code && reason === SIGNED_OUT.reason;
      if (isSignedOut && session === sessionNumber() && !line.signal.aborted) line.onSignedOut();
      if (!wasOpen && navigator.onLine) line.closedDoors += 1;
      resolve(wasOpen && COME_BACK_AT_ONCE.includes(code));
    };
  });
}

/** The second way, for a while; then a socket is tried again. */
async function pollAWhile(line: Line): Promise<boolean> {
  const first = await answerOf(api.live.events.get({ query: { ...sinceOf(line), wait: 0 } }));
  let since = first.last_event;
  line.since = since;
  connection.write("polling");
  // A poll has no hello; what is in work stands in the list.
  const { items } = await answerOf(api.generations.get({ query: {} }));
  tellAll({ type: "hello", last_event: first.last_event, active: items.filter(({ status }) => !FINAL.has(status)) });
  for (const event of first.events) tellAll(event as LiveEvent);
  for (let polls = 0; polls < POLLS_BETWEEN_SOCKETS && !line.signal.aborted; polls += 1) {
    const asked = { query: { since, wait: POLL_SECONDS }, fetch: { signal: line.signal } };
    const more = await answerOf(api.live.events.get(asked));
    since = more.last_event;
    line.since = since;
    connection.write("polling");
    for (const event of more.events) tellAll(event as LiveEvent);
  }
  line.closedDoors = CLOSED_DOORS_MAX - 1;
  return true;
}

const sinceOf = ({ since }: Line) => (since === undefined ? {} : { since });

function tellAll(frame: LiveFrame): void {
  for (const listener of [...listeners]) {
    try {
      listener(frame);
    } catch (error) {
      // One that stumbles must not deafen the others.
      reportError(error);
    }
  }
}

/** A socket of a network that went away does not know it yet. */
function watchNetwork(line: Line): () => void {
  let hiddenAt: number | null = null;
  const goneOffline = () => {
    connection.write("lost");
    line.socket?.close();
  };
  const seenOrNot = () => {
    if (document.visibilityState === "hidden") {
      hiddenAt = Date.now();
      return;
    }
    const wasHiddenMs = hiddenAt === null ? 0 : Date.now() - hiddenAt;
    hiddenAt = null;
    if (wasHiddenMs > HIDDEN_MS_MAX) line.socket?.close();
  };
  addEventListener("offline", goneOffline);
  document.addEventListener("visibilitychange", seenOrNot);
  return () => {
    removeEventListener("offline", goneOffline);
    document.removeEventListener("visibilitychange", seenOrNot);
  };
}

export type { LiveEvent, LiveFrame, LiveHello };
