import { SECOND_MS } from "../clock.ts";
import { invariant } from "../errors.ts";
import { bodyOf } from "./s3-body.ts";
import { createS3Calls, S3_LIMITS, type S3Access, type S3Calls, type S3Limits } from "./s3-calls.ts";
import { faultOf } from "./s3-fault.ts";
import {
  checkRoundTrip,
  digestOf,
  fileOf,
  isStorageKey,
  type Storage,
  type StorageEntry,
  StorageFailure,
  StorageKeyTaken,
  type StoredFile,
} from "./storage.ts";

export interface S3StorageOptions {
  access: S3Access;
  /** What every key in the bucket begins with; empty, or ending in a slash. */
  prefix: string;
  /** Whether `link` gives presigned addresses. */
  links: boolean;
  limits?: Partial<S3Limits>;
  /** 0 (included) to 1, for jitter. */
  random?: () => number;
  sleep?: (ms: number) => Promise<void>;
}

/** A presigned address dies after this; ours, which leads to it, is checked anew each time. */
const LINK_SECONDS = 60;
/** A storage that has answered so recently is there. */
const ALIVE_MS = 5 * SECOND_MS;
/** No key of ours: asked for, the answer is that it is not there. */
const PING_KEY = "check/ping";

/** How keys, bodies and answers meet; every function below takes it. */
interface Bucket {
  calls: S3Calls;
  limits: S3Limits;
  nameOf(key: string): string;
}

/**
 * Files in a private bucket of any S3 storage. An object appears complete or not at all, and is durable when the storage
 * says that it has it.
 *
 * Never overwritten: a key that is there is seen first, and the write itself says `If-None-Match: *`, which AWS, MinIO
 * and others obey; where a storage ignores it, two writers of one key in the same moment could overwrite each other, and
 * as keys are random there are no two.
 */
export function createS3Storage(options: S3StorageOptions): Storage {
  const limits = { ...S3_LIMITS, ...options.limits };
  const calls = createS3Calls({
    access: options.access,
    limits,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? Bun.sleep,
  });
  const bucket: Bucket = {
    calls,
    limits,
    nameOf(key) {
      invariant(isStorageKey(key), `malformed storage key: ${JSON.stringify(key)}`);
      return options.prefix + key;
    },
  };
  let aliveAt = Number.NEGATIVE_INFINITY;
  const answered = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work;
      aliveAt = performance.now();
      return result;
    } catch (error) {
      if (error instanceof StorageFailure) aliveAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  };

  const storage: Storage = {
    put: async (key, content, { mime }) => answered(put(bucket, key, content, mime)),
    read: async (key) => answered(read(bucket, key)),
    delete: async (key) => answered(remove(bucket, key)),
    list: (prefix = "") => list(calls, options.prefix, prefix),
    check: () => checkRoundTrip(storage),
    async ping() {
      if (performance.now() - aliveAt > ALIVE_MS) await storage.read(PING_KEY);
    },
    async link(key, { mime, disposition }) {
      if (!options.links || (await storage.read(key)) === null) return null;
      return calls.sign(bucket.nameOf(key), { seconds: LINK_SECONDS, type: mime, contentDisposition: disposition });
    },
  };
  return storage;
}

async function put(bucket: Bucket, key: string, content: Uint8Array | StoredFile, mime: string): Promise<void> {
  const name = bucket.nameOf(key);
  const file = content instanceof Uint8Array ? fileOf(content) : content;
  const body = {
    bytes: file.bytes,
    content: () => (content instanceof Uint8Array ? new Uint8Array(content) : content.stream()),
  };
  const there = await bucket.calls.call({ method: "HEAD", key: name, expected: [404] });
  there.end();
  if (there.status !== 404) throw new StorageKeyTaken(key);
  const send = (headers: Record<string, string>) =>
    bucket.calls.call({
      method: "PUT",
      key: name,
      headers: { "content-type": mime, ...headers },
      body,
      expected: [412, 501],
    });
  let answer = await send({ "if-none-match": "*" });
  answer.end();
  // Storages that do not know the condition may say so instead of ignoring it.
  if (answer.status === 501) answer = await send({});
  answer.end();
  if (answer.status === 501) throw faultOf("PUT", answer.status, answer.code);
  if (answer.status !== 412) return;
  // Nothing was there a moment ago. A try may have been carried out though its answer was lost (`fetch` itself sends a
  // request again when a kept connection breaks): then what is there now is ours.
  if (await holds(bucket, key, file)) return;
  throw new StorageKeyTaken(key);
}

