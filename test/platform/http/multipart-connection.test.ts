import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Refusal } from "../../../src/platform/errors.ts";
import { readUpload } from "../../../src/platform/http/multipart.ts";
import { refusalText } from "../../../src/platform/refusals.ts";
import { CONTENT_TYPE, file, KIB, multipart, RULES } from "./multipart-bodies.ts";

describe("over a real connection", () => {
  let server: ReturnType<typeof Bun.serve>;
  /** How each request ended, in the order of their ends. */
  let ends: string[] = [];

  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(incoming) {
        try {
          const parts = await readUpload(incoming, RULES);
          ends.push("ok");
          return Response.json(Object.fromEntries([...parts].map(([name, { bytes }]) => [name, bytes.length])));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          ends.push(error.code);
          return new Response(error.code, { status: refusalText(error.code).status });
        }
      },
    });
  });
  afterAll(() => server.stop(true));

  /** Sends the pieces, waiting where a number of milliseconds stands, and gives what came back within the time. */
  async function exchange(
    pieces: (string | Uint8Array | number)[],
    options: { hangUp?: boolean } = {},
  ): Promise<string> {
    ends = [];
    let answer = "";
    let unsent = Buffer.alloc(0);
    const answered = Promise.withResolvers<void>();
    const push = (socket: Bun.Socket): void => {
      if (unsent.length > 0) unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
    };
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port ?? 0,
      socket: {
        data(_, bytes) {
          answer += bytes.toString();
          if (/\r\n\r\n[\s\S]/.test(answer)) answered.resolve();
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
    if (options.hangUp === true) socket.terminate();
    await Promise.race([answered.promise, Bun.sleep(3_000)]);
    socket.terminate();
    return answer;
  }

  const whole = multipart([file("user_photo", "0123456789"), file("item_photo", "abc")]);
  const head = (framing: string): string =>
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${CONTENT_TYPE}\r\n${framing}\r\n\r\n`;
  const chunk = (bytes: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
  const statusOf = (answer: string): number => Number(answer.split(" ")[1]);

  async function endOf(): Promise<string | undefined> {
    for (let tries = 0; tries < 100 && ends.length === 0; tries += 1) await Bun.sleep(10);
    return ends[0];
  }

  test("a body with a length, arriving in pieces, is read", async () => {
    const answer = await exchange([
      head(`Content-Length: ${whole.length}`),
      whole.subarray(0, 70),
      30,
      whole.subarray(70),
    ]);
    expect(answer).toEndWith('{"user_photo":10,"item_photo":3}');
  });

  test("a chunked body is read, also when the last line end comes alone", async () => {
    const pieces = [
      chunk(whole.subarray(0, 99)),
      20,
      chunk(whole.subarray(99, -2)),
      20,
      chunk(whole.subarray(-2)),
      20,
      "0\r\n\r\n",
    ];
    expect(await exchange([head("Transfer-Encoding: chunked"), ...pieces])).toEndWith(
      '{"user_photo":10,"item_photo":3}',
    );
  });

  test("a chunked body over the limit is answered while the client is still sending", async () => {
    const opening = multipart([file("user_photo")], "").subarray(0, -"bytes\r\n".length);
    const startedAt = performance.now();
    const answer = await exchange([
      head("Transfer-Encoding: chunked"),
      chunk(opening),
      // The parser looks ahead by the length of the boundary, so a single byte too many could wait for the next.
      chunk(Buffer.alloc(RULES.bytesMax + KIB)),
    ]);
    expect(statusOf(answer)).toBe(413);
    expect(answer).toEndWith("file_too_large");
    expect(performance.now() - startedAt).toBeLessThan(RULES.deadlineMs);
  });

  test("an announced length over the limit is answered without a byte of the body", async () => {
    const answer = await exchange([head(`Content-Length: ${10 * RULES.bytesMax}`), whole.subarray(0, 1)]);
    expect(answer).toEndWith("file_too_large");
  });

  test("ten thousand chunks of one byte are refused", async () => {
    const opening = multipart([file("user_photo")], "").subarray(0, -"bytes\r\n".length);
    const answer = await exchange([head("Transfer-Encoding: chunked"), chunk(opening), "1\r\nx\r\n".repeat(10_000)]);
    expect(answer).toEndWith("malformed_body");
  });

  test("a body that trickles past the deadline gets 408, though it never pauses for long", async () => {
    const trickle = Array.from({ length: 12 }, (_, index) => [whole.subarray(index, index + 1), 50]).flat();
    const answer = await exchange([head(`Content-Length: ${whole.length}`), ...trickle]);
    expect(statusOf(answer)).toBe(408);
    expect(answer).toEndWith("upload_too_slow");
    expect(ends).toEqual(["upload_too_slow"]);
  });

  test("a client that stops in the middle gets 408 as well", async () => {
    expect(statusOf(await exchange([head(`Content-Length: ${whole.length}`), whole.subarray(0, 150)]))).toBe(408);
  });

  test("a client that hangs up, before the announced length or inside a chunk, ends the reading at once", async () => {
    await exchange([head(`Content-Length: ${whole.length}`), whole.subarray(0, 150), 50], { hangUp: true });
    expect(await endOf()).toBe("malformed_body");
    await exchange([head("Transfer-Encoding: chunked"), chunk(whole).subarray(0, 150), 50], { hangUp: true });
    expect(await endOf()).toBe("malformed_body");
  });

  test("a body shorter than its last boundary is malformed, though its length is as announced", async () => {
    const short = whole.subarray(0, -10);
    const answer = await exchange([head(`Content-Length: ${short.length}`), short]);
    expect(statusOf(answer)).toBe(400);
    expect(answer).toEndWith("malformed_body");
  });
});
