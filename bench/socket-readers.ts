import { join } from "node:path";
import { linesOf } from "./npm-peers.ts";

/** Sockets that are read by another process (`peer/socket-readers.ts`), which counts what arrives and when. */
export interface SocketReaders {
  /** Opens sockets; `hello` waits for the first frame of each, which does not count. */
  open(port: number, paths: readonly string[], hello: boolean): Promise<void>;
  /** Runs `send`; answers when each of `frames` frames arrived, on the clock of `nowMs`. */
  arrivals(frames: number, send: () => unknown): Promise<number[]>;
  /** The socket with this number reads no more. */
  stopReading(place: number): Promise<void>;
  /** Whether the server has ended that socket, seen by reading on to its end; `leaves` ends it from this side instead. */
  isClosed(place: number, leaves?: boolean): Promise<boolean>;
  stop(): Promise<void>;
}

/** A clock that all processes of a machine share. */
export const nowMs = () => performance.timeOrigin + performance.now();

export function startSocketReaders(): SocketReaders {
  const child = Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, "peer/socket-readers.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(child.stdout);
  const ask = async (request: Record<string, unknown>): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    await child.stdin.flush();
    const { value, done } = await lines.next();
    if (done) throw new Error("The readers of sockets ended.");
    return JSON.parse(value) as Record<string, unknown>;
  };
  return {
    open: async (port, paths, hello) => void (await ask({ do: "open", port, paths, hello })),
    async arrivals(frames, send) {
      await ask({ do: "expect", frames });
      await send();
      return (await ask({ do: "arrived" })).arrivals as number[];
    },
    stopReading: async (place) => void (await ask({ do: "stop reading", place })),
    isClosed: async (place, leaves = false) => (await ask({ do: "is closed", place, leaves })).closed === true,
    async stop() {
      child.stdin.end();
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
