import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Cron } from "croner";
import { eq } from "drizzle-orm";
import { files } from "../../src/features/photos/index.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { existingTables } from "../../src/platform/db/inspect.ts";
import { tableShapes } from "../../src/platform/db/table-shapes.ts";
import { runDue, SCHEDULE_TIME_ZONE } from "../../src/platform/queue/cron.ts";
import { jobs } from "../../src/platform/queue/tables.ts";
import { createDiskStorage } from "../../src/platform/storage/disk.ts";
import { schedule } from "../../src/schedule.ts";
import * as tables from "../../src/tables.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { type BackupFacts, backUp, backupFolder, dumpOf, operate } from "../support/backups.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { fillEveryTable } from "../support/every-table.ts";
import { settingsOf, startProgram } from "./program.ts";

/** A backup may come to its end before the signal comes. */
const STOP_TRIES_MAX = 10;
const folder = backupFolder();
const file = join(folder, "full.tar");
let app: TestApp;
let facts: BackupFacts;
const made: TestDatabase[] = [];

/** An empty place to restore into. */
async function emptyPlace(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true });
  made.push(database);
  return database;
}

beforeAll(async () => {
  app = await startTestApp({ clock: createTestClock(new Date()), keepOpen: true });
  await fillEveryTable(app);
  facts = await backUp(app.database, file);
}, 60_000);
afterAll(async () => {
  await app.close();
  for (const database of made) await database.remove();
});

