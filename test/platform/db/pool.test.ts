import { afterEach, expect, test } from "bun:test";
import { createPool, type Pool, type Pooled } from "../../../src/platform/db/pool.ts";
import type { DatabaseUnavailable } from "../../../src/platform/db/unavailable.ts";
import { within } from "../../support/timing.ts";
import { until } from "../../support/until.ts";

/** A connection that does nothing but end. */
interface Fake extends Pooled {
  number: number;
  why: DatabaseUnavailable | undefined;
}

const WAIT_MS = 300;
const pools: Pool<Fake>[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close(0)));
});

/** A pool of fakes; `open` may be told to fail. */
function fakes(sizeMax: number) {
  const made: Fake[] = [];
  const state = { fault: null as Error | null, tries: 0 };
  const pool = createPool<Fake>({
    sizeMax,
    waitMsMax: WAIT_MS,
    async open() {
      state.tries += 1;
      await Bun.sleep(1);
      if (state.fault) throw state.fault;
      const listeners: (() => void)[] = [];
      const fake: Fake = {
        number: made.length,
        why: undefined,
        isBroken: false,
        dueMs: Number.POSITIVE_INFINITY,
        openedMs: performance.now(),
        usedMs: performance.now(),
        onEnd: (listener) => void listeners.push(listener),
        drop(reason) {
          if (fake.isBroken) return;
          fake.why = reason;
          fake.isBroken = true;
          for (const listener of listeners) listener();
        },
        close: async () => fake.drop(),
      };
      made.push(fake);
      return fake;
    },
  });
  pools.push(pool);
  return { pool, made, state };
}

const outcome = (take: Promise<Fake>) =>
  take.then(
    () => "taken",
    (error: DatabaseUnavailable) => error.unavailability,
  );

test("F11 a pool opens as many as are asked for at once, never more than it may, and uses the last one again", async () => {
  const { pool, made } = fakes(3);
  const [first, second] = await Promise.all([pool.take(), pool.take()]);
  expect(made).toHaveLength(2);
  pool.give(first as Fake);
  expect(await pool.take()).toBe(first as Fake);
  const third = await pool.take();
  const waiting = pool.take();
  await Bun.sleep(30);
  expect(made).toHaveLength(3);
  pool.give(second as Fake);
  expect(await waiting).toBe(second as Fake);
  expect(third.number).toBe(2);
});

test("F11 whoever waits in vain is refused in time, in order, as busy; the queue itself has an end", async () => {
  const { pool } = fakes(1);
  const held = await pool.take();
  const begun = performance.now();
  const waits = Array.from({ length: 1_000 }, () => outcome(pool.take()));
  expect(await outcome(pool.take())).toBe("busy");
  expect(performance.now() - begun).toBeLessThan(WAIT_MS / 2);
  expect(new Set(await Promise.all(waits))).toEqual(new Set(["busy"]));
  expect(performance.now() - begun).toBeWithin(WAIT_MS, WAIT_MS + within(600, 5_000));
  pool.give(held);
  expect(await outcome(pool.take())).toBe("taken");
});

test("F7 a late connection is ended with the reason, the idle ones with it, and others take their places", async () => {
  const { pool, made } = fakes(2);
  const [late, idle] = await Promise.all([pool.take(), pool.take()]);
  pool.give(idle as Fake);
  (late as Fake).dueMs = performance.now() + 50;
  await until(() => (late as Fake).isBroken, "it is ended");
  expect((late as Fake).why?.unavailability).toBe("busy");
  expect((idle as Fake).isBroken).toBe(true);
  pool.give(late as Fake);
  const next = await Promise.all([pool.take(), pool.take()]);
  expect(next.map(({ number }) => number)).toEqual([2, 3]);
  expect(made).toHaveLength(4);
});

test("F4 a program that stood still does not call its connections late for that", async () => {
  const { pool } = fakes(1);
  const connection = await pool.take();
  await Bun.sleep(250);
  connection.dueMs = performance.now() + 300;
  const standstill = performance.now() + 900;
  while (performance.now() < standstill);
  await Bun.sleep(10);
  expect(connection.isBroken).toBe(false);
  await until(() => connection.isBroken, "it is late in its own time");
});

test("F5 while opening fails one knocks for all, and whoever waits is told that the database is away", async () => {
  const { pool, state } = fakes(10);
  state.fault = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const begun = performance.now();
  const waits = Array.from({ length: 20 }, () => outcome(pool.take()));
  expect(new Set(await Promise.all(waits))).toEqual(new Set(["away"]));
  expect(performance.now() - begun).toBeWithin(WAIT_MS, WAIT_MS + within(600, 5_000));
  // Ten at first, and then one after another with growing pauses.
  expect(state.tries).toBeWithin(11, 16);
  state.fault = null;
  const again = performance.now();
  expect(await outcome(pool.take())).toBe("taken");
  expect(performance.now() - again).toBeLessThan(within(650, 5_000));
});

test("F5 what waiting cannot mend is told at once", async () => {
  const { pool, state } = fakes(2);
  state.fault = Object.assign(new Error("wrong password"), { code: "28P01" });
  const begun = performance.now();
  expect(await outcome(pool.take())).toBe("away");
  expect(performance.now() - begun).toBeLessThan(WAIT_MS / 2);
});

test("a connection that ends while it is idle is not given out", async () => {
  const { pool } = fakes(2);
  const first = await pool.take();
  pool.give(first);
  first.drop();
  expect(await pool.take()).not.toBe(first);
});

test("a closed pool refuses, and waits for what is in use", async () => {
  const { pool, made } = fakes(2);
  const [used, idle] = await Promise.all([pool.take(), pool.take()]);
  pool.give(idle as Fake);
  const closing = pool.close(1_000);
  expect(await outcome(pool.take())).toBe("away");
  await Bun.sleep(50);
  expect((used as Fake).isBroken).toBe(false);
  pool.give(used as Fake);
  await closing;
  expect(made.every(({ isBroken }) => isBroken)).toBe(true);
});
