import { randomUUID } from "node:crypto";
import { invariant } from "../errors.ts";

/** A stored file. Its content is fetched only when asked for. */
export interface StoredFile {
  /** Size in bytes. */
  bytes: number;
  /** Ends with an error rather than early: a reader that reaches the end has all of it. */
  stream(): ReadableStream<Uint8Array>;
  content(): Promise<Uint8Array<ArrayBuffer>>;
}

export interface StorageEntry {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

/** What a link of the storage itself answers with. */
export interface LinkWishes {
  mime: string;
  /** The whole `Content-Disposition`. */
  disposition: string;
}

/**
 * Private file storage: a folder or a bucket behind the same few calls. Keys come from `newStorageKey`; a malformed key
 * is a bug and throws. What is stored under a key never changes: it is there, or it is deleted. Every call ends within a
 * limit of its own, and rejects with `StorageFailure` when the storage is away or refuses.
 */
export interface Storage {
  /**
   * Stores durably before it resolves. Rejects with `StorageKeyTaken` rather than overwrite. What is already in another
   * storage is streamed from there, a piece at a time.
   */
  put(key: string, content: Uint8Array | StoredFile, options: { mime: string }): Promise<void>;
  /** Null when there is no such file. */
  read(key: string): Promise<StoredFile | null>;
  /** Deletes durably; a file that is not there counts as deleted. */
  delete(key: string): Promise<void>;
  /** Every finished file whose key starts with `prefix`, in no particular order. Files may come and go meanwhile. */
  list(prefix?: string): AsyncIterable<StorageEntry>;
  /** Writes, reads back and deletes a small file; rejects with the first thing that failed. */
  check(): Promise<void>;
  /** A cheap sign of life, for a question before something is charged; rejects when a `put` would fail now. */
  ping(): Promise<void>;
  /** A link of the storage's own, which dies within a minute; null when it gives none, or has no such file. */
  link(key: string, wishes: LinkWishes): Promise<string | null>;
}

/** The key holds a file already. Keys are random, so this is a bug or a repeated `put`. */
export class StorageKeyTaken extends Error {
  override readonly name = "StorageKeyTaken";
  constructor(key: string, options?: ErrorOptions) {
    super(`storage key already holds a file: ${key}`, options);
  }
}

/**
 * The storage did not do what was asked: it is away, full, or does not know our key. Neither secrets nor signed addresses
 * stand in the message.
 */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
  /** It said no, and will say so again until somebody changes a setting; otherwise it may be tried again. */
  readonly refused: boolean;

  constructor(message: string, options: ErrorOptions & { refused?: boolean } = {}) {
    super(message, options);
    this.refused = options.refused ?? false;
  }
}

const KEY_LENGTH_MAX = 200;
/** Segments start with a letter or digit: neither `..` nor a hidden file nor an absolute path can be spelled. */
const KEY = /^[a-z0-9][a-z0-9_.-]*(\/[a-z0-9][a-z0-9_.-]*)*$/;
const CHECK_BYTES = 4_096;

/** Whether `key` is well-formed: lower-case segments joined by single slashes, relative, without dot segments. */
export function isStorageKey(key: string): boolean {
  return key.length <= KEY_LENGTH_MAX && KEY.test(key) && !key.includes("..");
}

/**
 * A new random key such as `photos/ab/<uuid>.jpg`. Nobody can guess it, nothing of the person's own file name is in
 * it, and 256 subfolders keep each one small.
 */
export function newStorageKey(prefix: string, extension: string): string {
  const name = randomUUID();
  const key = `${prefix}/${name.slice(0, 2)}/${name}.${extension}`;
  invariant(isStorageKey(key), `a storage key is made of plain parts: ${key}`);
  return key;
}

/** The round trip behind `Storage.check`, the same for every kind of storage. */
export async function checkRoundTrip(storage: Storage): Promise<void> {
  const key = newStorageKey("check", "bin");
  const written = crypto.getRandomValues(new Uint8Array(CHECK_BYTES));
  await storage.put(key, written, { mime: "application/octet-stream" });
  try {
    const file = await storage.read(key);
    const readBack = file === null ? null : await file.content();
    if (readBack === null || Buffer.compare(readBack, written) !== 0) {
      throw new StorageFailure("the storage does not give back what was written to it");
    }
  } finally {
    await storage.delete(key);
  }
  if ((await storage.read(key)) !== null) throw new StorageFailure("the storage keeps a file that was deleted");
}

/** Size and SHA-256 (hexadecimal) of a file, read through once and never held as a whole. */
export async function digestOf(file: StoredFile): Promise<{ bytes: number; sha256: string }> {
  const hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  for await (const piece of file.stream()) {
    hasher.update(piece);
    bytes += piece.byteLength;
  }
  return { bytes, sha256: hasher.digest("hex") };
}

/** Bytes at hand, as a file to read. */
export function fileOf(bytes: Uint8Array): StoredFile {
  return {
    bytes: bytes.byteLength,
    stream: () => new Blob([new Uint8Array(bytes)]).stream(),
    content: async () => new Uint8Array(bytes),
  };
}
