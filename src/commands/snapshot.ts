import { buildInfo } from "../build/build-info.ts";
import { ownMigrations } from "../context.ts";
import { bookSums } from "../features/billing/index.ts";
import {
  type BackupHeader,
  type BookSum,
  FORMAT,
  FORMAT_VERSION,
  type TableTotals,
} from "../platform/backup/format.ts";
import { sumsOf } from "../platform/backup/totals.ts";
import type { BulkSession } from "../platform/db/bulk.ts";
import { databaseKind } from "../platform/db/inspect.ts";
import { type TableShape, tableShapes } from "../platform/db/table-shapes.ts";
import * as tables from "../tables.ts";
import { table } from "./command.ts";
import { createProgressBar } from "./progress-bar.ts";

/** Every table of the product, in the order in which backups hold them. */
export const ownTables: readonly TableShape[] = tableShapes(tables);

/** What a backup of this program says of itself. */
export function headerOf(takenAt: Date, withFiles: boolean): BackupHeader {
  return {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    program: buildInfo.version,
    taken_at: takenAt.toISOString(),
    database: databaseKind(),
    migrations: ownMigrations.map(({ name }) => name),
    tables: [...ownTables],
    with_files: withFiles,
  };
}

export function ownSums(session: BulkSession): Promise<BookSum[]> {
  return sumsOf(session, ownTables, bookSums);
}

/** Rows of all tables, for the progress bar. */
export async function countRows(session: BulkSession): Promise<number> {
  let total = 0;
  for (const { name } of ownTables) {
    const [row] = await session.query(`select count(*) as rows from ${name}`);
    total += Number(row?.rows);
  }
  return total;
}

/** A bar on standard error at a terminal, and nothing elsewhere: a timer's mail needs none. */
export function progressAtTerminal() {
  const stream = process.stderr;
  const bar = createProgressBar(stream);
  return {
    isShown: stream.isTTY === true,
    show(done: number, total: number, label: string): void {
      if (stream.isTTY) bar.show(total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100)), label);
    },
    end: () => bar.end(),
  };
}

/** Counts of rows, and the sums of the books. */
export function shownContents(totals: Readonly<Record<string, TableTotals>>, sums: readonly BookSum[]): string {
  const filled = Object.entries(totals).filter(([, { rows }]) => rows > 0);
  return [
    table(
      ["table", "rows", "sha256"],
      filled.map(([name, { rows, sha256 }]) => [name, String(rows), sha256.slice(0, 16)]),
    ),
    "",
    table(
      ["sum", "value"],
      sums.map(({ what, sum }) => [what, sum]),
    ),
  ].join("\n");
}

/** A time span as people read it: `3.2 s`, `4 min 5 s`, `2 h 5 min`, `3 days 2 h`. */
export function shownSpan(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${days} days ${hours % 24} h`;
}

export function shownMib(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
