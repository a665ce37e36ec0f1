import { afterAll, beforeAll } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { s3ServerPort } from "./s3-server.ts";
import { isSignedRight } from "./s3-signature.ts";

/** How a request goes wrong: `lost` is carried out, and its answer never comes. */
export type S3Fault = "hang" | "reset" | "lost" | "half" | "stall" | "500" | "SlowDown" | "TooManyRequests" | "501";

export interface SeenRequest {
  method: string;
  /** The path without its signature. */
  path: string;
  headers: Readonly<Record<string, string>>;
}

/**
 * A door in front of the S3 server. It is a private bucket's: without a right signature nobody gets in. It obeys
 * `If-None-Match: *` as AWS does, which the server behind it does not. And it can fail in the ways that networks and
 * storages do.
 */
export interface S3Door {
  url: string;
  /** Every request so far. */
  seen: SeenRequest[];
  /** Connections that are open now. */
  openConnections(): number;
  /** What becomes of a request; null lets it through. */
  fault: (request: SeenRequest) => S3Fault | null;
  /** Whether `If-None-Match` is obeyed; some storages ignore it. */
  conditional: boolean;
  /** Whether strangers are let in, as into a public bucket. */
  isPublic: boolean;
  close(): void;
}

const STATUS: Readonly<Record<string, number>> = { "500": 500, SlowDown: 503, TooManyRequests: 429, "501": 501 };

/** One door for all tests of the `describe` or file in whose body this is called. Each test gets it without faults. */
export function useS3Door(): () => S3Door {
  let door: S3Door | undefined;
  beforeAll(async () => {
    door = await openS3Door();
  });
  afterAll(() => door?.close());
  return () => {
    if (!door) throw new Error("the door is opened by beforeAll; ask for it inside a test");
    return Object.assign(door, { fault: () => null, conditional: true, isPublic: false });
  };
}

/** Opens a door, which its caller closes. */
export async function openS3Door(): Promise<S3Door> {
  const upstreamPort = await s3ServerPort();
  const sockets = new Set<Socket>();
  const lastPut = new Map<string, Promise<void>>();
  const server = createServer((incoming, answer) => {
    incoming.on("error", () => {});
    answer.on("error", () => {});
    void serve(incoming, answer).catch(() => answer.destroy());
  });

  const serve = async (incoming: IncomingMessage, answer: ServerResponse) => {
    const url = incoming.url ?? "";
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const request: SeenRequest = { method: incoming.method ?? "", path: url.split("?")[0] ?? "", headers };
    door.seen.push(request);
    const fault = door.fault(request);
    if (fault === "hang") return void incoming.resume();
    if (fault === "reset") return void incoming.socket.destroy();
    if (fault !== null && fault in STATUS) {
      incoming.resume();
      return refuse(
        answer,
        STATUS[fault] ?? 500,
        fault === "500" ? "InternalError" : fault === "501" ? "NotImplemented" : fault,
      );
    }
    const isBucket = /^\/[^/]+\/?$/.test(request.path);
    if (isBucket ? !isSignedRight(request.method, url, headers) : !door.isPublic && !url.includes("X-Amz-Signature=")) {
      incoming.resume();
      return refuse(answer, 403, headers.authorization === undefined ? "AccessDenied" : "SignatureDoesNotMatch");
    }
    // All of it or nothing: behind this door, half a body of a client that was killed would become an object.
    const body = await wholeBody(incoming);
    const pass = () => forward({ incoming, answer, url, headers, fault, isBucket, body });
    if (request.method !== "PUT" || headers["if-none-match"] !== "*" || !door.conditional) return pass();
    // One write of a key at a time, so that each sees what the one before it did.
    const before = lastPut.get(request.path) ?? Promise.resolve();
    const mine = before.then(async () => {
      if (await isThere(request.path)) {
        return refuse(answer, 412, "PreconditionFailed");
      }
      return pass();
    });
    lastPut.set(
      request.path,
      mine.catch(() => {}),
    );
    await mine;
  };

  const isThere = async (path: string) =>
    (await fetch(`http://127.0.0.1:${upstreamPort}${path}`, { method: "HEAD" })).status === 200;

  const forward = (call: {
    incoming: IncomingMessage;
    answer: ServerResponse;
    url: string;
    headers: Record<string, string>;
    fault: S3Fault | null;
    isBucket: boolean;
    body: Buffer;
  }) =>
    new Promise<void>((resolve, reject) => {
      const { incoming, answer, url, fault } = call;
      const headers = { ...call.headers };
      if (call.isBucket) delete headers.authorization;
      const upstream = send(
        { host: "127.0.0.1", port: upstreamPort, method: incoming.method, path: url, headers },
        async (response) => {
          const pieces: Buffer[] = [];
          for await (const piece of response) pieces.push(piece as Buffer);
          const body = Buffer.concat(pieces);
          resolve();
          if (fault === "lost") return incoming.socket.destroy();
          answer.writeHead(response.statusCode ?? 500, response.headers);
          if (fault === null || body.byteLength < 2) return answer.end(body);
          const half = body.subarray(0, body.byteLength >> 1);
          return answer.write(half, () => {
            if (fault === "half") setTimeout(() => incoming.socket.destroy(), 20);
          });
        },
      );
      upstream.on("error", reject);
      upstream.end(call.body);
    });

  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const door: S3Door = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    openConnections: () => sockets.size,
    fault: () => null,
    conditional: true,
    isPublic: false,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return door;
}

async function wholeBody(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const length = Number(incoming.headers["content-length"] ?? 0);
  if (body.byteLength !== length) throw new Error("the client went away in mid-sentence");
  return body;
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;
  answer.writeHead(status, { "content-type": "application/xml", "content-length": String(body.length) });
  answer.end(body);
}

/** The same fault for the first `times` requests that `which` picks, and none after them. */
export function faultFor(
  fault: S3Fault,
  times: number,
  which: (request: SeenRequest) => boolean = () => true,
): S3Door["fault"] {
  let left = times;
  return (request) => {
    if (left === 0 || !which(request)) return null;
    left -= 1;
    return fault;
  };
}
