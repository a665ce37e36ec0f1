import { Database as SqliteFile } from "bun:sqlite";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { drizzle as recordPostgres } from "drizzle-orm/pg-proxy";
import { drizzle as recordSqlite } from "drizzle-orm/sqlite-proxy";
import postgres from "postgres";
import type { Queries } from "../../src/platform/db/database.ts";
import { runStatementsOf } from "../../src/platform/db/hot-statement.ts";
import { SQLITE_FILE_NAME } from "../../src/platform/db/open.ts";
import { lane, type TestDatabase } from "./database.ts";

interface Statement {
  text: string;
  parameters: unknown[];
}

/**
 * How the database would carry out the statements that `use` sends, one line a step, for Postgres both with these very
 * values and as the plan that a prepared statement ends up with. Nothing is carried out.
 */
export async function plansOf(database: TestDatabase, use: (db: Queries) => Promise<unknown>): Promise<string[]> {
  const statements: Statement[] = [];
  const record = async (text: string, parameters: unknown[]) => {
    statements.push({ text, parameters });
    return { rows: [] };
  };
  const recording = (lane === "postgres" ? recordPostgres(record) : recordSqlite(record)) as unknown as Queries;
  runStatementsOf(recording, async (text, values) => (await record(text, [...values])).rows);
  await use(recording);
  return lane === "postgres" ? explainPostgres(database, statements) : explainSqlite(database, statements);
}

/**
 * Has Postgres plan without reading tables as a whole and without sorting: a table of some thousand rows is read whole although
 * an index would serve, and what stands in a plan all the same then has no index that could. Nothing on SQLite.
 */
export async function planByIndexOnly({ url }: TestDatabase, raw: (statement: SQL | string) => Promise<unknown>) {
  if (lane !== "postgres") return;
  await raw("analyze");
  const name = new URL(url).pathname.slice(1);
  for (const setting of ["enable_seqscan", "enable_sort"]) {
    await raw(sql.raw(`alter database "${name}" set ${setting} = off`));
  }
}

async function explainPostgres(database: TestDatabase, statements: Statement[]): Promise<string[]> {
  const client = postgres(database.url, { max: 1, onnotice: () => {} });
  try {
    const plans: string[] = [];
    for (const { text, parameters } of statements) {
      const own = await client.unsafe(`explain ${text}`, parameters as never[]);
      const prepared = await client.unsafe(`explain (generic_plan) ${text}`);
      plans.push(...[...own, ...prepared].map((row) => String(row["QUERY PLAN"])));
    }
    return plans;
  } finally {
    await client.end();
  }
}

function explainSqlite(database: TestDatabase, statements: Statement[]): string[] {
  const file = new SqliteFile(join(database.dataFolder, SQLITE_FILE_NAME), { readonly: true });
  try {
    return statements.flatMap(({ text, parameters }) => {
      const rows = file.query(`explain query plan ${text}`).all(...(parameters as string[])) as { detail: string }[];
      return rows.map((row) => row.detail);
    });
  } finally {
    file.close();
  }
}

/** The steps that read a whole table or sort it. */
export function costlySteps(plan: readonly string[]): string[] {
  return plan.filter((line) => /Seq Scan|\bSort\b|TEMP B-TREE|SCAN (?!picked|json_each|CONSTANT|.*USING)/.test(line));
}
