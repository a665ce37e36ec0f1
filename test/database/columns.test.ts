import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { and, asc, eq, getTableColumns, gt, isNull, lte, sql } from "drizzle-orm";
import * as postgres from "../../src/platform/db/columns.postgres.ts";
import * as sqlite from "../../src/platform/db/columns.sqlite.ts";
import * as columns from "../../src/platform/db/columns.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { newId } from "../../src/platform/ids.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";

interface Document {
  name: string;
  tags: string[];
  deep?: { score: number | null };
}
const WORDS = ["one", "two"] as const;

/** The same table in both dialects, each column once as it is and once required. */
const inPostgres = postgres.table("kinds", {
  id: postgres.id("id").primaryKey(),
  text: postgres.text("text"),
  textRequired: postgres.text("text_required").notNull(),
  integer: postgres.integer("integer"),
  integerRequired: postgres.integer("integer_required").notNull(),
  bigInteger: postgres.bigInteger("big_integer"),
  bigIntegerRequired: postgres.bigInteger("big_integer_required").notNull(),
  flag: postgres.flag("flag"),
  flagRequired: postgres.flag("flag_required").notNull(),
  moment: postgres.moment("moment"),
  momentRequired: postgres.moment("moment_required").notNull(),
  json: postgres.json<Document>("json"),
  jsonRequired: postgres.json<Document>("json_required").notNull(),
  oneOf: postgres.oneOf("one_of", WORDS),
  oneOfRequired: postgres.oneOf("one_of_required", WORDS).notNull(),
});
const inSqlite = sqlite.table("kinds", {
  id: sqlite.id("id").primaryKey(),
  text: sqlite.text("text"),
  textRequired: sqlite.text("text_required").notNull(),
  integer: sqlite.integer("integer"),
  integerRequired: sqlite.integer("integer_required").notNull(),
  bigInteger: sqlite.bigInteger("big_integer"),
  bigIntegerRequired: sqlite.bigInteger("big_integer_required").notNull(),
  flag: sqlite.flag("flag"),
  flagRequired: sqlite.flag("flag_required").notNull(),
  moment: sqlite.moment("moment"),
  momentRequired: sqlite.moment("moment_required").notNull(),
  json: sqlite.json<Document>("json"),
  jsonRequired: sqlite.json<Document>("json_required").notNull(),
  oneOf: sqlite.oneOf("one_of", WORDS),
  oneOfRequired: sqlite.oneOf("one_of_required", WORDS).notNull(),
});

