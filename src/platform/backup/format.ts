import { COLUMN_KINDS, type TableShape } from "../db/table-shapes.ts";
import { OperatorError } from "../errors.ts";
import { ArchiveFault } from "./tar.ts";

/**
 * A backup is a tar file of these entries, in this order:
 *
 *   header.json                        what it is: whose, of when, which schema, which tables with which columns
 *   rows/<table>/<number>.ndjson.gz    the rows in the order of the header's tables and of their keys, a JSON array a line
 *   pictures/<number>.ndjson           what the following files are, a line for each, and what was not there
 *   files/<storage key>                a stored file
 *   manifest.json                      the header once more, and what has to come out: counts, hashes, sums
 *   sha256                             the hash of everything before it
 *
 * It is the same whichever database it was made from: rows are values, not statements (`row-lines.ts`).
 */
export const FORMAT = "atelier backup";
export const FORMAT_VERSION = 1;

export const HEADER_NAME = "header.json";
export const MANIFEST_NAME = "manifest.json";
export const SEAL_NAME = "sha256";
const PART_DIGITS = 6;

export const rowsName = (table: string, part: number) => `rows/${table}/${numbered(part)}.ndjson.gz`;
export const listName = (part: number) => `pictures/${numbered(part)}.ndjson`;
export const fileName = (key: string) => `files/${key}`;
const numbered = (part: number) => String(part).padStart(PART_DIGITS, "0");

export interface BackupHeader {
  format: typeof FORMAT;
  format_version: number;
  /** The version of the program that made it. */
  program: string;
  /** The moment whose state it holds, ISO 8601. */
  taken_at: string;
  /** `SQLite` or `PostgreSQL`; for people only. */
  database: string;
  /** The schema's steps that the database had taken. */
  migrations: string[];
  tables: TableShape[];
  with_files: boolean;
}

/** A sum of the books by which people see that it is all there. */
export interface BookSum {
  what: string;
  sum: string;
}

export interface TableTotals {
  rows: number;
  /** Of the rows' lines. */
  sha256: string;
}

export interface FileTotals {
  stored: number;
  bytes: number;
  /** Not there any more: past their time, or deleted, since the moment of the snapshot. */
  deleted: number;
  /** Not there though they should be. */
  lost: number;
  /** Of the lists' lines. */
  sha256: string;
}

export interface BackupManifest {
  header: BackupHeader;
  tables: Record<string, TableTotals>;
  sums: BookSum[];
  files: FileTotals;
}

/** A line of the list of stored files. */
export type ListedFile =
  | { key: string; mime: string; bytes: number; sha256: string }
  | { key: string; missing: "deleted" | "lost" };

/** Reads the first entry; throws an `OperatorError` for what another program, or a newer version of this one, has made. */
export function readHeader(bytes: Uint8Array): BackupHeader {
  const value = parsed(bytes) as Partial<BackupHeader> | null;
  if (value?.format !== FORMAT) throw new ArchiveFault("it was not made by atelier");
  if (typeof value.format_version !== "number" || value.format_version > FORMAT_VERSION) {
    throw new OperatorError(
      `The backup was made by a newer version of atelier (${value.program}), which writes it in another way. Restore it with that version.`,
    );
  }
  const tables = value.tables as TableShape[] | undefined;
  const isWhole =
    [value.program, value.taken_at, value.database].every((text) => typeof text === "string") &&
    typeof value.with_files === "boolean" &&
    !Number.isNaN(Date.parse(value.taken_at ?? "")) &&
    isListOf(value.migrations, (name) => typeof name === "string") &&
    isListOf(tables, isShape);
  if (!isWhole) throw new ArchiveFault("it has a damaged header");
  return value as BackupHeader;
}

export function readManifest(bytes: Uint8Array, header: BackupHeader): BackupManifest {
  const value = parsed(bytes) as BackupManifest | null;
  const isWhole =
    JSON.stringify(value?.header) === JSON.stringify(header) &&
    header.tables.every(({ name }) => Number.isSafeInteger(value?.tables?.[name]?.rows)) &&
    Object.keys(value?.tables ?? {}).length === header.tables.length &&
    isListOf(
      value?.sums,
      (line) => typeof (line as BookSum).what === "string" && typeof (line as BookSum).sum === "string",
    ) &&
    typeof value?.files === "object";
  if (!isWhole) throw new ArchiveFault("it has a damaged manifest");
  return value as BackupManifest;
}

/** The lines of a list of files. */
export function readList(bytes: Uint8Array): ListedFile[] {
  return linesOf(bytes).map((line) => {
    const listed = parsed(Buffer.from(line)) as Record<string, unknown> | null;
    const isFile = typeof listed?.mime === "string" && typeof listed.sha256 === "string";
    const isMissing = listed?.missing === "deleted" || listed?.missing === "lost";
    if (typeof listed?.key !== "string" || !(isFile || isMissing))
      throw new ArchiveFault("it has a damaged list of files");
    return listed as ListedFile;
  });
}

/** The lines of a part; each ends with a line end. */
export function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.endsWith("\n")) throw new ArchiveFault("it has a line without an end");
  return text.slice(0, -1).split("\n");
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}

/** Names of tables and columns; nothing else gets into a statement. */
const NAME = /^[a-z][a-z0-9_]*$/;

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isShape(value: unknown): boolean {
  const shape = value as TableShape | null;
  return (
    NAME.test(shape?.name ?? "") &&
    Array.isArray(shape?.columns) &&
    shape.columns.every((column) => NAME.test(column.name)) &&
    isListOf(shape.key, (name) => shape.columns.some((column) => column.name === name)) &&
    isListOf(shape.columns, (column) => COLUMN_KINDS.includes((column as TableShape["columns"][number]).kind))
  );
}
