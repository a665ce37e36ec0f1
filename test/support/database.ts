import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { ownMigrations } from "../../src/context.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { dialect } from "../../src/platform/db/dialect.ts";
import { migrate } from "../../src/platform/db/migrate.ts";
import { openDatabase, SQLITE_FILE_NAME } from "../../src/platform/db/open.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** The database of this lane, as tests name it in messages. */
export const lane = dialect;

/** A database of a test's own, migrated and empty. */
export interface TestDatabase {
  url: string;
  /** Its own data folder in both lanes: pictures lie there too. */
  dataFolder: string;
  remove(): Promise<void>;
}

/**
 * Makes an empty database with the current schema: a file of its own, or a database of its own on the lane's server.
 * The schema is built once for each process and copied from there. `copyOf` copies another database of a test instead,
 * without its pictures; nothing may have that one open.
 */
export async function createTestDatabase(
  options: { empty?: boolean; copyOf?: TestDatabase } = {},
): Promise<TestDatabase> {
  const dataFolder = makeTemporaryFolder("atelier-test-");
  const removeFolder = () => rmSync(dataFolder, { recursive: true, force: true });
  if (dialect === "sqlite") {
    const from = options.copyOf?.dataFolder ?? (options.empty ? null : await sqliteTemplate());
    if (from !== null) copyFileSync(join(from, SQLITE_FILE_NAME), join(dataFolder, SQLITE_FILE_NAME));
    return { url: "", dataFolder, remove: async () => removeFolder() };
  }
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const original = options.copyOf && new URL(options.copyOf.url).pathname.slice(1);
  const template = original ?? (options.empty ? "template0" : await postgresTemplate());
  await admin((sql) => sql.unsafe(`create database ${name} template ${template}`));
  return {
    url: urlOf(name),
    dataFolder,
    async remove() {
      await admin((sql) => sql.unsafe(`drop database if exists ${name} with (force)`));
      removeFolder();
    },
  };
}

/** Opens a test's database the way the program does. */
export function openTestDatabase(database: TestDatabase) {
  return openDatabase({
    url: database.url,
    dataFolder: database.dataFolder,
    poolMax: 10,
    prepare: true,
    statementTimeoutMs: 30_000,
  });
}

let template: Promise<string> | undefined;

function sqliteTemplate(): Promise<string> {
  template ??= (async () => {
    const dataFolder = makeTemporaryFolder("atelier-template-");
    await build({ url: "", dataFolder, remove: async () => {} });
    return dataFolder;
  })();
  return template;
}

function postgresTemplate(): Promise<string> {
  template ??= (async () => {
    const name = `template_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin((sql) => sql.unsafe(`create database ${name}`));
    await build({ url: urlOf(name), dataFolder: "", remove: async () => {} });
    return name;
  })();
  return template;
}

async function build(database: TestDatabase): Promise<void> {
  const open = await openTestDatabase(database);
  await migrate({ database: open, clock: systemClock, migrations: ownMigrations });
  await open.close();
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error("the Postgres lane needs TEST_DATABASE_URL; `bun run test` starts a server and sets it");
  return url;
}

function urlOf(name: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.toString();
}

async function admin<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(serverUrl(), { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
