import { createHash } from "node:crypto";
import type { BulkSession, StoredRow } from "../db/bulk.ts";
import type { TableShape } from "../db/table-shapes.ts";
import type { BookSum, TableTotals } from "./format.ts";
import { lineOf } from "./row-lines.ts";

/** A part is closed once it is so large, so that memory is bounded whatever the table's size. */
const PART_BYTES = 2 * 1024 * 1024;
const PART_ROWS = 5_000;

export interface RowsPart {
  rows: number;
  lines: Uint8Array;
}

/** The table's rows as lines, in parts; returns what they come to. */
export async function* rowParts(session: BulkSession, table: TableShape): AsyncGenerator<RowsPart, TableTotals> {
  const hash = createHash("sha256");
  let total = 0;
  let rows = 0;
  let lines: string[] = [];
  let characters = 0;
  const close = (): RowsPart => {
    const part = { rows, lines: Buffer.from(lines.join("")) };
    hash.update(part.lines);
    total += rows;
    [rows, lines, characters] = [0, [], 0];
    return part;
  };
  for await (const batch of session.rows(table)) {
    for (const row of batch) {
      const line = lineOf(row);
      lines.push(line);
      rows += 1;
      characters += line.length;
      if (characters >= PART_BYTES || rows >= PART_ROWS) yield close();
    }
  }
  if (rows > 0) yield close();
  return { rows: total, sha256: hash.digest("hex") };
}

/** What a table comes to, without keeping its rows. */
export async function totalsOf(session: BulkSession, table: TableShape): Promise<TableTotals> {
  const parts = rowParts(session, table);
  for (;;) {
    const next = await parts.next();
    if (next.done) return next.value;
  }
}

/** A sum that a database is asked for: of a column, altogether or for each word of another column. */
export interface SumQuestion {
  what: string;
  table: string;
  column: string;
  by?: string;
}

/** The first sum that was found to be another than stated, in words; those of another version are not compared. */
export function otherSum(stated: readonly BookSum[], found: readonly BookSum[]): string | null {
  const known = new Map(stated.map(({ what, sum }) => [what, sum]));
  const wrong = found.find(({ what, sum }) => known.has(what) && known.get(what) !== sum);
  return wrong ? `The sum "${wrong.what}" is ${wrong.sum} and should be ${known.get(wrong.what)}.` : null;
}

/** Adds up rows that pass by, for a look at a backup without any database. */
export function createSummer(questions: readonly SumQuestion[]) {
  const sums = new Map<string, bigint>();
  return {
    add(table: TableShape, rows: readonly StoredRow[]): void {
      for (const { what, column, by } of questions.filter((question) => question.table === table.name)) {
        const place = (name: string | undefined) => table.columns.findIndex((one) => one.name === name);
        for (const row of place(column) < 0 ? [] : rows) {
          const line = by === undefined ? what : `${what}: ${row[place(by)]}`;
          const value = row[place(column)];
          sums.set(line, (sums.get(line) ?? 0n) + (typeof value === "bigint" ? value : 0n));
        }
      }
    },
    sums: (): BookSum[] => [...sums].map(([what, sum]) => ({ what, sum: String(sum) })),
  };
}

/** Asks for those that the schema knows; the database adds up by itself, which is another way than the rows took. */
export async function sumsOf(
  session: BulkSession,
  tables: readonly TableShape[],
  questions: readonly SumQuestion[],
): Promise<BookSum[]> {
  const sums: BookSum[] = [];
  for (const { what, table, column, by } of questions) {
    const columns = tables.find(({ name }) => name === table)?.columns.map(({ name }) => name) ?? [];
    if (!columns.includes(column) || (by !== undefined && !columns.includes(by))) continue;
    const part = by === undefined ? "''" : by;
    const rows = await session.query(
      `select ${part} as part, cast(coalesce(sum(${column}), 0) as text) as total from ${table}${by === undefined ? "" : ` group by ${by}`}`,
    );
    const lines = rows.map((row) => ({
      what: by === undefined ? what : `${what}: ${row.part}`,
      sum: String(row.total),
    }));
    sums.push(...lines.toSorted((a, b) => (a.what < b.what ? -1 : 1)));
  }
  return sums;
}
