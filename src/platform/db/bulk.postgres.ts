import { OperatorError } from "../errors.ts";
import { readAddress } from "./address.postgres.ts";
import { type BulkSession, canonicalJson, quoted, ROWS_AT_A_TIME, type StoredValue } from "./bulk.ts";
import { createConnector } from "./connection.postgres.ts";
import type { DatabaseOptions } from "./open.ts";
import type { ColumnShape, TableShape } from "./table-shapes.ts";

/** By this name such sessions are told from servers. */
export const BULK_APPLICATION_NAME = "atelier-bulk";
const DAY_MS = 86_400_000;

/** The types of a table's columns as Postgres writes them, by column. */
type ColumnTypes = ReadonlyMap<string, string>;

/** A session on Postgres through a connection of its own, on which no time limit of the server holds. */
export async function openPostgresBulk(options: DatabaseOptions, mode: "read" | "write"): Promise<BulkSession> {
  const connect = createConnector(readAddress(options.url, options.caFile), {
    name: BULK_APPLICATION_NAME,
    prepare: options.prepare,
    parameters: {},
  });
  const session = await connect();
  const connection = session.client;
  try {
    await connection.unsafe(
      mode === "read" ? "begin isolation level repeatable read read only" : "begin isolation level read committed",
    );
    for (const setting of ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]) {
      await connection.unsafe(`set local ${setting} = 0`);
    }
    await connection.unsafe("set local timezone = 'UTC'");
    // The first statement that reads is what fixes the state that the transaction sees.
    await connection.unsafe("select count(*) from pg_class");
  } catch (error) {
    await session.close();
    throw error;
  }
  const known = new Map<string, ColumnTypes>();
  const typesOf = async (table: string): Promise<ColumnTypes> => {
    let types = known.get(table);
    if (types === undefined) {
      const rows = await connection.unsafe(COLUMN_TYPES, [quoted(table)]);
      types = new Map(rows.map((row) => [String(row.name), String(row.type)]));
      known.set(table, types);
    }
    return types;
  };
  let ended = false;
  let isClosed = false;

  return {
    async *rows(table) {
      const statement = selectOf(table, await typesOf(table.name));
      for await (const batch of connection.unsafe(statement).cursor(ROWS_AT_A_TIME)) {
        yield batch.map((raw) => table.columns.map((column) => storedValue(table, column, raw)));
      }
    },
    async insert(table, rows) {
      const documents = rows.map((row) => Object.fromEntries(row.map((value, place) => [`c${place}`, asText(value)])));
      try {
        await connection.unsafe(insertOf(table, await typesOf(table.name)), [JSON.stringify(documents)]);
      } catch (error) {
        // The message only: what Postgres adds to it quotes the row.
        throw new OperatorError(`Rows of ${table.name} cannot be stored in PostgreSQL: ${(error as Error).message}`);
      }
    },
    columns: async (table) => [...(await typesOf(table)).keys()],
    query: async (statement) => [...(await connection.unsafe(statement))],
    async commit() {
      await connection.unsafe("commit");
      ended = true;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      try {
        if (!ended) await connection.unsafe("rollback");
      } finally {
        await session.close();
      }
    },
  };
}

const COLUMN_TYPES = `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
  where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`;

function selectOf(table: TableShape, types: ColumnTypes): string {
  const columns = table.columns.map(({ name, kind }) => {
    const column = quoted(name);
    if (kind === "flag") return column;
    if (kind === "moment") return `(extract(epoch from ${column}) * 1000)::bigint::text as ${column}`;
    return `${column}::text as ${column}`;
  });
  const own = `${quoted(table.name)}.`;
  // By its bytes, as SQLite compares, whatever language the database sorts in.
  const order = table.key.map((name) => `${own}${quoted(name)}${types.get(name) === "text" ? ' collate "C"' : ""}`);
  return `select ${columns.join(", ")} from ${quoted(table.name)} order by ${order.join(", ")}`;
}

/** All rows of a batch as one JSON parameter: Postgres itself makes each text what its column is. */
function insertOf(table: TableShape, types: ColumnTypes): string {
  const names = table.columns.map(({ name }) => quoted(name));
  const values = table.columns.map(({ name, kind }, place) => {
    const text = `c${place}`;
    if (kind === "moment") return momentFrom(`${text}::bigint`);
    return `${text}::${types.get(name)}`;
  });
  const texts = table.columns.map((_, place) => `c${place} text`);
  return `insert into ${quoted(table.name)} (${names.join(", ")}) select ${values.join(", ")}
    from json_to_recordset($1::text::json) as given (${texts.join(", ")})`;
}

/** In two parts, because an interval is multiplied in floating point: each of them is exact. */
function momentFrom(ms: string): string {
  return `timestamptz 'epoch' + (${ms} / ${DAY_MS}) * interval '1 day' + (${ms} % ${DAY_MS}) * interval '1 millisecond'`;
}

function asText(value: StoredValue): string | null {
  return value === null ? null : String(value);
}

function storedValue(table: TableShape, column: ColumnShape, raw: Record<string, unknown>): StoredValue {
  const value = raw[column.name] ?? null;
  if (value === null || typeof value === "boolean") return value;
  const text = String(value);
  try {
    if (column.kind === "json") return canonicalJson(JSON.parse(text));
    return column.kind === "integer" || column.kind === "moment" ? BigInt(text) : text;
  } catch {
    const key = table.key.map((name) => String(raw[name])).join(", ");
    throw new OperatorError(`${table.name}.${column.name} of the row ${key} does not hold a ${column.kind}.`);
  }
}
