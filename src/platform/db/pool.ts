import { DatabaseUnavailable, isHopeless } from "./unavailable.ts";

/** What the pool asks of a connection. */
export interface Pooled {
  isBroken: boolean;
  dueMs: number;
  readonly openedMs: number;
  usedMs: number;
  onEnd(listener: () => void): void;
  drop(reason?: DatabaseUnavailable): void;
  close(): Promise<void>;
}

export interface PoolOptions<C extends Pooled> {
  open(): Promise<C>;
  sizeMax: number;
  /** Whoever has waited so long for a connection is refused. */
  waitMsMax: number;
}

/**
 * The connections of one process.
 *
 *   take:   the connection used last, or a new one while there are fewer than `sizeMax`, or a place in the queue
 *   wait:   ends after `waitMsMax` with a refusal that says whether the database is away or merely busy
 *   sweep:  whoever has a connection says until when its statement must be over (`dueMs`); a connection that is late is
 *           dropped, which fails its statement, and the pool is free to open another in its place
 *   broken: a connection that ended is forgotten; while opening fails, one try after another probes the server
 */
export interface Pool<C extends Pooled> {
  take(): Promise<C>;
  give(connection: C): void;
  /** Ends the connections that nobody uses: what happened to one says that the others are no better. */
  dropIdle(): void;
  /** Refuses whoever waits, lets those in use come back for `graceMs`, and ends all. */
  close(graceMs: number): Promise<void>;
}

/** How often late connections are looked for; what a deadline says is exceeded by this at most. */
const SWEEP_MS = 200;
/** The default back-off of the driver left programs dead for 9 s after the database was back. */
const REOPEN_MS = { least: 50, most: 500 };
const IDLE_MS_MAX = 60_000;
/** Servers give back the memory that a session has gathered only when it ends. */
const LIFE_MS_MAX = 30 * 60_000;
/** Beyond this nobody would be served within the time that they wait. */
const WAITING_MAX = 1_000;

interface Waiting<C> {
  resolve(connection: C): void;
  reject(error: Error): void;
  sinceMs: number;
}

export function createPool<C extends Pooled>({ open, sizeMax, waitMsMax }: PoolOptions<C>): Pool<C> {
  const idle: C[] = [];
  const taken = new Set<C>();
  const waiting: Waiting<C>[] = [];
  let opening = 0;
  let failures = 0;
  let fault: unknown;
  let reopen: Timer | undefined;
  let isClosed = false;

  const refusal = () =>
    fault === undefined
      ? new DatabaseUnavailable("busy", "no connection to the database became free in time")
      : new DatabaseUnavailable("away", `the database cannot be reached: ${(fault as Error).message}`, fault);
  const hand = (connection: C) => {
    const next = waiting.shift();
    if (!next) return void idle.push(connection);
    taken.add(connection);
    next.resolve(connection);
  };
  const openOne = async () => {
    opening += 1;
    try {
      const connection = await open();
      failures = 0;
      fault = undefined;
      connection.onEnd(() => forget(connection));
      if (isClosed) void connection.close();
      else hand(connection);
    } catch (error) {
      failures += 1;
      fault = error;
      if (isHopeless(error)) for (const one of waiting.splice(0)) one.reject(refusal());
      reopen ??= setTimeout(
        () => {
          reopen = undefined;
          grow();
        },
        Math.min(REOPEN_MS.most, REOPEN_MS.least * 2 ** Math.min(failures, 8)),
      );
    } finally {
      opening -= 1;
      grow();
    }
  };
  const grow = () => {
    // While the server is away, one knocks for all.
    const atOnce = failures > 0 ? 1 : sizeMax;
    while (
      !isClosed &&
      reopen === undefined &&
      opening < Math.min(waiting.length, atOnce) &&
      idle.length + taken.size + opening < sizeMax
    ) {
      void openOne();
    }
  };
  const forget = (connection: C) => {
    const place = idle.indexOf(connection);
    if (place !== -1) idle.splice(place, 1);
    taken.delete(connection);
    grow();
  };
  let sweptMs = performance.now();
  const sweep = () => {
    const now = performance.now();
    // A program that stood still has not read what the server may have answered meanwhile.
    const stoodStillMs = now - sweptMs - SWEEP_MS;
    sweptMs = now;
    if (stoodStillMs > SWEEP_MS) for (const connection of taken) connection.dueMs += stoodStillMs;
    for (const connection of [...taken]) {
      if (connection.dueMs > now) continue;
      connection.drop(new DatabaseUnavailable("busy", "the database gave no answer in time"));
      // A server that hangs hangs everywhere, and whoever gets one of these would have to find that out anew.
      dropIdle();
    }
    while (waiting[0] !== undefined && now - waiting[0].sinceMs >= waitMsMax) waiting.shift()?.reject(refusal());
    for (const connection of [...idle]) {
      if (now - connection.usedMs > IDLE_MS_MAX || now - connection.openedMs > LIFE_MS_MAX) void connection.close();
    }
  };
  const dropIdle = () => {
    for (const connection of [...idle]) connection.drop();
  };
  const sweeping = setInterval(sweep, SWEEP_MS);
  sweeping.unref();

  return {
    take() {
      const connection = isClosed ? undefined : idle.pop();
      if (connection) {
        taken.add(connection);
        return Promise.resolve(connection);
      }
      if (isClosed) return Promise.reject(new DatabaseUnavailable("away", "the database was closed"));
      if (waiting.length >= WAITING_MAX) return Promise.reject(refusal());
      return new Promise<C>((resolve, reject) => {
        waiting.push({ resolve, reject, sinceMs: performance.now() });
        grow();
      });
    },
    give(connection) {
      connection.dueMs = Number.POSITIVE_INFINITY;
      connection.usedMs = performance.now();
      if (!taken.delete(connection)) return;
      if (isClosed) void connection.close();
      else if (connection.isBroken) grow();
      else hand(connection);
    },
    dropIdle,
    async close(graceMs) {
      isClosed = true;
      clearTimeout(reopen);
      for (const one of waiting.splice(0)) one.reject(new DatabaseUnavailable("away", "the database was closed"));
      const deadline = performance.now() + graceMs;
      while (taken.size > 0 && performance.now() < deadline) await Bun.sleep(5);
      clearInterval(sweeping);
      for (const connection of [...taken]) connection.drop();
      await Promise.all([...idle].map((connection) => connection.close()));
    },
  };
}
