import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { BulkSession, StoredRow } from "../db/bulk.ts";
import type { TableShape } from "../db/table-shapes.ts";
import type { Storage } from "../storage/storage.ts";
import { type ArchiveSink, type ArchiveWriter, createArchiveWriter } from "./archive-writer.ts";
import {
  type BackupHeader,
  type BackupManifest,
  type BookSum,
  type FileTotals,
  fileName,
  HEADER_NAME,
  type ListedFile,
  linesOf,
  listName,
  MANIFEST_NAME,
  rowsName,
  type TableTotals,
} from "./format.ts";
import { rowOf } from "./row-lines.ts";
import { rowParts } from "./totals.ts";

/** Stored files that are held in memory until their list is written before them. */
const LIST_BYTES = 16 * 1024 * 1024;
const LIST_FILES = 100;
/** Fast, and within a tenth of what the best level saves. */
const COMPRESSION_LEVEL = 5;

/** How the stored files are found. */
export interface FilesToTake {
  storage: Storage;
  /** The table whose rows name them, and what a row names; null where its file is gone anyway. */
  table: string;
  of(row: Readonly<Record<string, StoredRow[number]>>): { key: string; mime: string } | null;
  /** Asked of a file that is not there: whether that is as it should be by now. */
  isDeletedByNow(key: string): Promise<boolean>;
  /** What was written so far, from `at` on: the rows are read back instead of being kept. */
  reread(at: number, bytes: number): Promise<Uint8Array>;
}

export interface TakeOptions {
  header: BackupHeader;
  /** The snapshot. It is closed as soon as the rows are written, before the stored files are read. */
  session: BulkSession;
  sums(): Promise<BookSum[]>;
  sink: ArchiveSink;
  /** Null leaves them out. */
  files: FilesToTake | null;
  /** Called again and again: how much is done, and of what. */
  progress?: (done: { rows: number; files: number; table: string | null }) => void;
  /** Called for each stored file that is not there. */
  missing?: (file: { key: string; missing: "deleted" | "lost" }) => void;
}

/** Where a part of the table that names the files stands in the archive. */
interface Place {
  at: number;
  bytes: number;
}

/** Writes a whole backup to the sink; returns its manifest. */
export async function takeBackup(options: TakeOptions): Promise<BackupManifest> {
  const { header, session } = options;
  const archive = createArchiveWriter(options.sink, new Date(header.taken_at));
  await archive.add(HEADER_NAME, json(header));
  const { tables, places } = await takeRows(options, archive);
  const sums = await options.sums();
  await session.close();
  const files = await takeFiles(options, archive, places);
  const manifest: BackupManifest = { header, tables, sums, files };
  await archive.add(MANIFEST_NAME, json(manifest));
  await archive.seal();
  return manifest;
}

async function takeRows({ header, session, files, progress }: TakeOptions, archive: ArchiveWriter) {
  const tables: Record<string, TableTotals> = {};
  const places: Place[] = [];
  let rows = 0;
  for (const table of header.tables) {
    const parts = rowParts(session, table);
    for (let number = 1; ; number += 1) {
      const part = await parts.next();
      if (part.done) {
        tables[table.name] = part.value;
        break;
      }
      const packed = gzipSync(part.value.lines, { level: COMPRESSION_LEVEL });
      const at = await archive.add(rowsName(table.name, number), packed);
      if (table.name === files?.table) places.push({ at, bytes: packed.length });
      rows += part.value.rows;
      progress?.({ rows, files: 0, table: table.name });
    }
  }
  return { tables, places };
}

async function takeFiles(options: TakeOptions, archive: ArchiveWriter, places: readonly Place[]): Promise<FileTotals> {
  const hash = createHash("sha256");
  const totals: Omit<FileTotals, "sha256"> = { stored: 0, bytes: 0, deleted: 0, lost: 0 };
  const { files, header } = options;
  const table = header.tables.find(({ name }) => name === files?.table);
  if (files === null || table === undefined) return { ...totals, sha256: hash.digest("hex") };
  let list: ListedFile[] = [];
  let contents: { key: string; bytes: Uint8Array }[] = [];
  let held = 0;
  let lists = 0;
  const flush = async () => {
    if (list.length === 0) return;
    lists += 1;
    const lines = Buffer.from(list.map((file) => `${JSON.stringify(file)}\n`).join(""));
    hash.update(lines);
    await archive.add(listName(lists), lines);
    for (const { key, bytes } of contents) await archive.add(fileName(key), bytes);
    [list, contents, held] = [[], [], 0];
  };
  for await (const { key, mime } of namedFiles(files, table, places)) {
    const stored = await files.storage.read(key);
    // Between the look and the reading a deletion may come.
    const bytes = stored === null ? null : await stored.content().catch(() => null);
    if (bytes === null) {
      // A storage that does not answer must not pass for a file that is gone.
      if ((await files.storage.read(key)) !== null) throw new Error(`the storage does not give out ${key}`);
      const missing = (await files.isDeletedByNow(key)) ? "deleted" : "lost";
      totals[missing] += 1;
      list.push({ key, missing });
      options.missing?.({ key, missing });
    } else {
      list.push({ key, mime, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
      contents.push({ key, bytes });
      held += bytes.length;
      totals.stored += 1;
      totals.bytes += bytes.length;
    }
    if (held >= LIST_BYTES || list.length >= LIST_FILES) await flush();
    options.progress?.({ rows: 0, files: totals.stored + totals.deleted + totals.lost, table: null });
  }
  await flush();
  return { ...totals, sha256: hash.digest("hex") };
}

async function* namedFiles(files: FilesToTake, table: TableShape, places: readonly Place[]) {
  for (const { at, bytes } of places) {
    for (const line of linesOf(gunzipSync(await files.reread(at, bytes)))) {
      const row = rowOf(table, line);
      const named = files.of(Object.fromEntries(table.columns.map(({ name }, place) => [name, row[place] ?? null])));
      if (named !== null) yield named;
    }
  }
}

function json(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
