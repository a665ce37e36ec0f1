import { afterEach, beforeEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findMigrationDrift } from "../../src/build/migration-drift.ts";

const projectFolder = resolve(import.meta.dir, "../..");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atelier-drift-test-"));
  cpSync(join(projectFolder, "drizzle"), folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the migrations of both dialects make the tables that the code expects", async () => {
  expect(await findMigrationDrift(projectFolder, folder)).toEqual([]);
});

test("a table that no migration makes is named, with the statement that is missing, and nothing is written", async () => {
  const lacking = readdirSync(join(folder, "sqlite/meta"))
    .filter((name) => name.endsWith("_snapshot.json"))
    .sort();
  const file = join(folder, "sqlite/meta", lacking.at(-1) ?? "");
  const snapshot = JSON.parse(readFileSync(file, "utf8")) as { tables: Record<string, unknown> };
  expect(Object.keys(snapshot.tables)).toContain("rate_windows");
  delete snapshot.tables.rate_windows;
  writeFileSync(file, JSON.stringify(snapshot, null, 2));
  const before = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

  const drift = (await findMigrationDrift(projectFolder, folder)).join("\n");

  expect(drift).toContain("CREATE TABLE `rate_windows`");
  expect(drift).toContain("sqlite/");
  expect(drift).not.toContain("postgres/");
  expect(readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()).toEqual(before);
});

test("tables that cannot even be loaded are a complaint, not a silent success", async () => {
  const drift = await findMigrationDrift(join(projectFolder, "src"), folder);
  expect(drift.join("\n")).toContain("drizzle-kit could not compare");
});