/** True only for the very same type: also `any`, optional members and readonly are told apart. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

// The compiler is the judge here: `bun run types` fails on the line whose types have drifted apart.
const rowsAreTheSame: Same<typeof inPostgres.$inferSelect, typeof inSqlite.$inferSelect> = true;
const insertsAreTheSame: Same<typeof inPostgres.$inferInsert, typeof inSqlite.$inferInsert> = true;
const helpersAreTheSame: Same<keyof typeof postgres, keyof typeof sqlite> = true;
// @ts-expect-error the comparison itself must tell a difference
const wouldNotice: Same<{ at: Date | null }, { at: number | null }> = true;

describe("the column helpers of both dialects", () => {
  test("have the same names, and all of them are handed on", () => {
    expect(Object.keys(postgres).sort()).toEqual(Object.keys(sqlite).sort());
    expect(Object.keys(columns).sort()).toEqual(Object.keys(postgres).sort());
  });

  test("yield the same TypeScript types", () => {
    expect([rowsAreTheSame, insertsAreTheSame, helpersAreTheSame, wouldNotice]).toEqual([true, true, true, true]);
  });

  test("demand the same of a column: name, not null, primary key, words", () => {
    const shape = (table: typeof inPostgres | typeof inSqlite) =>
      Object.entries(getTableColumns(table)).map(([key, column]) => ({
        key,
        name: column.name,
        notNull: column.notNull,
        primary: column.primary,
        hasDefault: column.hasDefault,
        words: column.enumValues,
      }));
    expect(shape(inPostgres)).toEqual(shape(inSqlite));
  });
});

const values = columns.table("kinds", {
  id: columns.id("id").primaryKey(),
  text: columns.text("text"),
  integer: columns.integer("integer"),
  bigInteger: columns.bigInteger("big_integer"),
  flag: columns.flag("flag"),
  moment: columns.moment("moment"),
  json: columns.json<unknown>("json"),
  oneOf: columns.oneOf("one_of", WORDS),
});
type Values = Omit<typeof values.$inferInsert, "id">;

describe("a value that is written is read back as it was", () => {
  let database: TestDatabase;
  let open: Database;
  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    open = await openTestDatabase(database);
    const list = Object.values(getTableColumns(values)).map((column) => `"${column.name}" ${column.getSQLType()}`);
    await open.raw(`create table kinds (${list.join(", ")})`);
  });
  afterAll(async () => {
    await open.close();
    await database.remove();
  });

  async function roundTrip(given: Values) {
    const id = newId();
    const [returned] = await open.queries
      .insert(values)
      .values({ id, ...given })
      .returning();
    const [selected] = await open.queries.select().from(values).where(eq(values.id, id));
    expect(returned).toEqual(selected as NonNullable<typeof selected>);
    expect(selected?.id).toBe(id);
    return selected;
  }

  const TEXTS = [
    "",
    " ",
    "Привет, мир",
    "👩🏽‍🚀 \u200d é",
    `quotes ' " \` \\ ;-- $1 ? %`,
    "tab\tline\r\nend",
    "x".repeat(70_000),
  ];
  test.each(TEXTS)("text %#", async (text) => {
    expect((await roundTrip({ text }))?.text).toBe(text);
  });

  test.each([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)])("the whole number %d", async (integer) => {
    expect((await roundTrip({ integer }))?.integer).toBe(integer);
  });

  test.each([0, -1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)])("the big whole number %d", async (bigInteger) => {
    expect((await roundTrip({ bigInteger }))?.bigInteger).toBe(bigInteger);
  });

  test.each([true, false])("the flag %p, which is not a number", async (flag) => {
    expect((await roundTrip({ flag }))?.flag).toBe(flag);
  });

  const MOMENTS = [
    "2026-11-18T09:00:00.000Z",
    "2026-11-18T20:59:59.999Z",
    "2024-02-29T00:00:00.001Z",
    "1970-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "2099-12-31T23:59:59.999Z",
  ];
  test.each(MOMENTS)("the moment %s, to the millisecond", async (moment) => {
    const row = await roundTrip({ moment: new Date(moment) });
    expect(row?.moment).toBeInstanceOf(Date);
    expect(row?.moment?.toISOString()).toBe(moment);
  });

  const DOCUMENTS: unknown[] = [
    {},
    [],
    [1, "1", null, true, [[]]],
    { "ключ 👍": "значение ' \" \\ \u2028", nested: { list: [{ a: null }] }, "": 0 },
    { big: 2 ** 53 - 1, small: -1e-7, half: 0.5 },
    { text: "x".repeat(20_000) },
  ];
  test.each(DOCUMENTS.map((document) => [document]))("the JSON document %#", async (document) => {
    expect((await roundTrip({ json: document }))?.json).toEqual(document);
  });

  test.each(["", "words", "123", "true", '{"a":1}'])("the JSON text %p stays a text", async (text) => {
    expect((await roundTrip({ json: text }))?.json).toBe(text);
  });

  test("nothing at all is null in every kind, in the database too", async () => {
    const row = await roundTrip({});
    expect(row).toEqual({
      id: row?.id as string,
      text: null,
      integer: null,
      bigInteger: null,
      flag: null,
      moment: null,
      json: null,
      oneOf: null,
    });
    const explicit = await roundTrip({ text: null, flag: null, moment: null, json: null, oneOf: null });
    const nulls = and(
      isNull(values.json),
      isNull(values.moment),
      isNull(values.flag),
      eq(values.id, explicit?.id ?? ""),
    );
    expect(await open.queries.$count(values, nulls)).toBe(1);
  });

  test("moments, flags and numbers compare and sort by their value", async () => {
    const moments = ["1969-12-31T23:59:59.999Z", "2026-11-18T09:00:00.000Z", "2026-11-18T09:00:00.001Z"];
    const number = 2 ** 40;
    for (const [place, moment] of moments.toReversed().entries()) {
      await roundTrip({ moment: new Date(moment), flag: place === 1, bigInteger: number + place, oneOf: "two" });
    }
    const mine = and(eq(values.oneOf, "two"), gt(values.bigInteger, number - 1));
    const at = new Date("2026-11-18T09:00:00.000Z");
    const upTo = await open.queries
      .select({ moment: values.moment })
      .from(values)
      .where(and(mine, lte(values.moment, at)))
      .orderBy(asc(values.moment));
    expect(upTo.map((row) => row.moment?.toISOString())).toEqual(moments.slice(0, 2));
    expect(await open.queries.$count(values, and(mine, eq(values.moment, at), eq(values.flag, true)))).toBe(1);
    const [total] = await open.queries
      .select({
        sum: sql`sum(${values.bigInteger})`.mapWith(Number),
        latest: sql`max(${values.moment})`.mapWith(values.moment),
      })
      .from(values)
      .where(mine);
    expect(total).toEqual({ sum: 3 * number + 3, latest: new Date(moments[2] ?? "") });
  });

  test(`this lane (${lane}) uses its own column types`, () => {
    const types = Object.values(getTableColumns(values)).map((column) => column.getSQLType());
    expect(types).toEqual(
      lane === "postgres"
        ? ["uuid", "text", "integer", "bigint", "boolean", "timestamp (3) with time zone", "jsonb", "text"]
        : ["text", "text", "integer", "integer", "integer", "integer", "text", "text"],
    );
  });
});
