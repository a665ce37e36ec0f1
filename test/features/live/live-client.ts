import { createConnection, type Socket } from "node:net";
import { type LiveEvent, publish } from "../../../src/platform/live/events.ts";
import type { LiveHub } from "../../../src/platform/live/hub.ts";
import type { LiveSockets } from "../../../src/platform/live/socket.ts";
import { createApp } from "../../../src/routes.ts";
import type { Person, TestApp } from "../../support/app.ts";

export interface Hello {
  type: "hello";
  last_event: number;
  active: { id: string; status: string }[];
}

/** One socket of a client: what it was told, and how it ended. */
export interface LiveClient {
  socket: WebSocket;
  hello: Promise<Hello>;
  /** Events in the order in which they came. */
  events: LiveEvent[];
  closed: Promise<{ code: number; reason: string }>;
  /** Waits until so many events are there. */
  until(count: number): Promise<void>;
}

/** How long a test waits for something that must come. */
const WAIT_MS_MAX = 30_000;

export async function ticketFor(product: TestApp, person: Person): Promise<string> {
  const answer = await product.request("/live/ticket", { method: "POST", as: person });
  if (answer.status !== 200) throw new Error(`a ticket was refused with ${answer.status}`);
  return ((await answer.json()) as { ticket: string }).ticket;
}

/** Opens a socket with a fresh ticket. */
export async function connect(product: TestApp, port: number, person: Person, since?: number): Promise<LiveClient> {
  const ticket = await ticketFor(product, person);
  return open(port, `ticket=${ticket}${since === undefined ? "" : `&since=${since}`}`);
}

export function open(port: number, query: string, headers: Record<string, string> = {}): LiveClient {
  const address = `ws://127.0.0.1:${port}/api/v1/live?${query}`;
  // Bun's own extension: browsers set `Origin` themselves.
  const socket = new (WebSocket as unknown as new (url: string, options: object) => WebSocket)(address, { headers });
  const events: LiveEvent[] = [];
  let greet: (hello: Hello) => void = () => {};
  const hello = new Promise<Hello>((resolve) => {
    greet = resolve;
  });
  let isGreeted = false;
  socket.onmessage = (message) => {
    const frame = JSON.parse(String(message.data));
    if (isGreeted) events.push(frame);
    else greet(frame);
    isGreeted = true;
  };
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  return { socket, hello, events, closed, until: (count) => until(() => events.length >= count, `${count} events`) };
}

/** Ends a connection without a word, as a lost network does. */
export function cut(client: LiveClient): void {
  (client.socket as WebSocket & { terminate(): void }).terminate();
}

/** Waits until `isSo`; fails with `what` when it does not come. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(2);
  }
}

export interface RawClient {
  socket: Socket;
  /** Everything received after the upgrade; empty while the reader is stopped. */
  received(): Buffer;
  ended: Promise<void>;
}

/** A socket by hand, so that a test can stop reading. */
export function openRaw(port: number, query: string): Promise<RawClient> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    const parts: Buffer[] = [];
    const ended = new Promise<void>((end) => socket.once("close", () => end()));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.write(
        [
          `GET /api/v1/live?${query} HTTP/1.1`,
          `Host: 127.0.0.1:${port}`,
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Version: 13",
          "\r\n",
        ].join("\r\n"),
      );
    });
    let isUpgraded = false;
    socket.on("data", (chunk) => {
      parts.push(Buffer.from(chunk));
      if (isUpgraded || !Buffer.concat(parts).includes("\r\n\r\n")) return;
      isUpgraded = true;
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve({ socket, ended, received: () => Buffer.concat(parts) });
    });
  });
}

export interface LiveServer {
  port: number;
  hub: LiveHub;
  sockets: LiveSockets;
  stop(): Promise<void>;
}

/** A second server on the product's context, for a look into its hub and for heartbeats that a test can wait for. */
export function serveLive(product: TestApp, heartbeatMs?: number): LiveServer {
  const { app, hub, sockets } = createApp(product.ctx, {
    healthChecks: [],
    isStopping: () => false,
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  });
  app.listen({ port: 0, hostname: "127.0.0.1", reusePort: false });
  return {
    port: app.server?.port ?? 0,
    hub,
    sockets,
    async stop() {
      sockets.stop();
      hub.stop();
      await app.server?.stop(true);
    },
  };
}

/** Tells the person something, in a transaction of its own. */
export function tell(product: TestApp, userId: string, data: Record<string, unknown> = {}): Promise<void> {
  return product.ctx.transaction((tx) => publish(tx, userId, "notice", data));
}

/** The numbers of a client's events. */
export const numbersOf = (events: readonly LiveEvent[]): number[] => events.map((event) => event.n);

/** 1, 2, ... `last`. */
export const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
