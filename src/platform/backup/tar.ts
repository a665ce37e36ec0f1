import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

/**
 * The plain kind of tar (ustar) that every tar program reads, and nothing beyond it. Written and read here rather than by a
 * library, because a backup has to account for each byte of its file: every header is rebuilt and compared, every filling
 * byte is looked at, and the reader can leap over what it does not want.
 */
const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const PREFIX_BYTES_MAX = 155;
/** Eleven octal digits. */
const ENTRY_BYTES_MAX = 8 ** 11 - 1;

/** What ends an archive. */
export const TAR_END = new Uint8Array(2 * BLOCK_BYTES);

/** The archive is not what the program has written: cut off, changed, or something else. The message says "it ...". */
export class ArchiveFault extends Error {
  override readonly name = "ArchiveFault";
}

export interface TarHeader {
  name: string;
  bytes: number;
  /** Seconds since 1970. */
  modified: number;
}

/** The header of an entry. Throws for a name or a size that the format has no room for. */
export function tarHeader({ name, bytes, modified }: TarHeader): Uint8Array {
  const [prefix, base] = splitName(name);
  if (bytes > ENTRY_BYTES_MAX) throw new Error(`too large for an archive: ${name}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(base, 0, "latin1");
  block.write(octal(0o600, 7), 100, "latin1");
  block.write(octal(0, 7), 108, "latin1");
  block.write(octal(0, 7), 116, "latin1");
  block.write(octal(bytes, 11), 124, "latin1");
  block.write(octal(modified, 11), 136, "latin1");
  block.write("        ", 148, "latin1");
  block.write("0", 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(octal(0, 7), 329, "latin1");
  block.write(octal(0, 7), 337, "latin1");
  block.write(prefix, 345, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Zero bytes up to the end of the last block. */
export function tarFilling(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function splitName(name: string): [prefix: string, base: string] {
  if (!/^[\x21-\x7e]+$/.test(name)) throw new Error(`no name for an entry: ${JSON.stringify(name)}`);
  if (name.length <= NAME_BYTES_MAX) return ["", name];
  const slash = name.indexOf("/", name.length - NAME_BYTES_MAX - 1);
  if (slash <= 0 || slash > PREFIX_BYTES_MAX) throw new Error(`too long a name for an entry: ${name}`);
  return [name.slice(0, slash), name.slice(slash + 1)];
}

/** Where an archive is read from. */
export interface TarSource {
  /** The next bytes, exactly so many; throws `ArchiveFault` where there are fewer. */
  take(bytes: number): Promise<Uint8Array>;
  skip(bytes: number): Promise<void>;
  /** Whether nothing comes any more. */
  isAtEnd(): Promise<boolean>;
}

export interface TarEntry extends TarHeader {
  content(): Promise<Uint8Array>;
}

const CUT_OFF = "it ends too early";

/** Entry by entry; what nobody asks the content of is leapt over. Ends after the end mark, behind which nothing may stand. */
export async function* tarEntries(source: TarSource, beforeHeader: () => void = () => {}): AsyncGenerator<TarEntry> {
  for (;;) {
    beforeHeader();
    const block = await source.take(BLOCK_BYTES);
    if (isZero(block)) break;
    const header = readHeader(block);
    const rest = tarFilling(header.bytes).length;
    let isRead = false;
    yield {
      ...header,
      async content() {
        isRead = true;
        const bytes = await source.take(header.bytes);
        if (!isZero(await source.take(rest))) throw new ArchiveFault(`it has something behind ${header.name}`);
        return bytes;
      },
    };
    if (!isRead) await source.skip(header.bytes + rest);
  }
  if (!isZero(await source.take(BLOCK_BYTES))) throw new ArchiveFault("its end mark is damaged");
  if (!(await source.isAtEnd())) throw new ArchiveFault("it goes on behind its end");
}

function readHeader(block: Uint8Array): TarHeader {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const text = (from: number, length: number) =>
    bytes
      .subarray(from, from + length)
      .toString("latin1")
      .split("\0", 1)[0] ?? "";
  const prefix = text(345, PREFIX_BYTES_MAX);
  const name = prefix === "" ? text(0, NAME_BYTES_MAX) : `${prefix}/${text(0, NAME_BYTES_MAX)}`;
  const [size, modified] = [text(124, 12), text(136, 12)].map((octal) =>
    /^[0-7]{11}$/.test(octal) ? parseInt(octal, 8) : -1,
  );
  const header = { name, bytes: size ?? -1, modified: modified ?? -1 };
  let rebuilt: Uint8Array | null = null;
  try {
    if (header.bytes >= 0 && header.modified >= 0) rebuilt = tarHeader(header);
  } catch {
    // A name that this program does not write.
  }
  if (rebuilt === null || Buffer.compare(rebuilt, block) !== 0)
    throw new ArchiveFault("it has a damaged head of an entry");
  return header;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Reads a file from its beginning. */
export function fileSource(handle: FileHandle, size: number): TarSource {
  let at = 0;
  return {
    async take(bytes) {
      if (at + bytes > size) throw new ArchiveFault(CUT_OFF);
      const buffer = Buffer.alloc(bytes);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await handle.read(buffer, done, bytes - done, at + done);
        if (bytesRead === 0) throw new ArchiveFault(CUT_OFF);
        done += bytesRead;
      }
      at += bytes;
      return buffer;
    },
    async skip(bytes) {
      if (at + bytes > size) throw new ArchiveFault(CUT_OFF);
      at += bytes;
    },
    isAtEnd: async () => at === size,
  };
}

/** Reads what comes through a pipe. */
export function streamSource(stream: AsyncIterable<Uint8Array>): TarSource {
  const chunks = stream[Symbol.asyncIterator]();
  let pieces: Uint8Array[] = [];
  let held = 0;
  const hold = async (bytes: number): Promise<boolean> => {
    while (held < bytes) {
      const next = await chunks.next();
      if (next.done) return false;
      pieces.push(next.value);
      held += next.value.length;
    }
    return true;
  };
  const take = async (bytes: number): Promise<Uint8Array> => {
    if (!(await hold(bytes))) throw new ArchiveFault(CUT_OFF);
    const joined = pieces.length === 1 ? (pieces[0] ?? new Uint8Array()) : Buffer.concat(pieces);
    pieces = [joined.subarray(bytes)];
    held -= bytes;
    return joined.subarray(0, bytes);
  };
  return {
    take,
    async skip(bytes) {
      await take(bytes);
    },
    isAtEnd: async () => !(await hold(1)),
  };
}

/** A source that hashes all that passes; nothing is leapt over. `digest` is that of everything up to now. */
export function hashingSource(inner: TarSource): TarSource & { digest(): string } {
  const hash = createHash("sha256");
  const take = async (bytes: number) => {
    const taken = await inner.take(bytes);
    hash.update(taken);
    return taken;
  };
  return {
    take,
    async skip(bytes) {
      await take(bytes);
    },
    isAtEnd: () => inner.isAtEnd(),
    digest: () => hash.copy().digest("hex"),
  };
}
