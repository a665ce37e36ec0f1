import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownMigrations } from "../../src/context.ts";
import { bookSums } from "../../src/features/billing/index.ts";
import { FORMAT, FORMAT_VERSION } from "../../src/platform/backup/format.ts";
import { takeBackup } from "../../src/platform/backup/take.ts";
import { sumsOf } from "../../src/platform/backup/totals.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { databaseKind, existingTables } from "../../src/platform/db/inspect.ts";
import { migrate } from "../../src/platform/db/migrate.ts";
import { openBulk } from "../../src/platform/db/open-bulk.ts";
import { type TableShape, tableShapes } from "../../src/platform/db/table-shapes.ts";
import * as tables from "../../src/tables.ts";
import { backupFolder, dumpOf, operate } from "../support/backups.ts";
import { createTestDatabase, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { seedGenerations } from "../support/seed-generations.ts";

const GENERATIONS = 200;
const made: TestDatabase[] = [];
afterAll(async () => {
  for (const database of made) await database.remove();
});

async function place(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true });
  made.push(database);
  return database;
}

const optionsOf = (database: TestDatabase) => ({ ...database, poolMax: 1, prepare: true, statementTimeoutMs: 0 });

/** A database as the first version of the program left it, with rows, and its backup. */
async function backupOfFirstVersion(): Promise<{ file: string; shapes: readonly TableShape[] }> {
  const old = await place();
  const open = await openTestDatabase(old);
  const migrations = ownMigrations.slice(0, 1);
  await migrate({ database: open, clock: systemClock, migrations });
  const present = await existingTables(open);
  await open.close();
  const look = await openBulk(optionsOf(old), "read");
  const shapes: TableShape[] = [];
  for (const shape of tableShapes(tables).filter(({ name }) => present.includes(name))) {
    const columns = await look.columns(shape.name);
    shapes.push({ ...shape, columns: shape.columns.filter(({ name }) => columns.includes(name)) });
  }
  await look.close();
  await seedGenerations(old, GENERATIONS, { shapes });
  const session = await openBulk(optionsOf(old), "read");
  const pieces: Uint8Array[] = [];
  await takeBackup({
    header: {
      ...{ format: FORMAT, format_version: FORMAT_VERSION, program: "0.0.1", taken_at: new Date().toISOString() },
      ...{
        database: databaseKind(),
        migrations: migrations.map(({ name }) => name),
        tables: shapes,
        with_files: false,
      },
    },
    session,
    sums: () => sumsOf(session, shapes, bookSums),
    sink: async (bytes) => void pieces.push(bytes),
    files: null,
  });
  const file = join(backupFolder(), "old.tar");
  writeFileSync(file, Buffer.concat(pieces));
  return { file, shapes };
}

describe("the backup of an older version", () => {
  test("F20 is restored as it was and then brought to this version's schema; one with a newer schema in place is refused", async () => {
    const { file, shapes } = await backupOfFirstVersion();
    expect(shapes.length).toBeLessThan(tableShapes(tables).length);
    const target = await place();
    const { code, out, err } = await operate(target, "restore", file);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`The credits of all ${GENERATIONS / 20} people add up.`);
    const dump = await dumpOf(target);
    expect(dump.generations?.rows).toBe(GENERATIONS);
    expect(dump.users?.rows).toBe(GENERATIONS / 20);
    expect((await operate(target, "migrate", "--status")).out).not.toContain("pending");

    const newer = await place();
    expect((await operate(newer, "migrate")).code).toBe(0);
    const refused = await operate(newer, "restore", file);
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(refused.err).toContain("The database has a newer schema than the backup");
    expect((await dumpOf(newer)).users?.rows).toBe(0);
  }, 60_000);
});
