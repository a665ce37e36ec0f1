import { describe, expect, test } from "bun:test";
import { getTableColumns, getTableName, is, Table } from "drizzle-orm";
import { impersonalTables, nameOf, personalTables } from "../../../src/features/privacy/index.ts";
import { shownColumns } from "../../../src/features/privacy/personal-tables.ts";
import * as schema from "../../../src/tables.ts";

const MAP = "src/features/privacy/personal-tables.ts";
const tables = (Object.values(schema) as unknown[]).filter((value): value is Table => is(value, Table));
const personal = new Set(personalTables.map(nameOf));
const impersonal = new Set(Object.keys(impersonalTables));

describe("the map of what is stored about people", () => {
  test("X4 names every table of src/tables.ts, as personal or with the reason why it is not", () => {
    expect(tables.length).toBeGreaterThan(25);
    const missing = tables
      .map(getTableName)
      .filter((name) => !personal.has(name) && !impersonal.has(name))
      .map(
        (name) =>
          `${name}: add it to ${MAP}: to personalTables, with the way to its person and what erasing does, or to impersonalTables, with the reason`,
      );
    expect(missing).toEqual([]);
  });

  test("X4 names no table twice and none that does not exist", () => {
    const names = [...personalTables.map(nameOf), ...impersonal];
    expect(new Set(names).size).toBe(names.length);
    const known = new Set(tables.map(getTableName));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    for (const reason of Object.values(impersonalTables)) expect(reason.length).toBeGreaterThan(8);
  });

  test("X4 calls no table impersonal that has a column for a person", () => {
    const suspicious = /^(user|person|telegram|chat|referrer|referred|inviter|invited)(_id)?$|_name$|^username$/;
    const wrong = tables
      .filter((table) => impersonal.has(getTableName(table)))
      .flatMap((table) =>
        Object.values(getTableColumns(table))
          .filter((column) => suspicious.test(column.name))
          .map((column) => `${getTableName(table)}.${column.name}`),
      );
    expect(wrong).toEqual([]);
  });

  test("X4 makes neutral only columns that exist, and leaves out of an export nothing but hashes and who others are", () => {
    for (const entry of personalTables) {
      const columns = getTableColumns(entry.table);
      const changed = entry.fate.kind === "anonymised" ? Object.keys(entry.fate.to) : [];
      expect(changed.filter((key) => !(key in columns))).toEqual([]);
      const secret = entry.secret ?? [];
      expect(secret.filter((name) => !/(^|_)hash$|^referred_id$/.test(name))).toEqual([]);
      expect(shownColumns(entry)).toHaveLength(Object.keys(columns).length - secret.length);
    }
  });
});
