import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** What the content of a file must be. */
export interface FileFacts {
  bytes: number;
  sha256: string;
}

/** The whole file at once would stay in the idle process: 18 MB of native code, more than a fifth of what it has. */
const READ_CHUNK_BYTES = 128 * 1024;

/** Whether a regular file with just these bytes is there. Links are not followed. */
export function holdsExactly(path: string, expected: FileFacts): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size !== expected.bytes) return false;
    const hasher = new Bun.CryptoHasher("sha256");
    const chunk = new Uint8Array(READ_CHUNK_BYTES);
    for (let read = 1; read > 0; ) {
      read = readSync(descriptor, chunk, 0, chunk.length, null);
      hasher.update(chunk.subarray(0, read));
    }
    return hasher.digest("hex") === expected.sha256;
  } catch {
    return false;
  } finally {
    closeSync(descriptor);
  }
}
