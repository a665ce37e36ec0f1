import type { Log } from "../telemetry/log.ts";
import type { LiveHub, LiveListener } from "./hub.ts";
import type { PanelHints } from "./panel-hints.ts";
import type { LivePresence } from "./presence.ts";

/** Proxies cut silent connections after 30 to 60 s. */
export const HEARTBEAT_MS = 25_000;
/** What a reader may leave unread before it is closed; it comes back with `since` and misses nothing. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** Sockets of one person at once: a phone, a desk, a few forgotten tabs. */
const SOCKETS_PER_PERSON_MAX = 10;
/** Frames that a client may send; the socket speaks one way. */
const HEARD_FRAMES_MAX = 100;

/** RFC 6455: try again later. */
export const CLOSE_TRY_AGAIN = 1013;
export const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;

export interface SocketStart {
  userId: string;
  since: number;
  hello: Record<string, unknown>;
  /** Asked at each heartbeat: the session may have ended, the person been banned. */
  stillAllowed(): Promise<boolean>;
  /** An operator's: hints for the owner's panel come along as long as this says so. */
  isOperator: (() => Promise<boolean>) | null;
  /** The socket of a page of the panel, on which nobody sees their pictures: the bot goes on sending them. */
  isPanel: boolean;
}

/** What is needed of Bun's socket. */
interface Raw {
  readonly readyState: number;
  send(text: string): unknown;
  /** What is sent inside goes out in one piece. */
  cork?(work: () => void): unknown;
  close(code: number, reason: string): void;
  ping(): unknown;
}

/** Bun's socket knows what its reader has not taken yet; the framework's type of it leaves that out. */
function unreadBytes(raw: Raw): number {
  return (raw as Raw & { getBufferedAmount?(): number }).getBufferedAmount?.() ?? 0;
}

interface Open {
  userId: string;
  listener: LiveListener;
  heartbeat: Timer;
  heard: number;
  unwatch(): void;
  /** Writes down that the person is connected no more by this socket. */
  left(): void;
}

/** The open sockets of this process. */
export interface LiveSockets {
  start(raw: Raw, start: SocketStart): void;
  heard(raw: Raw): void;
  ended(raw: Raw): void;
  /** Closes all, so that clients go to another process and come back with `since`. */
  stop(): Promise<void>;
  readonly size: number;
}

export function createLiveSockets(
  hub: LiveHub,
  log: Log,
  heartbeatMs: number | undefined,
  presence: LivePresence,
  hints: PanelHints,
): LiveSockets {
  const sockets = new Map<Raw, Open>();

  const ended = (raw: Raw) => {
    const open = sockets.get(raw);
    if (!open) return;
    sockets.delete(raw);
    clearInterval(open.heartbeat);
    open.listener.stop();
    open.unwatch();
    open.left();
  };
  const close = (raw: Raw, code: number, reason: string) => {
    ended(raw);
    raw.close(code, reason);
  };
  /** False when the client does not keep up. */
  const send = (raw: Raw, frame: unknown): boolean => {
    if (raw.readyState !== WebSocket.OPEN) return false;
    raw.send(JSON.stringify(frame));
    if (unreadBytes(raw) <= UNREAD_BYTES_MAX) return true;
    log.info("a slow reader was closed");
    close(raw, CLOSE_TRY_AGAIN, "read faster and come back with since");
    return false;
  };

  return {
    start(raw, start) {
      if (raw.readyState !== WebSocket.OPEN) return;
      const mine = [...sockets.values()].filter((open) => open.userId === start.userId).length;
      if (mine >= SOCKETS_PER_PERSON_MAX) {
        raw.close(CLOSE_POLICY, "too many sockets");
        return;
      }
      send(raw, start.hello);
      const heartbeat = setInterval(() => {
        void start
          .stillAllowed()
          .then((allowed) => {
            if (!allowed) close(raw, CLOSE_POLICY, "signed out");
            else if (raw.readyState === WebSocket.OPEN) raw.ping();
          })
          .catch((error: unknown) => log.warn("a socket's session could not be checked", { error }));
      }, heartbeatMs ?? HEARTBEAT_MS);
      const listener = hub.listen(
        start.userId,
        start.since,
        (event) => send(raw, event),
        // A frame that goes out alone is a call to the system; a page of them is one or two.
        (sendAll) => (raw.cork ? void raw.cork(sendAll) : sendAll()),
      );
      const { isOperator } = start;
      const unwatch = isOperator ? hints.watch({ isOperator, deliver: (hint) => send(raw, hint) }) : () => {};
      const left = start.isPanel ? () => {} : presence.opened(start.userId);
      sockets.set(raw, { userId: start.userId, listener, heartbeat, heard: 0, unwatch, left });
    },
    heard(raw) {
      const open = sockets.get(raw);
      if (!open) return;
      open.heard += 1;
      if (open.heard > HEARD_FRAMES_MAX) close(raw, CLOSE_POLICY, "too many frames");
    },
    ended,
    async stop() {
      for (const raw of [...sockets.keys()])
        close(raw, CLOSE_GOING_AWAY, "the server is stopping, come back with since");
      hints.stop();
      await presence.stop();
    },
    get size() {
      return sockets.size;
    },
  };
}
