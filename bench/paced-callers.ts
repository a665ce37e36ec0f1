import type { Socket } from "bun";
import { isWhole } from "./callers.ts";
import { quantile } from "./samples.ts";

/**
 * Callers who come at a pace of their own, whether or not those before them were answered: what a shop meets. Each waits from
 * the moment at which they came, so that a server that stands still is seen by all who came meanwhile.
 */
export interface Pacing {
  /** `http://127.0.0.1:3000` */
  base: string;
  perSecond: number;
  seconds: number;
  /** Connections at once; whoever finds none free waits for one, as behind a proxy. */
  connectionsMax: number;
  /** The bytes of a request: `turn` counts those who came. */
  request(turn: number): string;
}

/** How those who came were answered. */
export interface PacedAnswers {
  /** For each status the waits in ms. Those who had no answer a second after the last one came are not there. */
  waits: ReadonlyMap<number, readonly number[]>;
  came: number;
  /** From the first who came to the last answer. */
  seconds: number;
}

const TICK_MS = 1;
const FAREWELL_MS = 1_000;

interface Line {
  cameMs: number;
  /** What of an answer has come. */
  heard: string;
}

/** Lets them come for so long. A connection that breaks ends the measurement with an error. */
export async function pace({ base, perSecond, seconds, connectionsMax, request }: Pacing): Promise<PacedAnswers> {
  const { hostname, port } = new URL(base);
  const waits = new Map<number, number[]>();
  const waiting: { cameMs: number; turn: number }[] = [];
  const free: Socket<Line>[] = [];
  const all: Socket<Line>[] = [];
  let opening = 0;
  let first = 0;
  let lastAnswerMs = 0;
  let isOver = false;
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});

  const serve = (socket: Socket<Line>) => {
    const next = first < waiting.length ? waiting[first] : undefined;
    if (next === undefined) return void free.push(socket);
    first += 1;
    socket.data.cameMs = next.cameMs;
    socket.write(request(next.turn));
  };
  const open = () => {
    opening += 1;
    void Bun.connect<Line>({
      hostname,
      port: Number(port),
      data: { cameMs: 0, heard: "" },
      socket: {
        open(socket) {
          opening -= 1;
          all.push(socket);
          serve(socket);
        },
        data(socket, bytes) {
          const line = socket.data;
          line.heard += bytes.toString("latin1");
          if (!isWhole(line.heard)) return;
          lastAnswerMs = performance.now();
          const status = Number(line.heard.slice(9, 12));
          const list = waits.get(status) ?? [];
          if (list.length === 0) waits.set(status, list);
          list.push(lastAnswerMs - line.cameMs);
          line.heard = "";
          serve(socket);
        },
        close: () => (isOver ? undefined : reject(new Error("the server hung up"))),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  };
  const beganMs = performance.now();
  let came = 0;
  const come = () => {
    // The first comes at once.
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * perSecond) + 1;
    for (; came < Math.min(due, perSecond * seconds); came += 1) {
      waiting.push({ cameMs: beganMs + (came / perSecond) * 1_000, turn: came });
      const socket = free.pop();
      if (socket) serve(socket);
      else if (all.length + opening < connectionsMax) open();
    }
  };
  const coming = setInterval(come, TICK_MS);
  try {
    await Promise.race([Bun.sleep(seconds * 1_000 + FAREWELL_MS), broken]);
  } finally {
    clearInterval(coming);
    isOver = true;
    for (const socket of all) socket.end();
  }
  return { waits, came, seconds: (lastAnswerMs - beganMs) / 1_000 };
}

/** The wait in ms below which that share of them lies; 0 where nobody was answered so. */
export function waitOf(answers: PacedAnswers, statuses: readonly number[], at: number): number {
  const waits = statuses.flatMap((status) => answers.waits.get(status) ?? []);
  return waits.length === 0 ? 0 : quantile(waits, at);
}
