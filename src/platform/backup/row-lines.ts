import type { StoredRow, StoredValue } from "../db/bulk.ts";
import type { ColumnKind, TableShape } from "../db/table-shapes.ts";
import { ArchiveFault } from "./tar.ts";

/**
 * A row as a line: a JSON array in the order of the columns. Whole numbers and moments (milliseconds since 1970) are JSON
 * numbers up to 2^53 and their digits as text beyond, JSON documents are their canonical text, so nothing is rounded and
 * equal rows have equal lines.
 */
export function lineOf(row: StoredRow): string {
  return `[${row.map(jsonOf).join(",")}]\n`;
}

function jsonOf(value: StoredValue): string {
  if (typeof value !== "bigint") return JSON.stringify(value);
  return isSafe(value) ? String(value) : `"${value}"`;
}

const isSafe = (value: bigint) => value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
const INTEGER_MAX = 2n ** 63n - 1n;

/** Throws an `ArchiveFault` for a line that is no row of the table. */
export function rowOf(table: TableShape, line: string): StoredRow {
  let values: unknown = null;
  try {
    values = JSON.parse(line);
  } catch {
    // Said below.
  }
  if (!Array.isArray(values) || values.length !== table.columns.length) throw badRow(table);
  return table.columns.map(({ kind }, place) => fieldOf(table, kind, values[place]));
}

function fieldOf(table: TableShape, kind: ColumnKind, value: unknown): StoredValue {
  if (value === null) return null;
  if (kind === "flag" && typeof value === "boolean") return value;
  if ((kind === "text" || kind === "json") && typeof value === "string") return value;
  if (kind === "integer" || kind === "moment") {
    const isNumber = Number.isSafeInteger(value) || (typeof value === "string" && /^-?\d{1,19}$/.test(value));
    const number = isNumber ? BigInt(value as number | string) : null;
    if (number !== null && number <= INTEGER_MAX && number >= -INTEGER_MAX - 1n) return number;
  }
  throw badRow(table);
}

const badRow = (table: TableShape) => new ArchiveFault(`it has a damaged row of ${table.name}`);
