import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import { getTableName, isTable } from "drizzle-orm";
import type { Clock } from "../../src/platform/clock.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { newId } from "../../src/platform/ids.ts";
import type { jobs } from "../../src/platform/queue/tables.ts";
import { createLog, type Log } from "../../src/platform/telemetry/log.ts";
import { type Transactional, withDatabase } from "../../src/platform/transactional.ts";
import { createWakeUps, type WakeUps } from "../../src/platform/wake.ts";
import * as tables from "../../src/tables.ts";
import { createTestClock, type TestClock } from "./clock.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "./database.ts";

/** What the platform's machinery needs of the world, without the product around it. */
export interface MachineryContext extends Transactional<MachineryContext> {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly wakeUps: WakeUps;
}

/** One process's view of a database: its own connections and wake-ups. */
export interface OpenMachinery {
  ctx: MachineryContext;
  open: Database;
  /** Every line that was logged. */
  logLines: string[];
  close(): Promise<void>;
}

/** A database of the test's own, seen by one process. */
export interface Machinery extends OpenMachinery {
  clock: TestClock;
  database: TestDatabase;
  /** The same database as another process sees it; closed with the test. */
  another(): Promise<OpenMachinery>;
  /** Has something ended after the test, while the database is still open. */
  atEnd(work: () => Promise<unknown>): void;
}

/** Gives each test of the file (or `describe`) an empty, migrated database and a clock that stands still. */
export function useMachinery(): () => Machinery {
  let database: TestDatabase | undefined;
  let machinery: Machinery | undefined;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  beforeEach(async () => {
    if (database) machinery = await startMachinery(database);
  });
  afterEach(async () => {
    await machinery?.close();
    machinery = undefined;
  });
  afterAll(() => database?.remove());
  return () => {
    if (!machinery) throw new Error("the database is opened by beforeEach; ask for it inside a test");
    return machinery;
  };
}

async function startMachinery(database: TestDatabase): Promise<Machinery> {
  const clock = createTestClock();
  const own = await openMachinery(database, clock);
  const others: OpenMachinery[] = [];
  const endings: (() => Promise<unknown>)[] = [];
  return {
    ...own,
    clock,
    database,
    async another() {
      const other = await openMachinery(database, clock);
      others.push(other);
      return other;
    },
    atEnd: (work) => void endings.push(work),
    async close() {
      for (const end of endings) await end();
      for (const other of others) await other.close();
      await emptyTables(own.open);
      await own.close();
    },
  };
}

/** Removing the rows, without a look at references, is many times quicker than making a database for each test. */
async function emptyTables(open: Database): Promise<void> {
  const all = Object.values<unknown>(tables).filter((value): value is typeof jobs => isTable(value));
  if (lane === "postgres") {
    const deletes = all.map((table) => `delete from ${getTableName(table)}`);
    const role = "set session_replication_role =";
    await open.raw([`${role} replica`, ...deletes, `${role} origin`].join(";"));
    return;
  }
  await open.raw("pragma foreign_keys = off");
  await open.transaction(async (queries) => {
    for (const table of all) await queries.delete(table);
  });
}

/** Opens a test's database with connections and wake-ups of its own. */
export async function openMachinery(database: TestDatabase, clock: Clock): Promise<OpenMachinery> {
  const open = await openTestDatabase(database);
  const logLines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => logLines.push(line) });
  const wakeUps = createWakeUps(open, log, newId());
  const parts = { clock, log, random: () => 0.5, wakeUps };
  return {
    ctx: withDatabase(parts, open) as unknown as MachineryContext,
    open,
    logLines,
    async close() {
      await wakeUps.stop();
      await open.close();
    },
  };
}
