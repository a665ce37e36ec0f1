import { Database as SqliteFile } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { getTableColumns, getTableName, isTable, type Table } from "drizzle-orm";
import { migrations } from "../../drizzle/migrations.ts";
import { ownMigrations } from "../../src/context.ts";
import { copyBeforeMigrate } from "../../src/platform/db/copy-before-migrate.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { type Migration, migrate, migrationStates } from "../../src/platform/db/migrate.ts";
import { OperatorError } from "../../src/platform/errors.ts";
import * as tables from "../../src/tables.ts";
import { startChild } from "../support/child.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";

const clock = createTestClock();
let database: TestDatabase;
let open: Database;

beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
  open = await openTestDatabase(database);
});
afterEach(async () => {
  await open.close();
  await database.remove();
});

const run = (list: readonly Migration[], beforeChange?: () => Promise<void>) =>
  migrate({ database: open, clock, migrations: list }, beforeChange);
const states = (list: readonly Migration[]) => migrationStates({ database: open, clock, migrations: list });

const FIRST: Migration = { name: "0000_people", statements: "create table people (id integer primary key, name text)" };
const SECOND: Migration = {
  name: "0001_pets",
  statements: [
    "create table pets (id integer primary key, owner integer references people (id))",
    "insert into people (id, name) values (1, 'first')",
    "insert into pets (id, owner) values (1, 1)",
  ].join(";--> statement-breakpoint\n"),
};

async function tableNames(): Promise<string[]> {
  const rows = await open.raw(
    lane === "postgres"
      ? "select table_name as name from information_schema.tables where table_schema = 'public'"
      : "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
  );
  return rows.map((row) => String(row.name)).sort();
}

describe("the files in drizzle/", () => {
  test.each(["sqlite", "postgres"] as const)(
    "are all listed in drizzle/migrations.ts, in their order (%s)",
    (dialect) => {
      const folder = resolve(import.meta.dir, "../../drizzle", dialect);
      const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
      expect(files.length).toBeGreaterThan(0);
      expect(migrations[dialect].map(({ name }) => `${name}.sql`)).toEqual(files.sort());
    },
  );

  test.each(["sqlite", "postgres"] as const)("are carried as the text that stands there (%s)", async (dialect) => {
    for (const { name, statements } of migrations[dialect]) {
      const file = resolve(import.meta.dir, "../../drizzle", dialect, `${name}.sql`);
      expect(statements).toBe(await Bun.file(file).text());
    }
  });

  test("have the same steps in both dialects", () => {
    expect(migrations.postgres.map(({ name }) => name)).toEqual(migrations.sqlite.map(({ name }) => name));
  });
});

