import type { LiveSocket } from "../support/remote-person.ts";
import { at, type Resident } from "./resident.ts";

/** How often a person's phone goes through a tunnel, at each look. */
const CUT_SHARE = 0.004;
const LOOK_MS = 100;
const RETRY_MS_MAX = 1_200;

export interface Listener {
  /** Ends once the person has heard of the event with this number; false when that does not come in time. */
  heard(lastNumber: number, limitMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Keeps a socket open, whatever happens to it, and writes every event into the person's book. */
export function listen(resident: Resident): Listener {
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      if (resident.isErased) return;
      const since = resident.book.lastEvent;
      const socket = resident.isAway
        ? null
        : await at(resident)
            .listen(since)
            .catch(() => null);
      if (socket === null) await Bun.sleep(resident.random() * RETRY_MS_MAX);
      else await follow(resident, socket, since, () => isOver);
    }
  })();
  return {
    async heard(lastNumber, limitMs) {
      const deadline = performance.now() + limitMs;
      while (resident.book.lastEvent < lastNumber && performance.now() < deadline) await Bun.sleep(LOOK_MS);
      return resident.book.lastEvent >= lastNumber;
    },
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/** Reads one socket to its end. Behind `since` every number has to come, once and in its turn. */
async function follow(resident: Resident, socket: LiveSocket, since: number, isOver: () => boolean): Promise<void> {
  const { book, town } = resident;
  const whose = `person ${resident.id}`;
  if (socket.hello.last_event < since) {
    town.differences.push(`${whose} had heard of event ${since}, and the hello says ${socket.hello.last_event}`);
  }
  let expected = since + 1;
  let read = 0;
  const take = () => {
    for (const event of socket.events.slice(read)) {
      read += 1;
      if (!("n" in event)) continue;
      if (event.n !== expected) town.differences.push(`${whose} got event ${event.n} where ${expected} was due`);
      const known = book.events.get(event.n);
      const data = JSON.stringify(event.data);
      if (known !== undefined) town.differences.push(`${whose} got event ${event.n} twice`);
      book.events.set(event.n, { type: event.type, data });
      book.lastEvent = Math.max(book.lastEvent, event.n);
      expected = event.n + 1;
    }
  };
  while (socket.closeCode === undefined && !isOver() && !resident.isErased) {
    take();
    if (resident.random() < CUT_SHARE) {
      town.happened.add("socket of events cut by its phone");
      break;
    }
    await Bun.sleep(LOOK_MS);
  }
  take();
  if (socket.closeCode === undefined) socket.cut();
  else town.happened.add(`socket of events closed with ${socket.closeCode}`);
}
