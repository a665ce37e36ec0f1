import type { TableShape } from "./table-shapes.ts";

/**
 * One value as both databases understand it: text; a whole number; a moment as milliseconds since 1970; a flag; a JSON
 * document as its text with sorted keys (`canonicalJson`); or nothing.
 */
export type StoredValue = string | bigint | boolean | null;
/** Values in the order of the table's columns. */
export type StoredRow = readonly StoredValue[];

/**
 * Whole tables in or out, on a connection of its own with one transaction: a reading one sees the database as it was when
 * it was opened, however long it takes and whatever others write meanwhile; what a writing one does is there with
 * `commit`, all of it, or not at all.
 */
export interface BulkSession {
  /** Every row in the order of the key (text by its bytes), some hundred at a time. */
  rows(table: TableShape): AsyncIterable<StoredRow[]>;
  insert(table: TableShape, rows: readonly StoredRow[]): Promise<void>;
  /** The names of the table's columns in the database; empty where there is no such table. */
  columns(table: string): Promise<string[]>;
  /** Rows of a plain statement. */
  query(statement: string): Promise<Record<string, unknown>[]>;
  commit(): Promise<void>;
  /** Ends the session; what was not committed is gone. May be called again. */
  close(): Promise<void>;
}

/** Rows that pass through the program at a time. */
export const ROWS_AT_A_TIME = 500;

/** A name of the schema inside a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The JSON text of a value with its keys sorted, so that equal documents have equal texts. Throws for numbers beyond JSON's. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.keys(value).toSorted();
    const one = (name: string) => `${JSON.stringify(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`;
    return `{${members.map(one).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error("a number is too large for the program");
  return JSON.stringify(value);
}
