import { connect as connectSocket, type Socket } from "node:net";
import postgres from "postgres";
import { type PostgresAddress, type PostgresHost, tlsOptions } from "./address.postgres.ts";
import { DatabaseUnavailable } from "./unavailable.ts";

/** From the first packet to a session that takes writes, for one host. */
export const CONNECT_MS_MAX = 2_000;
/** Dead peers behind a connection that nobody uses are found by the system after this time. */
const KEEP_ALIVE_SECONDS = 30;

/** How sessions are set up. */
export interface SessionOptions {
  name: string;
  prepare: boolean;
  /** Parameters of the session; none behind a pooler in transaction mode, which refuses those that it does not know. */
  parameters: Readonly<Record<string, string | number>>;
  onNotice?: (channel: string, payload: string) => void;
}

/** One session of one server. What breaks it ends it: nothing connects anew behind the caller's back. */
export interface Connection {
  readonly client: postgres.Sql;
  /** Set once it is of no further use. */
  isBroken: boolean;
  /** Why it was ended from here; statements in hand then fail with this. */
  endedBy: DatabaseUnavailable | undefined;
  /** When what it does now must be over, in ms of the monotonic clock; infinite while it is idle. */
  dueMs: number;
  readonly openedMs: number;
  usedMs: number;
  /** Calls `listener` when the session ends, whoever ended it. */
  onEnd(listener: () => void): void;
  /** Ends it at once, without waiting for the server: one that hangs would not answer. */
  drop(reason?: DatabaseUnavailable): void;
  /** Says good-bye to the server first. */
  close(): Promise<void>;
}

/**
 * Connects to the first host that is there and takes writes, beginning with the one that did so last: after a failover
 * the former primary may be back as a replica.
 */
export function createConnector(address: PostgresAddress, options: SessionOptions): () => Promise<Connection> {
  let first = 0;
  return async () => {
    let fault: unknown;
    for (let tries = 0; tries < address.hosts.length; tries += 1) {
      const place = (first + tries) % address.hosts.length;
      const host = address.hosts[place] as PostgresHost;
      try {
        const connection = await connectTo(host, address, options);
        first = place;
        return connection;
      } catch (error) {
        fault = error;
      }
    }
    throw fault;
  };
}

async function connectTo(host: PostgresHost, address: PostgresAddress, options: SessionOptions): Promise<Connection> {
  const beganMs = performance.now();
  const socket = await openSocket(host);
  const connection = wrap(socket, host, address, options);
  const late = setTimeout(
    () => connection.drop(new DatabaseUnavailable("away", "the database did not answer in time", timedOut(host))),
    Math.max(1, CONNECT_MS_MAX - (performance.now() - beganMs)),
  );
  try {
    const [state] = await connection.client.unsafe(
      "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only",
    );
    if (state?.read_only === true) throw readOnly(host);
    return connection;
  } catch (error) {
    connection.drop();
    throw connection.endedBy ?? error;
  } finally {
    clearTimeout(late);
  }
}

function wrap(socket: Socket, host: PostgresHost, address: PostgresAddress, options: SessionOptions): Connection {
  let isUsed = false;
  const listeners: (() => void)[] = [];
  const ended = () => {
    if (connection.isBroken) return;
    connection.isBroken = true;
    for (const listener of listeners) listener();
  };
  const client = postgres({
    host: host.host,
    port: host.port,
    database: address.database,
    username: address.user,
    password: address.password,
    max: 1,
    ssl: tlsOptions(address, host) as never,
    prepare: options.prepare,
    // Asked for at the beginning of each session, by a promise that nobody holds: a session that ends meanwhile would end
    // the program. They are for arrays, which no query of ours has.
    fetch_types: false,
    idle_timeout: undefined,
    max_lifetime: null,
    connect_timeout: CONNECT_MS_MAX / 1_000,
    keep_alive: KEEP_ALIVE_SECONDS,
    onnotice: () => {},
    ...(options.onNotice ? { onnotify: options.onNotice } : {}),
    onclose() {
      // The driver has let go of the socket, which may still have something to complain of.
      socket.on("error", ignore);
      ended();
    },
    connection: { application_name: options.name, ...options.parameters, ...address.parameters },
    // The driver would connect again by itself, and run there what its caller has given up.
    socket: () => {
      if (!isUsed) {
        isUsed = true;
        return socket;
      }
      connection.drop();
      return new Promise<never>(() => {});
    },
  } as postgres.Options<Record<string, never>>) as unknown as postgres.Sql;
  const now = performance.now();
  const connection: Connection = {
    client,
    isBroken: false,
    endedBy: undefined,
    dueMs: Number.POSITIVE_INFINITY,
    openedMs: now,
    usedMs: now,
    onEnd: (listener) => void listeners.push(listener),
    drop(reason) {
      connection.endedBy ??= reason;
      ended();
      // Fails what is in hand; then the socket goes, for the driver would wait for the server's good-bye.
      void client.end({ timeout: 0 }).catch(() => {});
      socket.on("error", ignore);
      setTimeout(() => socket.destroy(), 0);
    },
    async close() {
      ended();
      await client.end({ timeout: 1 });
      socket.destroy();
    },
  };
  // A server that hangs up at once does so before the driver listens, which would then wait.
  socket.once("close", () => connection.drop());
  return connection;
}

/** Who ends a socket knows that it ended; an error that nobody hears ends the program. */
const ignore = () => {};

function openSocket(host: PostgresHost): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      host.path === undefined
        ? connectSocket({ host: host.host, port: host.port })
        : connectSocket({ path: host.path });
    // The driver takes the name for the server's certificate from here.
    Object.assign(socket, { host: host.host, port: host.port });
    const late = setTimeout(() => failed(timedOut(host)), CONNECT_MS_MAX);
    const failed = (error: Error) => {
      clearTimeout(late);
      socket.destroy();
      reject(error);
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(late);
      socket.removeListener("error", failed);
      // Until the driver listens.
      socket.on("error", ignore);
      resolve(socket);
    });
  });
}

function timedOut({ host, port }: PostgresHost): Error {
  return Object.assign(new Error(`connect CONNECT_TIMEOUT ${host}:${port}`), { code: "CONNECT_TIMEOUT" });
}

function readOnly({ host, port }: PostgresHost): Error {
  return Object.assign(new Error(`${host}:${port} is a read-only replica`), { code: "25006" });
}
