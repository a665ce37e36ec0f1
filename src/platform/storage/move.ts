import { digestOf, type Storage, StorageFailure, StorageKeyTaken, type StoredFile } from "./storage.ts";

/** What a move did, or has done so far. */
export interface MoveReport {
  /** Files that the source held when the move began, and their bytes. */
  files: number;
  bytes: number;
  /** Looked at so far. */
  done: number;
  copied: number;
  /** At the target before this run. */
  already_there: number;
  /** Went away at the source meanwhile: deleted by the server, and so not kept at the target either. */
  gone: number;
  deleted_at_source: number;
  /** Neither copied nor deleted at the source; `faults` names the first of them. */
  failed: number;
  faults: string[];
}

export interface Move {
  from: Storage;
  to: Storage;
  /** Deletes each file at the source once its copy has been read back and is the same. */
  deleteSource: boolean;
  /** Takes a file at the target for the same when it has the same size, if nothing is deleted. */
  trustSizes: boolean;
  onProgress(report: MoveReport): void;
}

/** A file at a time would wait for the network most of the time. */
const FILES_AT_ONCE = 4;
/** So many one after another mean that a storage is away; what was copied stays copied. */
const FAULTS_IN_A_ROW_MAX = 10;
const FAULTS_NAMED_MAX = 20;
const MIME_BY_EXTENSION: Readonly<Record<string, string>> = { jpg: "image/jpeg", png: "image/png", webp: "image/webp" };

/**
 * Copies every file and reads each copy back: size and SHA-256 have to be those of the source. A file appears at the
 * target whole or not at all, so a move may be killed at any moment and run again; what is there already is compared, not
 * copied. Nothing is deleted at the source unless asked for, and then only behind a copy that was read back in this run.
 *
 * Beside a running server: what the server writes to the source behind this move's back is left for the next run. What
 * it deletes there while it is being copied is looked for once more after the copy, and then deleted at the target too.
 */
export async function moveFiles(move: Move): Promise<MoveReport> {
  const report: MoveReport = {
    files: 0,
    bytes: 0,
    done: 0,
    copied: 0,
    already_there: 0,
    gone: 0,
    deleted_at_source: 0,
    failed: 0,
    faults: [],
  };
  for await (const entry of move.from.list()) {
    report.files += 1;
    report.bytes += entry.bytes;
  }
  move.onProgress(report);
  let faultsInARow = 0;
  const keys = move.from.list()[Symbol.asyncIterator]();
  const worker = async () => {
    while (faultsInARow < FAULTS_IN_A_ROW_MAX) {
      const next = await keys.next();
      if (next.done) return;
      try {
        await moveFile(move, next.value.key, report);
        faultsInARow = 0;
      } catch (error) {
        if (!(error instanceof StorageFailure || error instanceof DifferentContent)) throw error;
        faultsInARow += 1;
        report.failed += 1;
        if (report.faults.length < FAULTS_NAMED_MAX) report.faults.push(`${next.value.key}: ${error.message}`);
      }
      report.done += 1;
      move.onProgress(report);
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
  return report;
}

class DifferentContent extends Error {
  override readonly name = "DifferentContent";
}

async function moveFile(move: Move, key: string, report: MoveReport): Promise<void> {
  const { from, to } = move;
  const source = await from.read(key);
  const outcome = source === null ? null : await copyOnce(move, key, source).catch((error: unknown) => ({ error }));
  // Read after the copy was written: a deletion before this moment is seen here, one after it deletes the copy as well.
  if (outcome === null || (await from.read(key)) === null) {
    if (outcome !== null) await to.delete(key);
    report.gone += 1;
    return;
  }
  if (typeof outcome === "object") throw outcome.error;
  report[outcome] += 1;
  if (!move.deleteSource) return;
  await from.delete(key);
  report.deleted_at_source += 1;
}

/** Throws `DifferentContent` where what is at the target is not the same. */
async function copyOnce(move: Move, key: string, source: StoredFile): Promise<"copied" | "already_there"> {
  const { to } = move;
  const earlier = await to.read(key);
  if (earlier !== null) {
    const isTrusted = move.trustSizes && !move.deleteSource && earlier.bytes === source.bytes;
    if (!isTrusted) await compare(earlier, await digestOf(source));
    return "already_there";
  }
  const watched = watch(source);
  try {
    await to.put(key, watched.file, {
      mime: MIME_BY_EXTENSION[key.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    });
  } catch (error) {
    // Another move was faster.
    if (error instanceof StorageKeyTaken) return copyOnce(move, key, source);
    throw error;
  }
  try {
    await compare(await to.read(key), watched.digest());
  } catch (error) {
    if (error instanceof DifferentContent) await to.delete(key);
    throw error;
  }
  return "copied";
}

async function compare(copy: StoredFile | null, expected: { bytes: number; sha256: string }): Promise<void> {
  if (copy === null) throw new DifferentContent("the copy is not at the target");
  const { bytes, sha256 } = await digestOf(copy);
  if (bytes !== expected.bytes) throw new DifferentContent(`${bytes} bytes at the target, not ${expected.bytes}`);
  if (sha256 !== expected.sha256) throw new DifferentContent("the copy at the target has another content");
}

/** The file, and the digest of what was last read of it to the end, so that it need not be read once more. */
function watch(source: StoredFile): { file: StoredFile; digest(): { bytes: number; sha256: string } } {
  let hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  const file: StoredFile = {
    ...source,
    stream() {
      hasher = new Bun.CryptoHasher("sha256");
      bytes = 0;
      return source.stream().pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(piece, controller) {
            hasher.update(piece);
            bytes += piece.byteLength;
            controller.enqueue(piece);
          },
        }),
      );
    },
  };
  return { file, digest: () => ({ bytes, sha256: hasher.digest("hex") }) };
}
