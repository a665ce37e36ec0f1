import type { Clock } from "../clock.ts";
import type { BulkSession } from "../db/bulk.ts";
import type { Database } from "../db/database.ts";
import { existingTables } from "../db/inspect.ts";
import { appliedNames, type Migration, migrate, RESTORE_MARK } from "../db/migrate.ts";
import type { TableShape } from "../db/table-shapes.ts";
import { OperatorError } from "../errors.ts";
import type { BackupHeader, BackupManifest, BookSum, TableTotals } from "./format.ts";
import type { BackupPiece } from "./read.ts";
import { otherSum, type SumQuestion, sumsOf, totalsOf } from "./totals.ts";

/*
 * Filling an empty database:
 *
 *   look     it is empty, or was begun and not finished; nothing was changed so far
 *   begin    the schema of the backup, and with its first step a mark by which every command and server refuses to start
 *   load     one transaction: all rows, compared with the manifest as the database now reads them, and the mark removed
 *
 * Killed anywhere, the database is as it was, or marked and without rows, or complete.
 */

const MARK_STEP: Migration = { name: RESTORE_MARK, statements: "" };

/**
 * The steps that lead to the backup's schema. Throws an `OperatorError` for a backup of a newer program, or of another one.
 */
export function stepsTo(header: BackupHeader, own: readonly Migration[]): readonly Migration[] {
  const steps = own.slice(0, header.migrations.length);
  const unknown = header.migrations.find((name, place) => own[place]?.name !== name);
  if (unknown !== undefined || steps.length === 0) {
    throw new OperatorError(
      `The backup was made by atelier ${header.program}, whose schema this version does not know (${unknown ?? "it names none"}). ` +
        "Restore it with that version or a newer one. Nothing was changed.",
    );
  }
  return steps;
}

/** Whether a restore was begun here. Throws an `OperatorError` for a database that has rows, or a newer schema than the backup. */
export async function lookAtTarget(
  database: Database,
  header: BackupHeader,
  own: readonly Migration[],
): Promise<{ wasBegun: boolean }> {
  const steps = new Set(stepsTo(header, own).map(({ name }) => name));
  const applied = await appliedNames(database);
  const beyond = applied.find((name) => name !== RESTORE_MARK && !steps.has(name));
  if (beyond !== undefined) {
    throw new OperatorError(
      `The database has a newer schema than the backup (${beyond}). Give the backup a database that was never used; ` +
        "it is brought to this version's schema afterwards. Nothing was changed.",
    );
  }
  const present = new Set(await existingTables(database));
  const occupied: string[] = [];
  for (const { name } of header.tables.filter(({ name }) => present.has(name))) {
    if ((await database.raw(`select 1 as one from ${name} limit 1`)).length > 0) occupied.push(name);
  }
  if (occupied.length > 0) {
    const named = occupied.slice(0, 5).join(", ");
    throw new OperatorError(`The database is not empty: there are rows in ${named}. It stays as it is.`);
  }
  return { wasBegun: applied.includes(RESTORE_MARK) };
}

/** Makes the backup's schema, marked as not finished. */
export async function beginLoad(
  needs: { database: Database; clock: Clock },
  header: BackupHeader,
  own: readonly Migration[],
): Promise<void> {
  await migrate({ ...needs, migrations: [MARK_STEP, ...stepsTo(header, own)] });
}

export interface LoadOptions {
  session: BulkSession;
  header: BackupHeader;
  sums: readonly SumQuestion[];
  progress?: (rows: number) => void;
  /** Changes rows in the same transaction, after they were compared. */
  beforeCommit?: (session: BulkSession, header: BackupHeader) => Promise<void>;
}

/** What the filled database itself says; the same as the manifest, or it would not be there. */
export interface Loaded {
  manifest: BackupManifest;
  tables: Record<string, TableTotals>;
  sums: BookSum[];
}

/** Puts in what comes, compares it and commits. Throws, and nothing was put in, when anything differs. */
export async function loadRows(pieces: AsyncIterable<BackupPiece>, options: LoadOptions): Promise<Loaded> {
  const { session, header } = options;
  for (const table of header.tables) await refuseOtherColumns(session, table);
  let manifest: BackupManifest | null = null;
  let rows = 0;
  for await (const piece of pieces) {
    if (piece.kind === "manifest") manifest = piece.manifest;
    if (piece.kind !== "rows") continue;
    await session.insert(piece.table, piece.rows);
    rows += piece.rows.length;
    options.progress?.(rows);
  }
  if (manifest === null) throw new Error("a backup without a manifest was read to its end");
  const found = await compare(session, manifest, options.sums);
  await session.query(`delete from schema_migrations where name = '${RESTORE_MARK}'`);
  await options.beforeCommit?.(session, header);
  await session.commit();
  return { manifest, ...found };
}

async function refuseOtherColumns(session: BulkSession, table: TableShape): Promise<void> {
  const expected = table.columns.map(({ name }) => name).toSorted();
  const found = (await session.columns(table.name)).toSorted();
  if (expected.join() !== found.join()) {
    throw new OperatorError(
      `The table ${table.name} has other columns in the database (${found.join(", ")}) than in the backup (${expected.join(", ")}).`,
    );
  }
}

/** Reads everything back: counts and hashes of the rows, and the sums as this database adds them up. */
async function compare(session: BulkSession, manifest: BackupManifest, questions: readonly SumQuestion[]) {
  const tables: Record<string, TableTotals> = {};
  for (const table of manifest.header.tables) {
    const expected = manifest.tables[table.name];
    const found = await totalsOf(session, table);
    tables[table.name] = found;
    if (expected?.rows !== found.rows || expected.sha256 !== found.sha256) {
      throw new OperatorError(
        `The rows of ${table.name} read back differently than they were written (${found.rows} of ${expected?.rows}). Nothing was kept.`,
      );
    }
  }
  const sums = await sumsOf(session, manifest.header.tables, questions);
  const wrong = otherSum(manifest.sums, sums);
  if (wrong !== null) throw new OperatorError(`${wrong} Nothing was kept.`);
  return { tables, sums };
}
