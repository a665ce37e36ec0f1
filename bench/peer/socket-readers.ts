/**
 * Readers of many WebSockets in a process of their own, on plain connections: they count frames and look into none, so that
 * the processor is left to the server. They are told what to do by lines of JSON, and answer each with one.
 *
 *   {"do":"open","port":3000,"paths":["/live?ticket=..."],"hello":true}  all are open, their first frames are there if `hello`
 *   {"do":"expect","frames":1000}                                       counts from now on
 *   {"do":"arrived"}                                                    when so many are there: the time of each
 *   {"do":"stop reading","place":0}; {"do":"is closed","place":0,"leaves":false}
 */
import type { Socket } from "bun";

interface Reader {
  path: string;
  isOpen: boolean;
  isClosed: boolean;
  rest: Buffer<ArrayBufferLike>;
  hadHello: boolean;
}

const TEXT = 1;
const PING = 9;
const EMPTY = Buffer.alloc(0);
/** A pong without content, masked with zeros. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const AT_ONCE = 50;
const nowMs = () => performance.timeOrigin + performance.now();

const sockets: Socket<Reader>[] = [];
let wantsHello = false;
let arrivals = new Float64Array(0);
let heard = 0;
let onHeard = () => {};

function take(socket: Socket<Reader>, bytes: Buffer<ArrayBufferLike>): void {
  const reader = socket.data;
  let seen = reader.rest.length === 0 ? bytes : Buffer.concat([reader.rest, bytes]);
  if (!reader.isOpen) {
    const end = seen.indexOf("\r\n\r\n");
    if (end === -1) {
      reader.rest = seen;
      return;
    }
    if (!seen.toString("latin1", 0, 12).endsWith(" 101")) throw new Error(seen.toString("latin1", 0, 300));
    reader.isOpen = true;
    seen = seen.subarray(end + 4);
    onHeard();
  }
  let at = 0;
  const atMs = nowMs();
  while (at + 2 <= seen.length) {
    const short = (seen[at + 1] ?? 0) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + head > seen.length) break;
    const length =
      short < 126 ? short : short === 126 ? seen.readUInt16BE(at + 2) : Number(seen.readBigUInt64BE(at + 2));
    if (at + head + length > seen.length) break;
    const kind = (seen[at] ?? 0) & 0x0f;
    if (kind === PING) socket.write(PONG);
    if (kind === TEXT) hear(reader, atMs);
    at += head + length;
  }
  reader.rest = at === seen.length ? EMPTY : Buffer.from(seen.subarray(at));
}

function end(socket: Socket<Reader>): void {
  socket.data.isClosed = true;
}

function hear(reader: Reader, atMs: number): void {
  if (wantsHello && !reader.hadHello) reader.hadHello = true;
  else {
    if (heard < arrivals.length) arrivals[heard] = atMs;
    heard += 1;
  }
  onHeard();
}

function until(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    onHeard = () => {
      if (!isSo()) return;
      onHeard = () => {};
      resolve();
    };
    onHeard();
  });
}

async function open(port: number, paths: string[]): Promise<void> {
  for (let first = 0; first < paths.length; first += AT_ONCE) {
    const some = paths.slice(first, first + AT_ONCE).map((path) =>
      Bun.connect<Reader>({
        hostname: "127.0.0.1",
        port,
        data: { path, isOpen: false, isClosed: false, rest: EMPTY, hadHello: false },
        socket: {
          open(socket) {
            const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
            const upgrade = "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
            socket.write(`GET ${socket.data.path} HTTP/1.1\r\n${upgrade}${key}\r\n`);
          },
          data: take,
          close: end,
          error: end,
        },
      }),
    );
    sockets.push(...(await Promise.all(some)));
    await until(() => sockets.every(({ data }) => data.isOpen && (data.hadHello || !wantsHello)));
  }
}

async function answer(asked: Record<string, unknown>): Promise<unknown> {
  switch (asked.do) {
    case "open":
      wantsHello = asked.hello === true;
      await open(Number(asked.port), asked.paths as string[]);
      return { opened: sockets.length };
    case "expect":
      arrivals = new Float64Array(Number(asked.frames));
      heard = 0;
      return { heard };
    case "arrived":
      await until(() => heard >= arrivals.length);
      return { arrivals: [...arrivals] };
    case "stop reading":
      sockets[Number(asked.place)]?.pause();
      return {};
    case "is closed": {
      // What was sent before the end comes first; a reader that reads on sees it.
      const socket = sockets[Number(asked.place)];
      socket?.resume();
      if (asked.leaves === true) socket?.end();
      const deadline = nowMs() + 5_000;
      while (socket?.data.isClosed === false && nowMs() < deadline) await Bun.sleep(5);
      return { closed: socket?.data.isClosed === true };
    }
    default:
      throw new Error(`unknown: ${JSON.stringify(asked)}`);
  }
}

for await (const line of console) {
  if (line !== "") process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
