export interface RawAnswer {
  /** 0 where nothing came back. */
  status: number;
  text: string;
  /** From the first byte sent to the answer, or to the end of waiting. */
  ms: number;
}

const ANSWER_MS_MAX = 5_000;

/**
 * Speaks HTTP by hand over one connection: sends the pieces, waiting where a number of ms stands, and gives what came
 * back. With `hangUp` the connection is cut after the last piece instead.
 */
export async function rawRequest(
  port: number,
  pieces: readonly (string | Uint8Array | number)[],
  options: { hangUp?: boolean } = {},
): Promise<RawAnswer> {
  const startedAt = performance.now();
  const answered = Promise.withResolvers<void>();
  let text = "";
  let unsent: Uint8Array = new Uint8Array();
  const push = (socket: Bun.Socket): void => {
    if (unsent.length > 0) unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, bytes) {
        text += bytes.toString();
        if (isComplete(text)) answered.resolve();
      },
      drain: push,
      close: () => answered.resolve(),
      error: () => answered.resolve(),
    },
  });
  for (const piece of pieces) {
    if (typeof piece === "number") {
      await Bun.sleep(piece);
    } else {
      unsent = Buffer.concat([unsent, Buffer.from(piece)]);
      push(socket);
    }
  }
  if (options.hangUp !== true) await Promise.race([answered.promise, Bun.sleep(ANSWER_MS_MAX)]);
  const ms = performance.now() - startedAt;
  socket.terminate();
  return { status: Number(text.split(" ", 2)[1] ?? 0), text, ms };
}

/** Answers of ours name their length. */
function isComplete(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined || Buffer.byteLength(text.slice(end + 4)) >= Number(length);
}
