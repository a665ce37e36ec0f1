import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import {
  type Database,
  insideTransaction,
  type Queries,
  refuseAfterTransaction,
  refuseInsideTransaction,
  transactionMark,
} from "./database.ts";

export interface PostgresOptions {
  url: string;
  /** Connections of this process at most. */
  poolMax: number;
  /** False behind a pooler that does not carry prepared statements (PgBouncer before 1.21). */
  prepare: boolean;
  /** The server ends a statement after this time. */
  statementTimeoutMs: number;
}

/** The default back-off left programs dead for 9 s after the database was back; this keeps it under one second. */
const RECONNECT_SECONDS_MAX = 0.5;
const DEADLOCK_TRIES_MAX = 4;

/**
 * Opens Postgres (15 or later) through postgres.js.
 *
 * drizzle sends built queries unprepared, which costs several times the round trip. Here every statement whose text
 * does not depend on the number of its values is prepared once on each connection, without any change to the queries.
 */
export function openPostgres(options: PostgresOptions): Database {
  const client = postgres(options.url, {
    max: options.poolMax,
    connect_timeout: 10,
    idle_timeout: 60,
    max_lifetime: 30 * 60,
    backoff: (attempt: number) => Math.min(RECONNECT_SECONDS_MAX, 0.05 * 2 ** attempt),
    prepare: options.prepare,
    onnotice: () => {},
    connection: { application_name: "atelier", statement_timeout: options.statementTimeoutMs },
  });
  const outside = drizzle(preparing(client, options.prepare, refuseInsideTransaction));
  const rawDialect = new PgDialect();

  return {
    queries: outside as unknown as Queries,
    async transaction(work) {
      refuseInsideTransaction();
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await outside.transaction((transaction) =>
            insideTransaction(() => work(transaction as unknown as Queries)),
          );
        } catch (error) {
          if (attempt >= DEADLOCK_TRIES_MAX || !mayRunAgain(error)) throw error;
          await Bun.sleep(Math.random() * 20 * attempt);
        }
      }
    },
    async raw(statement) {
      refuseInsideTransaction();
      const built = rawDialect.sqlToQuery(typeof statement === "string" ? sql.raw(statement) : (statement as SQL));
      return [...(await client.unsafe(built.sql, built.params as never[]))];
    },
    async notify(channel, payload) {
      await client.notify(channel, payload);
    },
    async listen(channel, onMessage, onReconnect) {
      let first = true;
      await client.listen(channel, onMessage, () => {
        if (!first) onReconnect();
        first = false;
      });
    },
    async close() {
      await client.end({ timeout: 5 });
    },
  };
}

/** Serialization failure, deadlock: nothing was done, the same work may simply run again. */
function mayRunAgain(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return code === "40001" || code === "40P01";
}

/** A list of values or of rows makes a new statement text for each length, so those are not kept prepared. */
const VARIABLE_LENGTH = / in \(\$\d+, |\), \(\$/i;

const refuseOutside = () => refuseAfterTransaction(transactionMark.getStore());

/** The client with `unsafe` preparing constant statements, inside transactions too. */
function preparing<T extends postgres.Sql | postgres.TransactionSql>(
  client: T,
  prepare: boolean,
  guard: () => void,
): T {
  return new Proxy(client, {
    get(target, property, receiver) {
      if (property === "unsafe") {
        return (query: string, parameters?: never[], options?: postgres.UnsafeQueryOptions) => {
          guard();
          return target.unsafe(query, parameters, { ...options, prepare: prepare && !VARIABLE_LENGTH.test(query) });
        };
      }
      if (property === "begin" && "begin" in target) {
        return (work: (inner: postgres.TransactionSql) => Promise<unknown>) =>
          target.begin((inner) => work(preparing(inner, prepare, refuseOutside)));
      }
      return Reflect.get(target, property, receiver);
    },
  });
}
