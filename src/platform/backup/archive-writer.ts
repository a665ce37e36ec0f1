import { createHash } from "node:crypto";
import { SEAL_NAME } from "./format.ts";
import { TAR_END, tarFilling, tarHeader } from "./tar.ts";

/** Where an archive goes: a file, or another process. */
export type ArchiveSink = (bytes: Uint8Array) => Promise<void>;

export interface ArchiveWriter {
  /** Appends an entry; resolves with the place of its first byte. */
  add(name: string, bytes: Uint8Array): Promise<number>;
  /** Appends the hash of everything and the end mark. */
  seal(): Promise<void>;
}

/** Writes entries one after another; all of them carry the moment of the snapshot. */
export function createArchiveWriter(sink: ArchiveSink, takenAt: Date): ArchiveWriter {
  const hash = createHash("sha256");
  const modified = Math.floor(takenAt.getTime() / 1000);
  let at = 0;
  const write = async (bytes: Uint8Array) => {
    hash.update(bytes);
    at += bytes.length;
    await sink(bytes);
  };
  const add = async (name: string, bytes: Uint8Array) => {
    await write(tarHeader({ name, bytes: bytes.length, modified }));
    const begins = at;
    await write(bytes);
    await write(tarFilling(bytes.length));
    return begins;
  };
  return {
    add,
    async seal() {
      await add(SEAL_NAME, Buffer.from(`${hash.copy().digest("hex")}\n`));
      await write(TAR_END);
    },
  };
}
