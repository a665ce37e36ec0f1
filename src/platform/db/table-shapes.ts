import { type Column, getTableColumns, getTableName, is, Table } from "drizzle-orm";
import { getTableConfig as postgresConfig } from "drizzle-orm/pg-core";
import { getTableConfig as sqliteConfig } from "drizzle-orm/sqlite-core";
import { dialect } from "./dialect.ts";

/** What a column holds, whichever database keeps it: what both of its column helpers mean. */
export const COLUMN_KINDS = ["text", "integer", "moment", "flag", "json"] as const;
export type ColumnKind = (typeof COLUMN_KINDS)[number];

export interface ColumnShape {
  name: string;
  kind: ColumnKind;
}

/** A table as `backup` and `copy` see it: names of the database, and what stands in the columns. */
export interface TableShape {
  name: string;
  columns: readonly ColumnShape[];
  /** The columns of the primary key, in whose order rows are read. */
  key: readonly string[];
}

/** The tables among the exports of a module, those that others refer to first. */
export function tableShapes(module: Readonly<Record<string, unknown>>): TableShape[] {
  const tables = Object.values(module).filter((value): value is Table => is(value, Table));
  const byName = new Map(tables.map((table) => [getTableName(table), table]));
  const sorted: TableShape[] = [];
  const begun = new Set<string>();
  const visit = (name: string): void => {
    const table = byName.get(name);
    if (table === undefined || begun.has(name)) return;
    begun.add(name);
    for (const parent of parentsOf(table).toSorted()) visit(parent);
    sorted.push(shapeOf(table));
  };
  for (const name of [...byName.keys()].toSorted()) visit(name);
  return sorted;
}

function shapeOf(table: Table): TableShape {
  const columns = Object.values(getTableColumns(table));
  const inline = columns.filter((column) => column.primary).map((column) => column.name);
  const [composite] = configOf(table).primaryKeys;
  const key = inline.length > 0 ? inline : (composite?.columns ?? []).map((column) => column.name);
  const name = getTableName(table);
  if (key.length === 0) throw new Error(`the table "${name}" has no primary key, so its rows have no order`);
  return { name, key, columns: columns.map((column) => ({ name: column.name, kind: kindOf(column) })) };
}

function parentsOf(table: Table): string[] {
  return configOf(table).foreignKeys.map((key) => getTableName(key.reference().foreignTable));
}

function configOf(table: Table) {
  return dialect === "postgres" ? postgresConfig(table as never) : sqliteConfig(table as never);
}

/** drizzle's own words for what a column holds, in either dialect. */
const KINDS: Readonly<Record<string, ColumnKind>> = {
  string: "text",
  number: "integer",
  date: "moment",
  boolean: "flag",
  json: "json",
  // The only custom type is the `json` of columns.postgres.ts.
  custom: "json",
};

function kindOf(column: Column): ColumnKind {
  const kind = KINDS[column.dataType];
  if (kind === undefined) throw new Error(`the column "${column.name}" holds ${column.dataType}, which has no kind`);
  return kind;
}
