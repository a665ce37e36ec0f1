import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import type { Log } from "../telemetry/log.ts";
import { readAddress } from "./address.postgres.ts";
import { type Connection, createConnector } from "./connection.postgres.ts";
import {
  type Database,
  insideTransaction,
  type Queries,
  refuseAfterTransaction,
  refuseInsideTransaction,
  transactionMark,
} from "./database.ts";
import { runStatementsOf } from "./hot-statement.ts";
import { createListener } from "./listener.postgres.ts";
import { patienceNow } from "./patience.ts";
import { createPool, type Pool } from "./pool.ts";
import { DatabaseUnavailable, isReadOnly, troubleOf } from "./unavailable.ts";

export interface PostgresOptions {
  url: string;
  /** Where listening goes; empty: to `url`, or nowhere behind a pooler. */
  directUrl?: string;
  /** `transaction`: `url` is a pooler that may give each transaction another session. */
  pooler?: "off" | "transaction";
  /** PEM of the authority that signed the server's certificate; empty: the system's. */
  caFile?: string;
  /** Connections of this process at most. */
  poolMax: number;
  /** False behind a pooler that does not carry prepared statements (PgBouncer before 1.21). */
  prepare: boolean;
  /** The server ends a statement after this time; a server that does not is left after `ANSWER_MS` more. */
  statementTimeoutMs: number;
  log?: Log;
}

const TRIES_MAX = 4;
/** A server that keeps its own limit has answered by then. */
const ANSWER_MS = 500;
/** Whoever gets no connection within this time is refused. */
const WAIT_MS_MAX = 3_000;
/** Our side of a transaction only computes; one that rests longer belongs to a program that hangs and holds its locks. */
const REST_MS_MAX = 10_000;
const CLOSE_MS_MAX = 5_000;

/** A connection with the queries of the transaction that runs on it. */
interface Session extends Connection {
  queries: Queries;
  /** The first statement of the transaction that failed, whatever its caller made of that. */
  failure: unknown;
}

/**
 * Opens Postgres (15 or later) through postgres.js.
 *
 * The driver waits for ever for a server that hangs, and connects again by itself to run what its caller has given up. So
 * each connection is a driver's client of its own, behind a pool that ends those which are late (`pool.ts`).
 *
 * drizzle sends built queries unprepared, which costs several times the round trip. Here every statement whose text
 * does not depend on the number of its values is prepared once on each connection, without any change to the queries.
 */
export function openPostgres(options: PostgresOptions): Database {
  const pool = openPool(options);
  const run = createRunner(pool, options);
  const outside = queriesOf(facade(run, options.prepare));
  const rawDialect = new PgDialect();
  const listener = createListener(listenerConnector(options), options.log);

  return {
    queries: outside,
    async transaction(work) {
      refuseInsideTransaction();
      for (let attempt = 1; ; attempt += 1) {
        let hasBegun = false;
        try {
          return await inTransaction(pool, options, (queries) => {
            hasBegun = true;
            return work(queries);
          });
        } catch (error) {
          // A session that ended while nobody used it is noticed by the next one who does.
          const wasStale = !hasBegun && error instanceof ConnectionLost;
          if (attempt >= TRIES_MAX || !(wasStale || mayRunAgain(error))) throw error;
          if (!wasStale) await Bun.sleep(Math.random() * 20 * attempt);
        }
      }
    },
    async raw(statement) {
      refuseInsideTransaction();
      const built = rawDialect.sqlToQuery(typeof statement === "string" ? sql.raw(statement) : (statement as SQL));
      return [...((await run(built.sql, built.params as never[], false, "rows")) as Record<string, unknown>[])];
    },
    async notify(channel, payload) {
      // Otherwise its commit would wait for the disk, for nothing: what was not heard before a crash is never heard.
      const hint = "select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
      await run(hint, [channel, payload] as never[], options.prepare, "rows");
    },
    listen: listener.listen,
    async close() {
      await Promise.all([listener.stop(), pool.close(CLOSE_MS_MAX)]);
    },
  };
}

