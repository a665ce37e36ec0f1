import { expect, test } from "bun:test";
import { connect } from "node:net";
import { readUpload, withUpload } from "../../../src/platform/http/multipart.ts";
import { CONTENT_TYPE, file, multipart } from "./multipart-bodies.ts";

const CALLERS = 6;
const UPLOADS_EACH = 5;
const RULES = { fields: ["user_photo", "item_photo"], bytesMax: 2 * 1024 * 1024, deadlineMs: 20_000 };

const hash = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** Sends a request over a connection of its own, in pieces of uneven size; answers the response's last line. */
function send(port: number, body: Uint8Array, pieceBytesMax: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", async () => {
      const head = `POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ${CONTENT_TYPE}\r\n`;
      socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
      for (let at = 0, piece = 0; at < body.length; at += piece) {
        piece = 1 + Math.floor(Math.random() * pieceBytesMax);
        if (!socket.write(body.subarray(at, at + piece))) await new Promise((drained) => socket.once("drain", drained));
      }
    });
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer.split("\r\n").at(-1) ?? ""));
  });
}

test("I4 memory that is given back is nobody's: uploads over real connections side by side arrive as they were sent", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      // Some wait unread for a while, as at the gate.
      if (Math.random() < 0.5) await Bun.sleep(5);
      const hashes = await withUpload(request, RULES, async (parts) => {
        await Bun.sleep(2);
        return ["user_photo", "item_photo"].map((name) => hash(parts.get(name)?.bytes ?? new Uint8Array()));
      });
      return new Response(hashes.join(" "));
    },
  });
  try {
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let sent = 0; sent < UPLOADS_EACH; sent += 1) {
        const person = Buffer.alloc(1_500_000 + caller, crypto.randomUUID());
        const item = crypto.getRandomValues(new Uint8Array(60_000 - sent));
        const body = multipart([file("user_photo", person), file("item_photo", item)]);
        const answer = await send(server.port ?? 0, body, [700_000, 90_000, 9_000][caller % 3] ?? 0);
        expect(answer).toBe(`${hash(person)} ${hash(item)}`);
      }
    });
    await Promise.all(callers);
  } finally {
    await server.stop(true);
  }
});

test("I4 a body that breaks off beside others harms none of them", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const parts = await readUpload(request, RULES).catch(() => null);
      return new Response(parts === null ? "refused" : hash(parts.get("user_photo")?.bytes ?? new Uint8Array()));
    },
  });
  const breakOff = (body: Uint8Array) =>
    new Promise<void>((resolve) => {
      const socket = connect(server.port ?? 0, "127.0.0.1", () => {
        socket.write(
          `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${CONTENT_TYPE}\r\ncontent-length: ${body.length}\r\n\r\n`,
        );
        socket.write(body.subarray(0, body.length / 2), () => socket.destroy());
      });
      socket.on("close", () => resolve());
    });
  try {
    const whole = Buffer.alloc(1_800_000, "photo");
    const body = multipart([file("user_photo", whole), file("item_photo")]);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? breakOff(body) : send(server.port ?? 0, body, 300_000))),
    );
    expect(answers.filter((answer) => answer !== undefined)).toEqual(Array.from({ length: 8 }, () => hash(whole)));
  } finally {
    await server.stop(true);
  }
});
