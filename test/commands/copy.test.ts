import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import postgresClient from "postgres";
import { lockDataFolder } from "../../src/platform/single-server-lock.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { backUp, backupFolder, dumpOf, operate, type Place } from "../support/backups.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, lane, type TestDatabase } from "../support/database.ts";
import { fillEveryTable, STRANGE_TEXT } from "../support/every-table.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { runProgram, settingsOf, startProgram } from "./program.ts";

let app: TestApp;
const databases: TestDatabase[] = [];

/** An empty folder, into which a copy or a restore makes a SQLite file, in either lane. */
const sqlitePlace = (): Place => ({ url: "", dataFolder: makeTemporaryFolder("atelier-copy-") });

async function postgresPlace(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  return database;
}

beforeAll(async () => {
  app = await startTestApp({ clock: createTestClock(new Date()), keepOpen: true });
  await fillEveryTable(app);
}, 60_000);
afterAll(async () => {
  await app.close();
  for (const database of databases) await database.remove();
});

describe("atelier copy", () => {
  test("refuses while a server works on the database, says what it does not understand, and never copies onto itself", async () => {
    const unlock = lane === "sqlite" ? lockDataFolder(app.database.dataFolder) : () => {};
    const target = sqlitePlace();
    const refused = await operate(app.database, "copy", "--to", `sqlite:${target.dataFolder}`);
    unlock();
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(refused.err).toContain("A server, or another command, works on this database");
    expect(readdirSync(target.dataFolder)).toEqual([]);
    for (const to of ["mysql://x", "sqlite:", "/folder", "postgres://"]) {
      expect((await operate(app.database, "copy", "--to", to)).code).toBe(2);
    }
    expect((await operate(app.database, "copy")).err).toContain("--to is missing.");
    const self = lane === "sqlite" ? `sqlite:${app.database.dataFolder}` : app.database.url;
    expect((await operate(app.database, "copy", "--to", self)).err).toContain(
      "--to names the database that the settings name",
    );
  });

  test("beside a server copies the rows of one moment and compares counts, hashes and sums", async () => {
    const target = sqlitePlace();
    const before = await dumpOf(app.database);
    const { code, out, err } = await operate(
      app.database,
      "copy",
      "--to",
      `sqlite:${target.dataFolder}`,
      "--beside-server",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const users = before.users?.sha256.slice(0, 16);
    expect(out).toMatch(new RegExp(`^users +2 +${users} +2 +${users}$`, "m"));
    expect(out).toMatch(/^credits to spend +(\d+) +\1$/m);
    expect(out).toContain(`set DATA_DIR=${target.dataFolder}`);
    expect(await dumpOf(target)).toEqual(before);
    expect((await operate(target, "ledger", "verify")).code).toBe(0);
    // Pictures are not copied, and nothing goes into what has rows.
    expect(existsSync(join(target.dataFolder, "files"))).toBe(false);
    const again = await operate(app.database, "copy", "--to", `sqlite:${target.dataFolder}`, "--beside-server");
    expect(again).toMatchObject({ code: 1, out: "" });
    expect(again.err).toContain("The database is not empty");
    expect(again.err).toContain("Nothing was copied");
    expect(await dumpOf(target)).toEqual(before);
  }, 60_000);
});

describe.skipIf(lane === "sqlite")("between both kinds of database (needs the server of the Postgres lane)", () => {
  test("SQLite -> Postgres -> SQLite gives equal dumps, by copy and by backup and restore", async () => {
    const before = await dumpOf(app.database);
    const sqlite = sqlitePlace();
    await copyBetween(app.database, sqlite, "--beside-server");
    const postgres = await postgresPlace();
    await copyBetween(sqlite, postgres);
    expect(await dumpOf(postgres)).toEqual(before);
    const back = sqlitePlace();
    await copyBetween(postgres, back);
    expect(await dumpOf(back)).toEqual(before);

    const file = join(backupFolder(), "sqlite.tar");
    await backUp(back, file);
    const restored = await postgresPlace();
    expect((await operate(restored, "restore", file, "--no-hold")).code).toBe(0);
    expect(await dumpOf(restored)).toEqual(before);
    const second = join(backupFolder(), "postgres.tar");
    await backUp(restored, second);
    const third = sqlitePlace();
    const { code, out } = await operate(third, "restore", second, "--no-hold");
    expect(code).toBe(0);
    expect(out).toContain("people add up.");
    expect(await dumpOf(third)).toEqual(before);
  }, 120_000);

  test("documents whose keys stand in any order, and a database that sorts in a language, make no difference", async () => {
    const sqlite = sqlitePlace();
    await copyBetween(app.database, sqlite, "--beside-server");
    const file = new Database(join(sqlite.dataFolder, "atelier.sqlite"));
    // As an older program, or a hand, may have written it: Postgres would keep neither the order nor the blanks.
    file.run(`update live_events set data = '{ "zz": 1, "a": [ 1.0, 1e2 ], "b": {"y":1,"x":"\\u0041"} }'`);
    file.close();
    const before = await dumpOf(sqlite);
    const postgres = await postgresPlace();
    const sorting = await sortingInEnglish(postgres);
    await copyBetween(sqlite, sorting);
    expect(await dumpOf(sorting)).toEqual(before);
    await sorting.remove();
  }, 60_000);

  test("nobody reads the target's password in the list of processes", async () => {
    const sqlite = sqlitePlace();
    await copyBetween(app.database, sqlite, "--beside-server");
    const postgres = await postgresPlace();
    const url = new URL(postgres.url);
    const password = url.password;
    url.password = "";
    expect(password.length).toBeGreaterThan(10);
    // As somebody types it who keeps it out of the command line.
    const run = startProgram(["copy", "--to", url.toString()], {
      environment: { ...settingsOf(sqlite), PGPASSWORD: password },
    });
    let isOver = false;
    void run.exited.then(() => {
      isOver = true;
    });
    const seen = new Set<string>();
    while (!isOver) {
      for (const line of commandLines()) if (line.includes("\0copy\0")) seen.add(line);
      await Bun.sleep(5);
    }
    expect(await run.exited).toBe(0);
    expect([...seen].some((line) => line.includes("\0receive\0"))).toBe(true);
    expect([...seen].filter((line) => line.includes(password))).toEqual([]);

    // Typed into the address, it goes no further than to where it was typed.
    const other = await postgresPlace();
    const typed = startProgram(["copy", "--to", other.url], { environment: settingsOf(sqlite) });
    const own = new Set<string>();
    let isTypedOver = false;
    void typed.exited.then(() => {
      isTypedOver = true;
    });
    while (!isTypedOver) {
      for (const line of commandLines()) if (line.includes("\0receive\0")) own.add(line);
      await Bun.sleep(5);
    }
    expect(await typed.exited).toBe(0);
    expect(own.size).toBeGreaterThan(0);
    expect([...own].filter((line) => line.includes(new URL(other.url).password))).toEqual([]);
  }, 60_000);

  test("text that Postgres cannot hold is named, and nothing is kept", async () => {
    const sqlite = sqlitePlace();
    await copyBetween(app.database, sqlite, "--beside-server");
    const file = new Database(join(sqlite.dataFolder, "atelier.sqlite"));
    file.run("update users set first_name = 'a' || char(0) || 'b'");
    file.close();
    const postgres = await postgresPlace();
    const { code, err } = await operate(sqlite, "copy", "--to", postgres.url);
    expect(code).toBe(1);
    expect(err).toMatch(/^atelier: Rows of users cannot be stored in PostgreSQL: /);
    expect(err).not.toContain(STRANGE_TEXT.slice(0, 8));
    expect(err).toContain("Nothing was copied");
    const looked = await operate(postgres, "ledger", "verify");
    expect(looked).toMatchObject({ code: 2, out: "" });
    expect(looked.err).toContain("A restore into this database was begun and did not come to its end.");
  }, 60_000);
});

async function copyBetween(from: Place, to: Place, ...words: string[]): Promise<void> {
  const target = to.url === "" ? `sqlite:${to.dataFolder}` : to.url;
  const { code, out, err } = await runProgram(["copy", "--to", target, ...words], { environment: settingsOf(from) });
  if (code !== 0 || err !== "") throw new Error(`copy ended with ${code}: ${err}${out}`);
}

/** A database beside `other` whose texts are compared as English does: "a" before "B" and "_" before both. */
async function sortingInEnglish(other: TestDatabase): Promise<TestDatabase> {
  const name = `english_${crypto.randomUUID().replaceAll("-", "")}`;
  const admin = (statement: string) => {
    const client = postgresClient(other.url, { max: 1, onnotice: () => {} });
    return client.unsafe(statement).finally(() => client.end());
  };
  await admin(`create database ${name} template template0 locale_provider icu icu_locale 'en-US'`);
  const url = new URL(other.url);
  url.pathname = `/${name}`;
  const client = postgresClient(url.toString(), { max: 1 });
  const [row] = await client`select 'a' < 'B' as is_english`;
  await client.end();
  expect(row?.is_english).toBe(true);
  return {
    url: url.toString(),
    dataFolder: other.dataFolder,
    remove: async () => void (await admin(`drop database ${name} with (force)`)),
  };
}

/** Of all processes that are there now, as `ps` reads them. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        return [`${readFileSync(`/proc/${id}/cmdline`, "utf8")}\0`];
      } catch {
        return [];
      }
    });
}
