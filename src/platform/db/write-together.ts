import { type Given, placeOf } from "./built-once.ts";
import type { Queries } from "./database.ts";
import { dialect } from "./dialect.ts";
import { type Prepared, pastTheBuilder } from "./hot-statement.ts";

/** A write that is still to be done. */
export interface Write {
  readonly statement: Statement;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What is written, without its values. */
interface Statement {
  /** Tells it apart from all others of this process. */
  readonly number: number;
  build(db: Queries): Built;
}

interface Built {
  sql: string;
  params: readonly unknown[];
}

let statements = 0;

/**
 * A write of a hot path that answers nothing, to be done together with others. It may read only what none of them writes.
 *
 *     const insertHold = laterWrite((db, _: Given<WholeRow<typeof creditHolds>>) =>
 *       db.insert(creditHolds).values(givenRow(creditHolds)));
 *     await writeTogether(tx.db, [insertHold(hold), insertEntry(entry)]);
 */
export function laterWrite<Values extends object>(
  build: (db: Queries, given: Given<Values>) => { toSQL(): Built },
): (values: Values) => Write {
  statements += 1;
  const statement: Statement = { number: statements, build: (db) => build(db, placeOf as Given<Values>).toSQL() };
  return (values) => ({ statement, values: values as Readonly<Record<string, unknown>> });
}

/**
 * Does the writes in this order, in the caller's transaction. On Postgres those that follow each other are one statement:
 * each message costs the server and this process more than most of these writes do. Within one none sees what another did, and
 * of a row that two change only one change would stay, so a write to a table that the statement touches already begins the
 * next one, unless both only add rows. References are looked at when the whole statement is done.
 */
export async function writeTogether(db: Queries, writes: readonly Write[]): Promise<void> {
  const combinations = known.get(db) ?? new Map<string, Group[]>();
  known.set(db, combinations);
  const key = writes.map(({ statement }) => statement.number).join(" ");
  let groups = combinations.get(key);
  if (groups === undefined) {
    groups = groupsOf(writes.map(({ statement }) => pastTheBuilder(db, statement.build(db))));
    combinations.set(key, groups);
  }
  let place = 0;
  const done = groups.map(({ sql, run, parts }) => {
    const values: unknown[] = [];
    for (const { places } of parts) {
      const given = writes[place]?.values ?? {};
      for (const take of places) values.push(take(given));
      place += 1;
    }
    return run(sql, values);
  });
  await Promise.all(done);
}

/** Writes that are one statement. */
interface Group {
  sql: string;
  run: Prepared["run"];
  parts: Prepared[];
}

/** The combinations that were written with a handle before, by the numbers of their statements. */
const known = new WeakMap<Queries, Map<string, Group[]>>();

function groupsOf(writes: readonly Prepared[]): Group[] {
  const groups: Prepared[][] = [];
  const touched = new Map<string, Deed>();
  for (const write of writes) {
    const { deed, table } = deedOf(write.statement);
    const earlier = touched.get(table);
    const mayJoin = dialect === "postgres" && (earlier === undefined || (earlier === "adds" && deed === "adds"));
    if (!mayJoin) touched.clear();
    touched.set(table, deed);
    const last = groups.at(-1);
    if (mayJoin && last) last.push(write);
    else groups.push([write]);
  }
  return groups.map((parts) => ({ sql: asOne(parts), run: (parts[0] as Prepared).run, parts }));
}

/** Adds rows to a table, or changes what is there as well. */
type Deed = "adds" | "changes";

function deedOf(statement: string): { deed: Deed; table: string } {
  const [, verb = "", table = ""] = /^(insert into|update|delete from) "(\w+)"/.exec(statement) ?? [];
  if (table === "") throw new Error(`only a plain write can be done together with others, not: ${statement}`);
  return { deed: verb === "insert into" && !/ on conflict /.test(statement) ? "adds" : "changes", table };
}

/** All but the last as parts of a `with`: Postgres does each of them, and to its end. */
function asOne(parts: readonly Prepared[]): string {
  let before = 0;
  const texts = parts.map(({ statement, places }) => {
    const shifted = statement.replaceAll(/\$(\d+)/g, (_, number: string) => `$${Number(number) + before}`);
    before += places.length;
    return shifted;
  });
  const last = texts.pop() ?? "";
  if (texts.length === 0) return parts[0]?.statement ?? last;
  return `with ${texts.map((text, place) => `"write_${place}" as (${text})`).join(", ")} ${last}`;
}
