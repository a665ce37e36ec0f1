import { getTableColumns, getTableName } from "drizzle-orm";
import { idMaker, seededRandom } from "../../src/features/admin/seed/made-up-numbers.ts";
import { makePerson } from "../../src/features/admin/seed/made-up-person.ts";
import { noRows, type Rows, SEEDED_TABLES } from "../../src/features/admin/seed/made-up-rows.ts";
import { loadCatalogue } from "../../src/platform/config/catalogue.ts";
import { type BulkSession, canonicalJson, ROWS_AT_A_TIME, type StoredValue } from "../../src/platform/db/bulk.ts";
import { openBulk } from "../../src/platform/db/open-bulk.ts";
import { type TableShape, tableShapes } from "../../src/platform/db/table-shapes.ts";
import * as tables from "../../src/tables.ts";
import type { TestDatabase } from "./database.ts";

const PEOPLE_PER_GENERATION = 1 / 20;
const PAYMENTS_EACH = 2;
const DAYS = 30;
/** People whose rows are written together. */
const PEOPLE_AT_A_TIME = 200;

const names = Object.keys(SEEDED_TABLES) as (keyof Rows)[];

/**
 * Fills a migrated, empty database with the people of `atelier seed`, in bulk, and so in the schema of any version: what that
 * one does not have yet is left out. `ledger verify` finds nothing. Returns the number of rows.
 */
export async function seedGenerations(
  database: TestDatabase,
  generations: number,
  { seed = 1, shapes = tableShapes(tables) }: { seed?: number; shapes?: readonly TableShape[] } = {},
): Promise<number> {
  const random = seededRandom(seed);
  const catalogue = await loadCatalogue("");
  const maker = { random, idAt: idMaker(random), now: new Date(), days: DAYS, catalogue };
  const people = Math.max(1, Math.round(generations * PEOPLE_PER_GENERATION));
  const upTo = (person: number) => Math.floor((generations * person) / people);
  const session = await openBulk({ ...database, poolMax: 1, prepare: true, statementTimeoutMs: 0 }, "write");
  try {
    let written = 0;
    for (let first = 0; first < people; first += PEOPLE_AT_A_TIME) {
      const rows = noRows();
      for (let number = first; number < Math.min(people, first + PEOPLE_AT_A_TIME); number += 1) {
        const own = noRows();
        makePerson(own, maker, number, {
          payments: PAYMENTS_EACH,
          pictures: upTo(number + 1) - upTo(number),
          turns: 0,
        });
        for (const name of names) (rows[name] as unknown[]).push(...own[name]);
      }
      fillIn(rows);
      written += await writeRows(session, rows, shapes);
    }
    await session.commit();
    return written;
  } finally {
    await session.close();
  }
}

/** Texts of the length and with the letters that people and we write, for what carries them from one place to another. */
function fillIn(rows: Rows): void {
  for (const [number, user] of rows.users.entries()) {
    user.firstName = `Person ${number} – Ёлка 🌲`;
    user.writeState = "enabled";
  }
  for (const generation of rows.generations) {
    generation.zone = "body";
    generation.note = "с рукавами до локтя";
    generation.prompt =
      "Put the garment of the second picture on the person of the first one. Keep face, pose and light as they are.";
    generation.providerInputs = {
      urls: ["https://files.example.org/a.jpg", "https://files.example.org/b.jpg"],
      validUntilMs: 1_793_000_000_000,
    };
  }
}

/** Writes what the shapes have room for, those first that others refer to; returns how many rows. */
async function writeRows(session: BulkSession, rows: Rows, shapes: readonly TableShape[]): Promise<number> {
  let written = 0;
  for (const shape of shapes) {
    const name = names.find((one) => getTableName(SEEDED_TABLES[one]) === shape.name);
    if (name === undefined) continue;
    const members = new Map(Object.entries(getTableColumns(SEEDED_TABLES[name])).map(([key, { name }]) => [name, key]));
    const stored = (rows[name] as Record<string, unknown>[]).map((row) =>
      shape.columns.map((column) => storedValue(row[members.get(column.name) ?? ""], column.kind)),
    );
    for (let from = 0; from < stored.length; from += ROWS_AT_A_TIME) {
      await session.insert(shape, stored.slice(from, from + ROWS_AT_A_TIME));
    }
    written += stored.length;
  }
  return written;
}

function storedValue(value: unknown, kind: TableShape["columns"][number]["kind"]): StoredValue {
  if (value === undefined || value === null) return null;
  if (kind === "json") return canonicalJson(value);
  if (value instanceof Date) return BigInt(value.getTime());
  if (typeof value === "number") return BigInt(value);
  return value as string | boolean;
}