describe("a backup", () => {
  test("X10 holds every table of the database, and every one has a row here", async () => {
    const open = await openTestDatabase(app.database);
    const present = await existingTables(open);
    await open.close();
    const own = tableShapes(tables).map(({ name }) => name);
    expect([...own, "schema_migrations"].toSorted()).toEqual(present.filter((name) => !name.startsWith("sqlite_")));
    expect(Object.keys(facts.tables)).toEqual(own);
    const bare = Object.entries(facts.tables).filter(([, { rows }]) => rows === 0);
    // Whoever makes a table gives it a row in test/support/every-table.ts.
    expect(bare.map(([name]) => name)).toEqual([]);
  });

  test("X10 is a tar file for its owner alone, with every stored picture, byte for byte", async () => {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
    // Another reader than ours.
    const entries = await new Bun.Archive(readFileSync(file)).files();
    const rows = await app.ctx.db.select().from(files);
    const stored = rows.filter((row) => row.deletedAt === null);
    expect(stored.length).toBeGreaterThan(5);
    expect(facts.files).toMatchObject({ stored: stored.length, deleted: 0, lost: 0 });
    for (const { storageKey } of stored) {
      const content = await (await app.ctx.storage.read(storageKey))?.content();
      expect(
        Buffer.from((await entries.get(`files/${storageKey}`)?.bytes()) ?? []).equals(content ?? Buffer.alloc(0)),
      ).toBe(true);
    }
    expect([...entries.keys()].slice(0, 1)).toEqual(["header.json"]);
    expect([...entries.keys()].slice(-2)).toEqual(["manifest.json", "sha256"]);
  });

  test("is not written over another file, ends with 1 and tells the owner", async () => {
    const before = readFileSync(file);
    const { code, out, err } = await operate(app.database, "backup", file);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toBe(`atelier: ${file} is there already. Name another file; nothing is overwritten.\n`);
    expect(readFileSync(file).equals(before)).toBe(true);
    const alerts = await app.ctx.db
      .select()
      .from(tables.ownerAlerts)
      .where(eq(tables.ownerAlerts.reason, "backup_failed"));
    expect(alerts).toHaveLength(1);
    await app.ctx.db.delete(tables.ownerAlerts).where(eq(tables.ownerAlerts.reason, "backup_failed"));
    await app.ctx.db.delete(jobs).where(eq(jobs.kind, "owner.alert"));
    const nowhere = await operate(app.database, "backup", join(folder, "no", "such.tar"));
    expect(nowhere.code).toBe(1);
    expect(nowhere.err).toContain(`${join(folder, "no")} cannot be written to`);
    await app.ctx.db.delete(tables.ownerAlerts).where(eq(tables.ownerAlerts.reason, "backup_failed"));
    await app.ctx.db.delete(jobs).where(eq(jobs.kind, "owner.alert"));
  });

  test("of the database alone has no pictures in it", async () => {
    const path = join(folder, "rows.tar");
    const alone = await backUp(app.database, path, "--without-files");
    expect(alone.tables).toEqual(facts.tables);
    expect(alone.files.stored).toBe(0);
    const entries = await new Bun.Archive(readFileSync(path)).files();
    expect([...entries.keys()].filter((name) => /^(files|pictures)\//.test(name))).toEqual([]);
  });
});

describe("a restore", () => {
  test("F20 into an empty place gives the same rows, the same pictures and a ledger that adds up, and prints RPO and RTO", async () => {
    const place = await emptyPlace();
    const { code, out, err } = await operate(place, "restore", file, "--no-hold");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^RPO \d+\.\d s: /m);
    expect(out).toMatch(/^RTO \d+\.\d s: /m);
    expect(out).toContain("people add up.");
    const again = await backUp(place, join(folder, "again.tar"));
    expect(again.tables).toEqual(facts.tables);
    expect(again.sums).toEqual(facts.sums);
    expect(again.files).toEqual(facts.files);
    expect((await operate(place, "ledger", "verify")).code).toBe(0);
    expect(await keysIn(place)).toEqual(await keysIn(app.database));
  });

  test("F20 keeps what the old server left undone on hold, so that nothing is done twice", async () => {
    const place = await emptyPlace();
    const { code, out, err } = await operate(place, "restore", file);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("atelier jobs retry --all-parked");
    expect(out).toMatch(/^renewals whose time has come +1$/m);
    const open = await openTestDatabase(place);
    const rows = await open.raw("select kind, state, lease, worker_id, unique_key from jobs order by kind, unique_key");
    const waiting = await open.raw("select count(*) as n from outbox_messages where state in ('waiting', 'sending')");
    const unknown = await open.raw(
      "select count(*) as n from outbox_messages where state = 'unknown' and reason = 'restored'",
    );
    const doers = await open.raw(
      "select id from workers union all select id from live_hosts union all select id from live_connections",
    );
    await open.close();
    expect(rows.filter(({ state }) => state !== "parked")).toEqual([]);
    expect(rows.filter(({ lease, worker_id }) => lease !== null || worker_id !== null)).toEqual([]);
    // No slot of these brings a job of its own while the parked one stands there.
    const held = rows.filter(({ unique_key }) => String(unique_key).startsWith("schedule:")).map(({ kind }) => kind);
    expect(held).toEqual(["broadcasts.sweep", "privacy.clean_up", "subscriptions.keep", "tax.file"]);
    expect([Number(waiting[0]?.n), Number(unknown[0]?.n)]).toEqual([0, 2]);
    expect(doers).toEqual([]);
    // All else is as it was.
    const {
      jobs: _jobs,
      outbox_messages: _messages,
      workers: _workers,
      live_hosts: _hosts,
      live_connections: _sockets,
      ...same
    } = await dumpOf(place);
    expect(facts.tables).toMatchObject(same);
  });

  test("F20 charges nobody and sends nothing until an operator lets it go on", async () => {
    const place = await emptyPlace();
    expect((await operate(place, "restore", file)).code).toBe(0);
    const restored = await startTestApp({ database: place, clock: createTestClock(new Date()) });
    const work = async () => {
      for (const entry of schedule) {
        await runDue(restored.ctx, entry, new Cron(entry.cron, { timezone: SCHEDULE_TIME_ZONE }));
      }
      await restored.work();
    };
    const renewals = () =>
      restored.ctx.db.select().from(tables.planOrders).where(eq(tables.planOrders.purpose, "renewal"));
    await work();
    expect(await renewals()).toEqual([]);
    expect(restored.yooKassa.stats().payments).toEqual([]);
    const held = await restored.ctx.db
      .select()
      .from(tables.outboxMessages)
      .where(eq(tables.outboxMessages.reason, "restored"));
    expect(held.map(({ state }) => state)).toEqual(["unknown", "unknown"]);
    expect((await operate(place, "jobs", "retry", "--all-parked", "--kind", "subscriptions.keep")).code).toBe(0);
    await work();
    expect(await renewals()).toHaveLength(1);
  }, 60_000);

  test("refuses a database with rows, and one with pictures, and changes neither", async () => {
    const before = await dumpOf(app.database);
    const full = await operate(app.database, "restore", file);
    expect(full).toMatchObject({ code: 2, out: "" });
    expect(full.err).toContain("The database is not empty: there are rows in");
    expect(await dumpOf(app.database)).toEqual(before);

    const place = await emptyPlace();
    const storage = createDiskStorage({ folder: join(place.dataFolder, "files"), clock: systemClock });
    await storage.put("photos/aa/somebody.jpg", new Uint8Array([1, 2, 3]), { mime: "image/jpeg" });
    const refused = await operate(place, "restore", file);
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(refused.err).toContain("The storage is not empty.");
    expect(await keysIn(place)).toEqual(["photos/aa/somebody.jpg"]);
    expect(existsSync(join(place.dataFolder, "atelier.sqlite"))).toBe(false);
    if (lane === "postgres") expect(await tablesOf(place)).toEqual([]);
    // The database alone goes beside them.
    const alone = await operate(place, "restore", file, "--without-files", "--no-hold");
    expect({ code: alone.code, err: alone.err }).toEqual({ code: 0, err: "" });
    expect(await keysIn(place)).toEqual(["photos/aa/somebody.jpg"]);
    expect(await dumpOf(place)).toEqual(facts.tables);
  });

  test("--check reads everything and changes nothing", async () => {
    const place = await emptyPlace();
    const { code, out } = await operate(place, "restore", file, "--check");
    expect(code).toBe(0);
    expect(out).toContain("is whole");
    expect(readdirSync(place.dataFolder)).toEqual([]);
  });
});

describe("stored pictures", () => {
  test("that went since the snapshot are counted, and one that is lost is a warning", async () => {
    const own = await startTestApp({ clock: createTestClock(new Date()) });
    await fillEveryTable(own);
    const rows = (await own.ctx.db.select().from(files).orderBy(files.id)).filter((row) => row.deletedAt === null);
    const [lost, expired] = rows;
    if (!lost || !expired) throw new Error("there are no pictures");
    await own.ctx.storage.delete(lost.storageKey);
    await own.ctx.storage.delete(expired.storageKey);
    await own.ctx.db
      .update(files)
      .set({ expiresAt: new Date(0) })
      .where(eq(files.id, expired.id));
    const path = join(folder, "lost.tar");
    const { code, err, out } = await operate(own.database, "backup", path, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out).files).toMatchObject({ stored: rows.length - 2, deleted: 1, lost: 1 });
    expect(err === "" || err.includes(lost.storageKey)).toBe(true);
    const plain = await operate(own.database, "backup", join(folder, "lost-plain.tar"));
    expect(plain.code).toBe(0);
    expect(plain.err).toBe(`Warning: 1 pictures that should be there are not in the storage:\n  ${lost.storageKey}\n`);
    const place = await emptyPlace();
    const restored = await operate(place, "restore", path);
    expect(restored.code).toBe(0);
    expect(restored.out).toContain("1 pictures were missing already");
  }, 60_000);
});