function openPool(options: PostgresOptions): Pool<Session> {
  const connect = createConnector(readAddress(options.url, options.caFile), {
    name: "atelier",
    prepare: options.prepare,
    parameters: sessionLimits(options),
  });
  return createPool<Session>({
    sizeMax: options.poolMax,
    waitMsMax: WAIT_MS_MAX,
    async open() {
      const connection = await connect();
      const session = Object.assign(connection, { failure: undefined }) as unknown as Session;
      // This way the driver's own client also learns which types drizzle reads by itself.
      session.queries = queriesOf(transactional(session, options));
      return session;
    },
  });
}

/** A pooler in transaction mode keeps nothing of a session, and refuses to begin one with what it cannot keep. */
function sessionLimits({ pooler, statementTimeoutMs }: PostgresOptions): Record<string, number> {
  if (pooler === "transaction") return {};
  return {
    statement_timeout: statementTimeoutMs,
    // Below the statement's, so that what waits for a lock is told apart from what takes long.
    lock_timeout: Math.ceil(statementTimeoutMs * 0.75),
    idle_in_transaction_session_timeout: REST_MS_MAX,
  };
}

/** What is listened on is a session of its own; null where there is none to be had. */
function listenerConnector({ url, directUrl = "", pooler, caFile, prepare }: PostgresOptions) {
  if (pooler === "transaction" && directUrl === "") return null;
  const address = readAddress(directUrl === "" ? url : directUrl, caFile);
  return (onNotice: (channel: string, payload: string) => void) =>
    createConnector(address, { name: "atelier listener", prepare, parameters: {}, onNotice })();
}

/** When a statement that begins now must be over, in ms of the monotonic clock. */
function dueOf(options: PostgresOptions): number {
  return performance.now() + patienceNow(options.statementTimeoutMs) + ANSWER_MS;
}

type Runner = (query: string, values: never[], prepare: boolean, shape: Shape) => Promise<unknown>;

/** Sends a statement, unless the session has ended: the driver would write to a socket that is gone. */
async function send(session: Session, query: string, values: never[], prepare: boolean, shape: Shape) {
  if (session.isBroken) throw new ConnectionLost("away", "the connection to the database ended");
  const sent = session.client.unsafe(query, values, { prepare });
  return shape === "values" ? await sent.values() : await sent;
}

/** Runs one statement outside a transaction, within its time. A read whose connection broke is asked once more. */
function createRunner(pool: Pool<Session>, options: PostgresOptions): Runner {
  const once: Runner = async (...statement) => {
    if (patienceNow(0) > options.statementTimeoutMs) {
      // The server's own limit is changed for one transaction; for a session a pooler would not keep it.
      return inTransaction(pool, options, (_, session) => send(session, ...statement));
    }
    return withSession(pool, (session) => {
      session.dueMs = dueOf(options);
      return send(session, ...statement);
    });
  };
  return async (query, ...rest) => {
    try {
      return await once(query, ...rest);
    } catch (error) {
      if (!(error instanceof ConnectionLost) || !/^\s*select\b/i.test(query)) throw error;
      return once(query, ...rest);
    }
  };
}

/**
 * Begins, works and commits on one connection. By hand, because the driver's own way writes its `rollback` to a connection
 * that has ended, which ends the program.
 */