async function holds(bucket: Bucket, key: string, file: StoredFile): Promise<boolean> {
  const stored = await read(bucket, key);
  if (stored?.bytes !== file.bytes) return false;
  return (await digestOf(stored)).sha256 === (await digestOf(file)).sha256;
}

async function read(bucket: Bucket, key: string): Promise<StoredFile | null> {
  const name = bucket.nameOf(key);
  const head = await bucket.calls.call({ method: "HEAD", key: name, expected: [404] });
  head.end();
  if (head.status === 404) return refuseWithoutBucket(bucket, name);
  const length = head.headers.get("content-length") ?? "";
  const bytes = /^\d+$/.test(length) ? Number(length) : -1;
  if (bytes < 0) throw new StorageFailure("the storage did not say how large a file is");
  const stream = () => bodyOf((fromByte) => openAt(bucket, name, fromByte), bytes, bucket.limits);
  return { bytes, stream, content: () => contentOf(stream(), bytes) };
}

/** A `HEAD` does not say whether the object is missing or the whole bucket, and a wrong bucket holds nothing of anybody. */
async function refuseWithoutBucket(bucket: Bucket, name: string): Promise<null> {
  const answer = await bucket.calls.call({
    method: "GET",
    key: name,
    headers: { range: "bytes=0-0" },
    expected: [404, 416],
  });
  answer.end();
  if (answer.code === "NoSuchBucket") throw faultOf("GET", answer.status, answer.code);
  return null;
}

async function openAt(bucket: Bucket, name: string, fromByte: number) {
  const answer = await bucket.calls.call({
    method: "GET",
    key: name,
    ...(fromByte === 0 ? {} : { headers: { range: `bytes=${fromByte}-` } }),
    expected: [404],
  });
  // It was there a moment ago: deleted meanwhile, and what was sent of it cannot be taken back.
  const fault = answer.status === 404 ? "is no longer there" : null;
  const isElsewhere = fromByte > 0 && !answer.headers.get("content-range")?.startsWith(`bytes ${fromByte}-`);
  if (fault === null && !isElsewhere) return answer;
  answer.end();
  throw new StorageFailure(`a file ${fault ?? "cannot be read on from where it broke off"}`);
}

async function contentOf(stream: ReadableStream<Uint8Array>, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(bytes);
  let position = 0;
  for await (const piece of stream) {
    content.set(piece, position);
    position += piece.byteLength;
  }
  return content;
}

async function remove(bucket: Bucket, key: string): Promise<void> {
  const answer = await bucket.calls.call({ method: "DELETE", key: bucket.nameOf(key), expected: [404] });
  answer.end();
  if (answer.status === 404 && answer.code !== "NoSuchKey") throw faultOf("DELETE", answer.status, answer.code);
}

async function* list(calls: S3Calls, own: string, prefix: string): AsyncGenerator<StorageEntry> {
  let continuationToken: string | undefined;
  do {
    const page = await calls.page(own + prefix, continuationToken);
    for (const { key: name, size, lastModified } of page.contents ?? []) {
      const key = name.slice(own.length);
      // Not a key: what others may have put into the bucket.
      if (!isStorageKey(key)) continue;
      yield { key, bytes: Number(size ?? 0), modifiedAt: new Date(lastModified ?? 0) };
    }
    continuationToken = page.isTruncated === true ? page.nextContinuationToken : undefined;
    if (page.isTruncated === true && continuationToken === undefined) {
      throw new StorageFailure("the storage cut its list short and did not say how to go on");
    }
  } while (continuationToken !== undefined);
}
