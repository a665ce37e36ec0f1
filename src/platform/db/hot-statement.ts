import { type Column, type GetColumnData, is, Param, Placeholder } from "drizzle-orm";
import type { Queries } from "./database.ts";

/** Sends a statement and answers its rows as lists of what the driver read. */
export type StatementRunner = (statement: string, values: readonly unknown[]) => Promise<unknown[][]>;

type Columns = Readonly<Record<string, Column>>;
type Row<C extends Columns> = { [Name in keyof C]: GetColumnData<C[Name]> };

/** What the query builder makes. */
interface Built {
  toSQL(): { sql: string; params: unknown[] };
}

/** A statement with what runs it. */
export interface Prepared {
  statement: string;
  run: StatementRunner;
  /** For each of the statement's places: what goes there, of the values that are given. */
  places: ((given: Readonly<Record<string, unknown>>) => unknown)[];
}

/** On the handle itself, so that whatever stands for a handle has it too. */
const RUN = Symbol("runs a statement past the query builder");

/** Tells how the statements of a handle are run past the query builder. Whoever opens a database says so of its handles. */
export function runStatementsOf(queries: Queries, run: StatementRunner): void {
  Object.assign(queries, { [RUN]: run });
}

/**
 * A statement that is asked at every request. The builder writes its text once for each handle; after that neither text nor
 * places nor rows pass it again, which at each call would cost more than the database takes to answer. What is
 * asked may change between calls only through placeholders (`sql.placeholder`, by name).
 *
 * `columns` are what is selected, in that order, and so what the rows consist of.
 */
export function hotStatement<const C extends Columns>(
  columns: C,
  build: (db: Queries, columns: C) => Built,
): (db: Queries, given: Readonly<Record<string, unknown>>) => Promise<Row<C>[]> {
  const names = Object.keys(columns);
  const read = Object.values(columns).map((column) => (raw: unknown) => column.mapFromDriverValue(raw as never));
  const known = new WeakMap<Queries, Prepared>();

  const rowOf = (raw: readonly unknown[]): Row<C> => {
    const row: Record<string, unknown> = {};
    for (let place = 0; place < names.length; place += 1) {
      const value = raw[place];
      row[names[place] as string] = value === null ? null : read[place]?.(value);
    }
    return row as Row<C>;
  };
  return async (db, given) => {
    let prepared = known.get(db);
    if (prepared === undefined) {
      prepared = pastTheBuilder(db, build(db, columns).toSQL());
      known.set(db, prepared);
    }
    const { statement, run, places } = prepared;
    const rows = await run(
      statement,
      places.map((place) => place(given)),
    );
    return rows.map(rowOf);
  };
}

/** How a statement that the builder has written for the handle is run past it. */
export function pastTheBuilder(db: Queries, built: { sql: string; params: readonly unknown[] }): Prepared {
  const run = (db as { [RUN]?: StatementRunner })[RUN];
  if (run === undefined) throw new Error("a hot statement was asked of a handle that nobody opened");
  return { statement: built.sql, run, places: built.params.map(placeOf) };
}

/** drizzle leaves a placeholder where its value will be, inside of the parameter that knows how to write it. */
function placeOf(param: unknown): Prepared["places"][number] {
  if (is(param, Placeholder)) return (given) => givenValue(given, param.name as string);
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { encoder } = param;
    const name = param.value.name as string;
    return (given) => encoder.mapToDriverValue(givenValue(given, name));
  }
  return () => param;
}

function givenValue(given: Readonly<Record<string, unknown>>, name: string): unknown {
  if (!(name in given)) throw new Error(`no value was given for "${name}"`);
  return given[name];
}