describe("migrating", () => {
  test("a fresh database gets every step, with the moment at which it took it", async () => {
    expect((await states(ownMigrations)).every((state) => state.appliedAt === null)).toBe(true);
    expect(await run(ownMigrations)).toEqual(ownMigrations.map(({ name }) => name));
    for (const state of await states(ownMigrations)) expect(state.appliedAt).toEqual(clock.now());
  });

  test("makes the tables and columns that the code expects, with the same duties", async () => {
    await run(ownMigrations);
    const expected = Object.values<unknown>(tables)
      .filter((value): value is Table => isTable(value))
      .flatMap((table) =>
        Object.values(getTableColumns(table)).map(
          (column) => `${getTableName(table)}.${column.name}${column.notNull ? " not null" : ""}`,
        ),
      );
    const rows = await open.raw(
      lane === "postgres"
        ? `select table_name || '.' || column_name || case is_nullable when 'NO' then ' not null' else '' end as line
           from information_schema.columns where table_schema = 'public'`
        : `select t.name || '.' || c.name || case c."notnull" when 1 then ' not null' else '' end as line
           from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`,
    );
    const found = rows.map((row) => String(row.line)).filter((line) => !line.startsWith("schema_migrations."));
    expect(found.sort()).toEqual(expected.sort());
  });

  test("a second time changes nothing and asks for no copy", async () => {
    await run(ownMigrations);
    const before = await open.raw("select * from schema_migrations");
    let copies = 0;
    const again = await run(ownMigrations, async () => {
      copies += 1;
    });
    expect(again).toEqual([]);
    expect(copies).toBe(0);
    expect(await open.raw("select * from schema_migrations")).toEqual(before);
  });

  test("takes up where an older version stopped", async () => {
    await run([FIRST]);
    await open.raw("insert into people (id, name) values (7, 'kept')");
    expect(await run([FIRST, SECOND])).toEqual([SECOND.name]);
    expect(await open.raw("select id from people order by id")).toEqual([{ id: 1 }, { id: 7 }]);
  });

  test("undoes a step that fails in the middle, keeps those before it, and resumes once it is mended", async () => {
    const broken = { ...SECOND, statements: `${SECOND.statements};--> statement-breakpoint\nthis is not SQL` };
    await expect(run([FIRST, broken])).rejects.toThrow();
    expect(await tableNames()).toEqual(["people", "schema_migrations"]);
    expect((await states([FIRST, SECOND])).map((state) => state.appliedAt !== null)).toEqual([true, false]);
    expect(await run([FIRST, SECOND])).toEqual([SECOND.name]);
    expect(await open.raw("select owner from pets")).toEqual([{ owner: 1 }]);
  });

  test("several programs at once on a fresh database all succeed, and each step is taken once", async () => {
    const others = await Promise.all(Array.from({ length: 7 }, () => openTestDatabase(database)));
    try {
      // Connected before, so that they really begin at once.
      for (const other of others) await other.raw("select 1");
      const results = await Promise.all(
        [open, ...others].map((each) => migrate({ database: each, clock, migrations: ownMigrations })),
      );
      expect(results.flat().sort()).toEqual(ownMigrations.map(({ name }) => name));
    } finally {
      for (const other of others) await other.close();
    }
  });

  test("two processes that start at once on a fresh database both succeed", async () => {
    const input = { url: database.url, dataFolder: database.dataFolder, migrations: ownMigrations };
    const children = [startChild("migrate-child.ts", input), startChild("migrate-child.ts", input)];
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0]);
    const applied = children.flatMap(
      (child) => JSON.parse(/applied (.*)/.exec(child.output())?.[1] ?? "[]") as string[],
    );
    // Which of the two applies which step is their own affair; each is applied once.
    expect(applied.toSorted()).toEqual(ownMigrations.map(({ name }) => name));
  });

  test("F18 a process killed in the middle of a step leaves nothing of it, and the next one resumes", async () => {
    const slow =
      lane === "postgres"
        ? "select pg_sleep(1.5)"
        : "insert into pets (id) with recursive c (n) as (select 10 union all select n + 1 from c where n < 30000000) select max(n) from c";
    const killed: Migration = { ...SECOND, statements: `${SECOND.statements};--> statement-breakpoint\n${slow}` };
    const input = { url: database.url, dataFolder: database.dataFolder, migrations: [FIRST, killed] };
    const child = startChild("migrate-child.ts", input);
    await child.hasPrinted("step 2 begins");
    await Bun.sleep(200);
    child.kill("SIGKILL");
    await child.exited;
    expect(child.output()).not.toContain("applied");

    expect((await states([FIRST, SECOND])).map((state) => state.appliedAt !== null)).toEqual([true, false]);
    expect(await tableNames()).toEqual(["people", "schema_migrations"]);
    expect(await run([FIRST, SECOND])).toEqual([SECOND.name]);
    expect(await tableNames()).toEqual(["people", "pets", "schema_migrations"]);
  });

  test("a database that a newer version has used is refused with a sentence that says what to do", async () => {
    await run([...ownMigrations, { name: "9999_from_the_future", statements: "create table future (id integer)" }]);
    const refusal = await run(ownMigrations).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OperatorError);
    expect(String(refusal)).toContain('newer version of atelier (it has the migration "9999_from_the_future"');
    expect(String(refusal)).toContain("restore a backup");
    await expect(states(ownMigrations)).rejects.toThrow(OperatorError);
  });

  test("a step whose text has changed since the database took it is refused", async () => {
    await run([FIRST]);
    const changed = { ...FIRST, statements: `${FIRST.statements} ` };
    const refusal = await run([changed, SECOND]).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OperatorError);
    expect(String(refusal)).toContain('"0000_people" reads differently');
    expect(await tableNames()).toEqual(["people", "schema_migrations"]);
  });

  test("a table that others refer to can be built anew without losing a row", async () => {
    await run([FIRST, SECOND]);
    // Written the way drizzle-kit writes it for SQLite.
    const rebuild = [
      "create table __new_people (id integer primary key, name text not null, nick text)",
      "insert into __new_people (id, name) select id, name from people",
      lane === "postgres" ? "alter table pets drop constraint pets_owner_fkey" : "pragma foreign_keys = off",
      "drop table people",
      "alter table __new_people rename to people",
      lane === "postgres"
        ? "alter table pets add foreign key (owner) references people (id)"
        : "pragma foreign_keys = on",
    ].join(";--> statement-breakpoint\n");
    await run([FIRST, SECOND, { name: "0002_rebuild", statements: rebuild }]);
    expect(await open.raw("select people.name, pets.id from pets join people on people.id = pets.owner")).toEqual([
      { name: "first", id: 1 },
    ]);
    // References are watched again afterwards.
    await expect(open.raw("insert into pets (id, owner) values (2, 99)")).rejects.toThrow();
  });

  test("a step that would leave rows without what they refer to is undone", async () => {
    await run([FIRST, SECOND]);
    await expect(run([FIRST, SECOND, { name: "0002_loss", statements: "delete from people" }])).rejects.toThrow();
    expect(await open.raw("select count(*) as people from people")).toEqual([
      { people: lane === "postgres" ? "1" : 1 },
    ]);
  });

  test.skipIf(lane === "sqlite")(
    "a step may take longer than a statement of the server (SQLite has no such limit)",
    async () => {
      const { openDatabase } = await import("../../src/platform/db/open.ts");
      const hurried = await openDatabase({ ...database, poolMax: 2, prepare: true, statementTimeoutMs: 100 });
      try {
        const slow = { name: "0000_slow", statements: "select pg_sleep(0.4)" };
        expect(await migrate({ database: hurried, clock, migrations: [slow] })).toEqual(["0000_slow"]);
        await expect(hurried.raw("select pg_sleep(0.4)")).rejects.toThrow(/statement timeout/);
      } finally {
        await hurried.close();
      }
    },
  );
});

describe.skipIf(lane === "postgres")("the copy before a change (SQLite only: Postgres has its own means)", () => {
  const copy = () => copyBeforeMigrate(open, clock, database.dataFolder);

  test("holds everything as it was, and only the change stands in the database itself", async () => {
    await run([FIRST]);
    await open.raw("insert into people (id, name) values (5, 'Анна')");
    let path: string | null = null;
    await run([FIRST, SECOND], async () => {
      path = await copy();
    });
    expect(path).toBe(
      join(database.dataFolder, "atelier-before-migration-20261118T090000000Z.sqlite") as unknown as null,
    );
    const copied = new SqliteFile(path ?? "", { readonly: true });
    expect(copied.query("pragma integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    expect(copied.query("select id, name from people").all()).toEqual([{ id: 5, name: "Анна" }]);
    expect(copied.query("select name from sqlite_master where name = 'pets'").all()).toEqual([]);
    copied.close();
    expect(await tableNames()).toContain("pets");
  });

  test("is not made of a database that is new", async () => {
    expect(await copy()).toBeNull();
    expect(readdirSync(database.dataFolder).filter((name) => name.includes("before-migration"))).toEqual([]);
  });
});
