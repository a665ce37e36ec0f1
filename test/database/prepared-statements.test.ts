import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { eq, inArray } from "drizzle-orm";
import type { Database } from "../../src/platform/db/database.ts";
import { openDatabase } from "../../src/platform/db/open.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { createTestDatabase, lane, type TestDatabase } from "../support/database.ts";

describe.skipIf(lane === "sqlite")("statements on Postgres (SQLite compiles in the same process)", () => {
  let database: TestDatabase;
  let open: Database;
  const reopen = async (prepare: boolean) => {
    await open?.close();
    // One connection, because prepared statements belong to it.
    open = await openDatabase({ ...database, poolMax: 1, prepare, statementTimeoutMs: 5_000 });
  };
  beforeEach(async () => {
    database = await createTestDatabase();
    await reopen(true);
  });
  afterEach(async () => {
    await open.close();
    await database.remove();
  });

  const prepared = async () => {
    const rows = await open.raw("select statement from pg_prepared_statements where statement like '%schedules%'");
    return rows.map((row) => String(row.statement)).sort();
  };
  const row = (name: string) => ({ name, lastSlot: new Date(0), runs: 0 });
  const byNames = (names: string[]) => open.queries.select().from(schedules).where(inArray(schedules.name, names));

  test("whose text stays the same are prepared once, inside transactions too", async () => {
    for (const name of ["a", "b", "c"]) {
      await open.queries.select().from(schedules).where(eq(schedules.name, name));
      await open.transaction(async (queries) => {
        await queries.insert(schedules).values(row(name));
        await queries.delete(schedules).where(eq(schedules.name, name));
      });
    }
    expect((await prepared()).map((statement) => statement.split(" ")[0])).toEqual(["delete", "insert", "select"]);
  });

  test("whose text grows with a list are not, so that a connection does not collect one for each length", async () => {
    for (let length = 2; length <= 6; length += 1) {
      const names = Array.from({ length }, (_, index) => `${length}-${index}`);
      await open.queries.insert(schedules).values(names.map(row));
      expect(await byNames(names)).toHaveLength(length);
      await open.queries.delete(schedules).where(inArray(schedules.name, names));
    }
    expect(await prepared()).toEqual([]);
  });

  test("are not prepared at all where a pooler could not carry them", async () => {
    await reopen(false);
    await open.transaction((queries) => queries.insert(schedules).values(row("a")));
    expect(await byNames(["a"])).toHaveLength(1);
    expect(await prepared()).toEqual([]);
  });
});
