import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ownMigrations } from "../../src/context.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { migrate } from "../../src/platform/db/migrate.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { PROGRAM } from "../support/program.ts";

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

async function tableNames(): Promise<string[]> {
  const rows = await open.raw(
    lane === "postgres"
      ? "select table_name as name from information_schema.tables where table_schema = 'public'"
      : "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
  );
  return rows.map((row) => String(row.name)).sort();
}

describe("atelier migrate", () => {
  async function atelier(...words: string[]) {
    const child = Bun.spawn([...PROGRAM, ...words], {
      cwd: database.dataFolder,
      env: { ...process.env, DATA_DIR: database.dataFolder, DATABASE_URL: database.url },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { out, err, code };
  }

  test("--status and --dry-run tell what is pending and change nothing; then it is applied, once", async () => {
    const status = await atelier("migrate", "--status");
    expect(status).toMatchObject({ code: 0, err: "" });
    for (const { name } of ownMigrations) expect(status.out).toMatch(new RegExp(`${name} +pending`));
    expect((await atelier("migrate", "--dry-run")).out).toContain(`Would apply: ${ownMigrations[0]?.name}`);
    expect(await tableNames()).toEqual([]);

    expect((await atelier("migrate")).out).toContain(`Applied: ${ownMigrations.map(({ name }) => name).join(", ")}`);
    expect(await tableNames()).toContain("users");
    expect((await atelier("migrate")).out).toBe("The schema is up to date.\n");
    expect((await atelier("migrate", "--status")).out).toMatch(/0000_first +\d{4}-\d\d-\d\dT/);
  });

  test("refuses a newer database with exit code 2 and one sentence, without a stack", async () => {
    await migrate({
      database: open,
      clock: systemClock,
      migrations: [...ownMigrations, { name: "9999_from_the_future", statements: "create table future (id integer)" }],
    });
    const refused = await atelier("migrate");
    expect(refused.code).toBe(2);
    expect(refused.err).toStartWith("atelier: The database was used by a newer version of atelier");
    expect(refused.err).not.toContain("    at ");
    expect(refused.err.trim().split("\n")).toHaveLength(1);
  });
});
