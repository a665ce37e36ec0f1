import { createHash, type Hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { StoredRow } from "../db/bulk.ts";
import type { TableShape } from "../db/table-shapes.ts";
import { isStorageKey } from "../storage/storage.ts";
import {
  type BackupHeader,
  type BackupManifest,
  fileName,
  HEADER_NAME,
  type ListedFile,
  linesOf,
  listName,
  MANIFEST_NAME,
  readHeader,
  readList,
  readManifest,
  rowsName,
  SEAL_NAME,
} from "./format.ts";
import { rowOf } from "./row-lines.ts";
import { ArchiveFault, type TarEntry, type TarSource, tarEntries } from "./tar.ts";

/** No part that the program writes is nearly as large, unless one row is. */
const PART_BYTES_MAX = 1024 * 1024 * 1024;

/** What comes out of a backup, in its order. */
export type BackupPiece =
  | { kind: "header"; header: BackupHeader }
  | { kind: "rows"; table: TableShape; rows: StoredRow[] }
  | { kind: "file"; key: string; mime: string; content: Uint8Array }
  | { kind: "missing"; key: string; missing: "deleted" | "lost" }
  | { kind: "manifest"; manifest: BackupManifest };

export interface ReadOptions {
  /** What is not wanted is leapt over, and not looked at. */
  rows: boolean;
  files: boolean;
  /** The hash of what was read so far, where the source knows it: then the seal is compared. */
  digest?: () => string;
}

/**
 * Reads a backup piece by piece and holds everything that it reads against what the backup says of itself. Throws an
 * `ArchiveFault` at the first contradiction, at the latest at the end: whoever has seen the end has a whole one.
 */
export async function* readBackup(source: TarSource, options: ReadOptions): AsyncGenerator<BackupPiece> {
  let digestBefore = "";
  const entries = tarEntries(source, () => {
    digestBefore = options.digest?.() ?? "";
  });
  const next = async (): Promise<TarEntry> => {
    const entry = await entries.next();
    if (entry.done) throw new ArchiveFault("it ends too early");
    return entry.value;
  };
  const first = await next();
  if (first.name !== HEADER_NAME) throw new ArchiveFault("it was not made by atelier");
  const header = readHeader(await first.content());
  yield { kind: "header", header };

  let entry = await next();
  const tables = new Map<string, { rows: number; hash: Hash }>();
  for (const table of header.tables) {
    const read = { rows: 0, hash: createHash("sha256") };
    tables.set(table.name, read);
    for (let part = 1; entry.name === rowsName(table.name, part); part += 1) {
      if (options.rows) {
        const rows = readRows(table, await entry.content(), read.hash);
        read.rows += rows.length;
        yield { kind: "rows", table, rows };
      }
      entry = await next();
    }
  }
  const files = { stored: 0, bytes: 0, deleted: 0, lost: 0, hash: createHash("sha256") };
  for (let part = 1; entry.name === listName(part); part += 1) {
    const list = await entry.content();
    files.hash.update(list);
    for (const listed of readList(list)) {
      if ("missing" in listed) {
        files[listed.missing] += 1;
        yield { kind: "missing", key: listed.key, missing: listed.missing };
        continue;
      }
      entry = await next();
      const content = await readFile(entry, listed, options.files);
      files.stored += 1;
      files.bytes += listed.bytes;
      if (content !== null) yield { kind: "file", key: listed.key, mime: listed.mime, content };
    }
    entry = await next();
  }

  if (entry.name !== MANIFEST_NAME) throw new ArchiveFault(`it has ${entry.name} where that does not belong`);
  const manifest = readManifest(await entry.content(), header);
  for (const [name, read] of options.rows ? tables : []) {
    const stated = manifest.tables[name];
    if (stated?.rows !== read.rows || stated.sha256 !== read.hash.digest("hex")) {
      throw new ArchiveFault(`it has other rows of ${name} than its manifest says`);
    }
  }
  const { hash, ...counts } = files;
  if (!isEqual(manifest.files, { ...counts, sha256: hash.digest("hex") })) {
    throw new ArchiveFault("it has other files than its manifest says");
  }
  entry = await next();
  const seal = Buffer.from(await entry.content()).toString("latin1");
  if (entry.name !== SEAL_NAME || (options.digest && seal !== `${digestBefore}\n`)) {
    throw new ArchiveFault("it is not what was written: its hash differs");
  }
  if (!(await entries.next()).done) throw new ArchiveFault("it goes on behind its end");
  yield { kind: "manifest", manifest };
}

function readRows(table: TableShape, packed: Uint8Array, hash: Hash): StoredRow[] {
  let lines: Uint8Array;
  try {
    lines = gunzipSync(packed, { maxOutputLength: PART_BYTES_MAX });
  } catch {
    throw new ArchiveFault(`it has a damaged part of ${table.name}`);
  }
  hash.update(lines);
  return linesOf(lines).map((line) => rowOf(table, line));
}

async function readFile(
  entry: TarEntry,
  listed: Exclude<ListedFile, { missing: unknown }>,
  isWanted: boolean,
): Promise<Uint8Array | null> {
  const fault = () => new ArchiveFault(`it has another file than it says at ${entry.name}`);
  if (!isStorageKey(listed.key) || entry.name !== fileName(listed.key) || entry.bytes !== listed.bytes) throw fault();
  if (!isWanted) return null;
  const content = await entry.content();
  if (createHash("sha256").update(content).digest("hex") !== listed.sha256) throw fault();
  return content;
}

function isEqual(stated: object, found: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(found).every(([name, value]) => (stated as Record<string, unknown>)[name] === value);
}