describe("a backup that fails half-way", () => {
  test("X10 leaves nothing behind when a signal stops it", async () => {
    const target = backupFolder();
    const wanted = join(target, "stopped.tar");
    let stopped = 0;
    for (let tries = 0; stopped === 0 && tries < STOP_TRIES_MAX; tries += 1) {
      const run = startProgram(["backup", wanted], { environment: settingsOf(app.database) });
      while (run.exitCode === null && readdirSync(target).length === 0) await Bun.sleep(1);
      run.kill("SIGTERM");
      const code = await run.exited;
      if (code === 0) rmSync(wanted);
      else stopped = code;
      expect(readdirSync(target)).toEqual([]);
    }
    expect(stopped).toBeGreaterThan(0);
  });

  test("X10 leaves nothing behind, ends with 1 and tells the owner", async () => {
    const own = await startTestApp({ clock: createTestClock(new Date()) });
    const person = await own.signIn();
    // A value that this database keeps and the other one cannot: found while rows are written.
    const never = lane === "postgres" ? "infinity" : "soon";
    await own.open.database.raw(`update users set banned_at = '${never}' where id = '${person.id}'`);
    const target = backupFolder();
    const { code, out, err } = await operate(own.database, "backup", join(target, "never.tar"));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).not.toBe("");
    if (lane === "sqlite")
      expect(err).toBe(`atelier: users.banned_at of the row ${person.id} does not hold a moment.\n`);
    expect(readdirSync(target)).toEqual([]);
    const [alert] = await own.ctx.db.select().from(tables.ownerAlerts);
    expect(alert).toMatchObject({ level: "critical", reason: "backup_failed" });
    expect(await own.ctx.db.select().from(jobs).where(eq(jobs.kind, "owner.alert"))).toHaveLength(1);
  });
});

async function keysIn(place: TestDatabase): Promise<string[]> {
  const keys: string[] = [];
  const storage = createDiskStorage({ folder: join(place.dataFolder, "files") });
  for await (const { key } of storage.list()) keys.push(key);
  return keys.toSorted();
}

async function tablesOf(place: TestDatabase): Promise<string[]> {
  const open = await openTestDatabase(place);
  try {
    return await existingTables(open);
  } finally {
    await open.close();
  }
}
