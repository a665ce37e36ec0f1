import type { Socket } from "bun";
import { isWhole } from "./callers.ts";

/**
 * Callers that upload one photo again and again, each on a connection of its own. The bytes of their requests are put together
 * once, before anything is measured, and written to plain sockets: encoding a form anew for each upload takes milliseconds of
 * the very processor that is measured.
 */
export interface PhotoSending {
  /** `http://127.0.0.1:3000` */
  base: string;
  /** What each caller sends. */
  requests: readonly Uint8Array[];
  /** Uploads of all callers together. */
  count: number;
  /** Of a good answer; any other ends the measurement with an error. */
  status: number;
}

const BOUNDARY = "----photo-of-the-bench-3f0e7c5a9b1d";

/** A request that uploads the photo as `user_photo`. */
export function photoRequest(path: string, token: string, photo: Uint8Array): Uint8Array {
  const opening = [
    `--${BOUNDARY}`,
    'Content-Disposition: form-data; name="user_photo"; filename="photo.jpg"',
    "Content-Type: image/jpeg",
    "\r\n",
  ].join("\r\n");
  const closing = `\r\n--${BOUNDARY}--\r\n`;
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `Authorization: Bearer ${token}`,
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    `Content-Length: ${opening.length + photo.byteLength + closing.length}`,
    "\r\n",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head + opening), photo, Buffer.from(closing)]);
}

interface Sender {
  request: Uint8Array;
  sentBytes: number;
  /** What of an answer has come. */
  heard: string;
}

/** Sends so many; answers how many were taken in a second. */
export async function sendPhotos({ base, requests, count, status }: PhotoSending): Promise<number> {
  const { hostname, port } = new URL(base);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let begun = 0;
  let answered = 0;

  const writeOn = (socket: Socket<Sender>) => {
    const sender = socket.data;
    while (sender.sentBytes < sender.request.byteLength) {
      const written = socket.write(sender.request, sender.sentBytes);
      if (written <= 0) return;
      sender.sentBytes += written;
    }
  };
  const sendNext = (socket: Socket<Sender>) => {
    if (begun >= count) {
      socket.end();
      return;
    }
    begun += 1;
    Object.assign(socket.data, { sentBytes: 0, heard: "" });
    writeOn(socket);
  };
  const hear = (socket: Socket<Sender>, bytes: Buffer) => {
    const sender = socket.data;
    sender.heard += bytes.toString("latin1");
    if (!isWhole(sender.heard)) return;
    if (Number(sender.heard.slice(9, 12)) !== status) {
      return reject(new Error(`answered ${sender.heard.slice(0, 2_000)}`));
    }
    answered += 1;
    if (answered === count) end();
    sendNext(socket);
  };
  const beganMs = performance.now();
  for (const request of requests) {
    void Bun.connect<Sender>({
      hostname,
      port: Number(port),
      // All of it counts as sent until the first upload begins.
      data: { request, sentBytes: request.byteLength, heard: "" },
      socket: {
        open: sendNext,
        drain: writeOn,
        data: hear,
        close() {
          // A caller without anything left to send has hung up itself.
          if (begun < count) reject(new Error("the server hung up"));
        },
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  }
  await Promise.race([ended, failed]);
  return (count * 1_000) / (performance.now() - beganMs);
}
