import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { creditGrants, grantCredits, reserve, settle } from "../../src/features/billing/index.ts";
import { files } from "../../src/features/photos/index.ts";
import { createDiskStorage } from "../../src/platform/storage/disk.ts";
import { startTestApp } from "../support/app.ts";
import { backUp, backupFolder, operate } from "../support/backups.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { uploadPhotos } from "../support/fitting.ts";
import { seedGenerations } from "../support/seed-generations.ts";
import { until } from "../support/until.ts";

const WRITERS = 4;
const GENERATIONS = 1_000;
const BACKUPS = 2;
/** Between two writes of one writer, so that a test leaves the machine to others. */
/** Acknowledged writes; with fewer there was no load. */
const LOAD_MIN = 10;
const PAUSE_MS = 2;

const made: TestDatabase[] = [];
afterAll(async () => {
  for (const database of made) await database.remove();
});

describe("a backup under write load", () => {
  test("X10 F20 is of one moment: restored elsewhere the ledger adds up, what was acknowledged before is there, and a picture opens", async () => {
    const app = await startTestApp({ clock: createTestClock(new Date()) });
    await seedGenerations(app.database, GENERATIONS);
    const people = await Promise.all(Array.from({ length: WRITERS }, () => app.signIn()));
    for (const person of people) await uploadPhotos(app, person);
    let isOver = false;
    const acknowledged: string[] = [];
    const complaints: unknown[] = [];
    const write = async (userId: string, writer: number) => {
      for (let time = 0; !isOver; time += 1) {
        try {
          const source = `load:${writer}:${time}`;
          await grantCredits(app.ctx, { userId, kind: "gift", credits: 100, source });
          acknowledged.push(source);
          const hold = await app.ctx.transaction((tx) => reserve(tx, userId, "fitting", source));
          if (time % 2 === 0) await app.ctx.transaction((tx) => settle(tx, hold.id));
        } catch (error) {
          complaints.push(error);
        }
        await Bun.sleep(PAUSE_MS);
      }
    };
    const load = people.map((person, writer) => write(person.id, writer));
    const file = join(backupFolder(), "loaded.tar");
    let before: string[] = [];
    let during = 0;
    // A busy machine may have let nobody write yet.
    await until(async () => acknowledged.length > LOAD_MIN, "the load has begun");
    for (let time = 0; time < BACKUPS; time += 1) {
      before = [...acknowledged];
      await backUp(app.database, time === BACKUPS - 1 ? file : `${file}.${time}`);
      during = acknowledged.length - before.length;
    }
    isOver = true;
    await Promise.all(load);
    expect(complaints).toEqual([]);
    expect(before.length).toBeGreaterThan(LOAD_MIN);
    expect(during).toBeGreaterThan(LOAD_MIN);

    const place = await createTestDatabase({ empty: true });
    made.push(place);
    const restored = await operate(place, "restore", file);
    expect({ code: restored.code, err: restored.err }).toEqual({ code: 0, err: "" });
    expect((await operate(place, "ledger", "verify")).code).toBe(0);
    const open = await openTestDatabase(place);
    const sources = new Set((await open.queries.select().from(creditGrants)).map((grant) => grant.source));
    const [picture] = await open.queries
      .select()
      .from(files)
      .where(eq(files.userId, people[0]?.id ?? ""));
    await open.close();
    expect(before.filter((source) => !sources.has(source))).toEqual([]);
    // It is of a moment, not of the end.
    expect([...sources].filter((source) => source.startsWith("load:")).length).toBeLessThan(acknowledged.length);
    const key = picture?.storageKey ?? "";
    const there = await (await createDiskStorage({ folder: join(place.dataFolder, "files") }).read(key))?.content();
    const here = await (await app.ctx.storage.read(key))?.content();
    expect(here?.length).toBeGreaterThan(0);
    expect(Buffer.compare(there ?? new Uint8Array(), here ?? new Uint8Array([0]))).toBe(0);
  }, 120_000);
});