async function inTransaction<T>(
  pool: Pool<Session>,
  options: PostgresOptions,
  work: (queries: Queries, session: Session) => Promise<T>,
): Promise<T> {
  const patienceMs = patienceNow(0);
  return withSession(pool, async (session) => {
    const own = (statement: string) => {
      session.dueMs = dueOf(options);
      return send(session, statement, [], false, "rows");
    };
    session.failure = undefined;
    await own("begin");
    try {
      if (patienceMs > options.statementTimeoutMs) await own(`set local statement_timeout = ${Math.ceil(patienceMs)}`);
      const result = await insideTransaction(() => work(session.queries, session));
      // The server would answer a commit with a rollback, and without a word of complaint.
      if (session.failure !== undefined) throw session.failure;
      await own("commit");
      return result;
    } catch (error) {
      // A rollback that fails leaves the connection in a state that nobody knows.
      if (!session.isBroken) await own("rollback").catch(() => session.drop());
      throw error;
    }
  });
}

/** The connection ended under a statement, by neither side's deadline: what it did is unknown, and the next is a new one. */
class ConnectionLost extends DatabaseUnavailable {}

/** Lends a connection to `work`; what its end did to a statement is told with the reason. */
async function withSession<T>(pool: Pool<Session>, work: (session: Session) => PromiseLike<T>): Promise<T> {
  const session = await pool.take();
  try {
    return await work(session);
  } catch (error) {
    if (session.endedBy) throw session.endedBy;
    const trouble = troubleOf(error);
    if (trouble === null) throw error;
    if (isReadOnly(error)) pool.dropIdle();
    if (trouble === "busy" && !session.isBroken) throw new DatabaseUnavailable(trouble, messageOf(error), error);
    session.drop();
    throw new ConnectionLost(trouble, messageOf(error), error);
  } finally {
    pool.give(session);
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `the database cannot be used now: ${(cause as Error).message}`;
}

/** Serialization failure, deadlock: nothing was done, the same work may simply run again. */
function mayRunAgain(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return code === "40001" || code === "40P01";
}

/** A list of values or of rows makes a new statement text for each length, so those are not kept prepared. */
const VARIABLE_LENGTH = / in \(\$\d+, |\), \(\$/i;

const mayBePrepared = (prepare: boolean, query: string) => prepare && !VARIABLE_LENGTH.test(query);

type Shape = "rows" | "values";

/** What drizzle awaits in the place of the driver's query: itself, or its values. */
function pending(start: (shape: Shape) => Promise<unknown>) {
  return {
    values: () => start("values"),
    // biome-ignore lint/suspicious/noThenProperty: it stands for the driver's query, which is a promise
    then: (resolve: (value: unknown) => unknown, reject: (error: unknown) => unknown) =>
      start("rows").then(resolve, reject),
  };
}

/** drizzle over a client, and the way past it for the statements that are asked at every request. */
function queriesOf(client: ReturnType<typeof facade>): Queries {
  const queries = drizzle(client as never) as unknown as Queries;
  runStatementsOf(
    queries,
    (statement, values) => client.unsafe(statement, values as never[]).values() as Promise<unknown[][]>,
  );
  return queries;
}

/** What drizzle needs of a client, over connections that are chosen for each statement. */
function facade(run: Runner, prepare: boolean) {
  return {
    options: { parsers: {}, serializers: {} },
    unsafe(query: string, values: never[] = []) {
      refuseInsideTransaction();
      return pending((shape) => run(query, values, mayBePrepared(prepare, query), shape));
    },
  };
}

/** A connection's client as drizzle gets it inside a transaction: statements are prepared and have their time. */
function transactional(session: Session, options: PostgresOptions) {
  let inHand = 0;
  return {
    options: session.client.options,
    unsafe(query: string, values: never[] = []) {
      refuseAfterTransaction(transactionMark.getStore());
      return pending(async (shape) => {
        // What drizzle merely awaits begins one turn after what it asks for values: sent together, they keep their order.
        if (shape === "values") await undefined;
        inHand += 1;
        session.dueMs = dueOf(options);
        try {
          return await send(session, query, values, mayBePrepared(options.prepare, query), shape);
        } catch (error) {
          session.failure ??= error;
          throw error;
        } finally {
          inHand -= 1;
          if (inHand === 0) session.dueMs = performance.now() + REST_MS_MAX;
        }
      });
    },
  };
}
