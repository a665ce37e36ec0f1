import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { ownMigrations } from "../../src/context.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { databaseFault } from "../../src/platform/db/inspect.ts";
import { migrate } from "../../src/platform/db/migrate.ts";
import { type DatabaseOptions, openDatabase } from "../../src/platform/db/open.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { createTestDatabase, lane, type TestDatabase } from "../support/database.ts";
import { violations } from "../support/invariants.ts";
import { deploy } from "../support/processes.ts";
import { signInAt } from "../support/remote-person.ts";
import { within } from "../support/timing.ts";
import { startTransactionPooler, type TransactionPooler } from "../support/transaction-pooler.ts";
import { until } from "../support/until.ts";

/** A pooler in transaction mode from before prepared statements were carried. */
const POOLED = { pooler: "transaction", prepare: false } as const;

describe.skipIf(lane === "sqlite")("behind a pooler in transaction mode (Postgres only)", () => {
  let database: TestDatabase;
  let pooler: TransactionPooler;
  const opened: Database[] = [];
  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    pooler = await startTransactionPooler(database.url);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });
  afterAll(async () => {
    await pooler.close();
    await database.remove();
  });
  const open = async (options: Partial<DatabaseOptions> = {}) => {
    const one = await openDatabase({
      ...database,
      poolMax: 4,
      statementTimeoutMs: 4_000,
      ...POOLED,
      url: pooler.url,
      ...options,
    });
    opened.push(one);
    return one;
  };
  const row = (name: string) => ({ name, lastSlot: new Date(0), runs: 1 });

  test("several programs migrate at once, and transactions and statements work though each lands elsewhere", async () => {
    const [one, other] = await Promise.all([open(), open()]);
    const needs = { clock: systemClock, migrations: ownMigrations };
    const applied = await Promise.all([one, other].map((each) => migrate({ database: each, ...needs })));
    expect(applied.flat().sort()).toEqual(ownMigrations.map(({ name }) => name));
    await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        one.transaction(async (tx) => {
          await tx.insert(schedules).values(row(`in ${place}`));
          await tx.update(schedules).set({ runs: 2 });
        }),
      ),
    );
    for (let place = 0; place < 20; place += 1) await one.queries.insert(schedules).values(row(`out ${place}`));
    const rows = await one.queries.select().from(schedules);
    expect(rows.filter(({ runs }) => runs === 2)).toHaveLength(20);
    expect(rows).toHaveLength(40);
    // Otherwise nothing of this was tried.
    expect(pooler.transactions.every((count) => count > 8)).toBe(true);
  });

  test("a statement's own time holds for its transaction, and leaves nothing behind for whoever comes next", async () => {
    const one = await open();
    const { withPatience } = await import("../../src/platform/db/patience.ts");
    await withPatience(60_000, () => one.raw("select 1"));
    for (let place = 0; place < 6; place += 1) {
      expect(await one.raw("select current_setting('statement_timeout') as limit")).toEqual([{ limit: "0" }]);
    }
  });

  test("prepared statements would fail there, and so would limits of a session: that is said with what to do", async () => {
    const prepared = await open({ prepare: true });
    const twice = async () => {
      // Outside of transactions the driver helps itself out of it, with a round trip more.
      for (let place = 0; place < 6; place += 1)
        await prepared.transaction((tx) => tx.insert(schedules).values(row(`p ${place}`)));
    };
    await expect(twice()).rejects.toThrow();
    const unaware = await open({ pooler: "off" });
    const fault = databaseFault(await unaware.raw("select 1").catch((error: unknown) => error));
    expect(fault).toContain("unsupported startup parameter: statement_timeout");
    expect(fault).toContain("DATABASE_POOLER=transaction");
  });

  test("F8 notices come by the direct address; without one nothing is listened to, and nothing waits for it", async () => {
    const [sender, hearing, deaf] = [await open(), await open({ directUrl: database.url }), await open()];
    const heard: string[] = [];
    await hearing.listen(
      "news",
      (payload) => heard.push(`direct ${payload}`),
      () => {},
    );
    const begun = performance.now();
    await deaf.listen(
      "news",
      (payload) => heard.push(`pooled ${payload}`),
      () => {},
    );
    expect(performance.now() - begun).toBeLessThan(within(100, 5_000));
    await sender.notify("news", "hello");
    await until(() => heard.length > 0, "it is heard");
    await Bun.sleep(100);
    expect(heard).toEqual(["direct hello"]);
  });

  test.each(["with its direct address", "by polling alone"])(
    "J1 the program makes a picture through it, in processes of its own, %s",
    async (how) => {
      const direct = await createTestDatabase({ empty: true });
      const through = await startTransactionPooler(direct.url, 4);
      const deployment = await deploy({
        database: direct,
        settings: {
          DATABASE_URL: through.url,
          DATABASE_POOLER: "transaction",
          DATABASE_PREPARE: "off",
          DATABASE_DIRECT_URL: how === "by polling alone" ? "" : direct.url,
        },
      });
      await deployment.start("api");
      await Promise.all([deployment.start("worker"), deployment.start("scheduler")]);
      const person = await signInAt(deployment.url);
      const socket = await person.listen(0);
      const generation = await person.ordered();
      expect(await person.ended(generation.id)).toMatchObject({ status: "succeeded" });
      await until(() => socket.events.some(({ type }) => type === "generation.succeeded"), "its end is told");
      await deployment.inside(async (ctx) => expect(await violations(ctx, deployment.kie)).toEqual([]));
      await deployment.close();
      await through.close();
    },
    60_000,
  );
});
