import type { Socket } from "bun";
import { median, quantile } from "./samples.ts";

/**
 * Callers of an HTTP server, each with a connection of its own that it keeps: the next request goes out when the answer to
 * the one before is there. Written on plain sockets, because measuring must leave the processor to what is measured.
 */
export interface Calling {
  /** `http://127.0.0.1:3000` */
  base: string;
  callers: number;
  seconds: number;
  /** The bytes of a request: `caller` counts the callers, `turn` its own requests. */
  request(caller: number, turn: number): string;
  /** Of a good answer; any other ends the measurement with an error. */
  status: number;
}

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "\r\n0\r\n\r\n";

interface Caller {
  number: number;
  turn: number;
  sentMs: number;
  /** What of an answer has come. */
  heard: string;
}

/** Calls for so long; answers how many good answers came in a second, and how long they took. */
export async function call(calling: Calling): Promise<Record<string, number>> {
  const { hostname, port } = new URL(calling.base);
  const waits: number[] = [];
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const untilMs = performance.now() + calling.seconds * 1_000;
  let open = calling.callers;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();

  const send = (socket: Socket<Caller>) => {
    const caller = socket.data;
    caller.sentMs = performance.now();
    socket.write(calling.request(caller.number, caller.turn));
    caller.turn += 1;
  };
  const leave = (socket: Socket<Caller>) => {
    socket.end();
    open -= 1;
    if (open === 0) end();
  };
  const beganMs = performance.now();
  for (let number = 0; number < calling.callers; number += 1) {
    void Bun.connect<Caller>({
      hostname,
      port: Number(port),
      data: { number, turn: 0, sentMs: 0, heard: "" },
      socket: {
        open: send,
        data(socket, bytes) {
          const caller = socket.data;
          caller.heard += bytes.toString("latin1");
          if (!isWhole(caller.heard)) return;
          const status = Number(caller.heard.slice(9, 12));
          if (status !== calling.status) return reject(new Error(`answered ${caller.heard.slice(0, 2_000)}`));
          const nowMs = performance.now();
          waits.push(nowMs - caller.sentMs);
          caller.heard = "";
          if (nowMs < untilMs) send(socket);
          else leave(socket);
        },
        close(socket) {
          if (socket.data.heard !== "" || performance.now() < untilMs) reject(new Error("the server hung up"));
        },
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  }
  await Promise.race([ended, failed]);
  const seconds = (performance.now() - beganMs) / 1_000;
  return { per_second: waits.length / seconds, median_ms: median(waits), p99_ms: quantile(waits, 0.99) };
}

/** Whether an answer has come to its end. */
export function isWhole(heard: string): boolean {
  const headEnd = heard.indexOf(HEAD_END);
  if (headEnd === -1) return false;
  const head = heard.slice(0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return heard.length >= headEnd + HEAD_END.length + Number(length);
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? heard.endsWith(LAST_CHUNK) : true;
}

/** A request as bytes; a body is sent as JSON. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: unknown,
): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  const all = {
    host: "127.0.0.1",
    ...headers,
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`;
}
