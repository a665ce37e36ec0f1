import { type Column, getTableColumns, type SQL, sql, type Table } from "drizzle-orm";
import type { Queries } from "./database.ts";

/** Stands in a statement for a value that is given when it runs; kept as `column` keeps its values. */
export interface Given<Values> {
  <Name extends keyof Values & string>(name: Name, column: Column): SQL<Values[Name]>;
  /** Never there: by it a statement's values are known from the parameter that names them. */
  readonly values?: Values;
}

/** What drizzle makes of a query whose text is put together once. */
interface Buildable<Answer> {
  prepare(name: string): { execute(values?: Record<string, unknown>): Promise<Answer> };
}

/** Both databases know their statements by the text. */
const NAME = "built_once";

/**
 * A statement of a hot path. Putting its text together costs several times what running it does, so that is done once
 * for each handle: one for everything outside of transactions, one for each connection (on SQLite: for all transactions).
 *
 *     const lockRow = builtOnce((db, given: Given<{ userId: string; now: Date }>) =>
 *       db.update(users).set({ updatedAt: given("now", users.updatedAt) }).where(eq(users.id, given("userId", users.id))));
 *     await lockRow(tx.db, { userId, now });
 */
export function builtOnce<Values extends object, Answer>(
  build: (db: Queries, given: Given<Values>) => Buildable<Answer>,
): (db: Queries, values: Values) => Promise<Answer> {
  const built = new WeakMap<Queries, ReturnType<Buildable<Answer>["prepare"]>>();
  return (db, values) => {
    let statement = built.get(db);
    if (statement === undefined) {
      statement = build(db, placeOf as Given<Values>).prepare(NAME);
      built.set(db, statement);
    }
    return statement.execute(values as Record<string, unknown>);
  };
}

/** A place for each column of a row, for an insert that is built once. Its values name all of them, null for nothing. */
export function givenRow<T extends Table>(table: T): T["$inferInsert"] {
  const places = Object.entries(getTableColumns(table)).map(([name, column]) => [name, placeOf(name, column)]);
  return Object.fromEntries(places) as T["$inferInsert"];
}

/** The values of such an insert: every column, because a place that is left out would be an error when it runs. */
export type WholeRow<T extends Table> = T["$inferSelect"];

/** A row with null in each column that it leaves out, as an insert that is built once wants it. */
export function wholeRow<T extends Table>(table: T, row: T["$inferInsert"]): WholeRow<T> {
  const given = row as Record<string, unknown>;
  return Object.fromEntries(Object.keys(getTableColumns(table)).map((name) => [name, given[name] ?? null]));
}

/** The place of a value that is given by its name. */
export function placeOf(name: string, column: Column): SQL<never> {
  // drizzle asks a column for its form of a value even where that is null, which has none.
  const encoder = { mapToDriverValue: (value: unknown) => (value === null ? null : column.mapToDriverValue(value)) };
  return sql`${sql.param(sql.placeholder(name), encoder)}`;
}
