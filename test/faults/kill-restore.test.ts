import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { existingTables } from "../../src/platform/db/inspect.ts";
import { appliedNames, RESTORE_MARK } from "../../src/platform/db/migrate.ts";
import { settingsOf, startProgram } from "../commands/program.ts";
import { startTestApp } from "../support/app.ts";
import { type BackupFacts, backUp, backupFolder, dumpOf, operate } from "../support/backups.ts";
import { createTestClock } from "../support/clock.ts";
import { createTestDatabase, openTestDatabase, type TestDatabase } from "../support/database.ts";
import { fillEveryTable } from "../support/every-table.ts";
import { seedGenerations } from "../support/seed-generations.ts";
import { faultsSeed, seededRandom, spreadMoments } from "../support/seeded-random.ts";

/** Kills at random moments; `KILLS` takes more by hand. One more is at a moment that is not left to chance. */
const KILLS = Number(process.env.KILLS ?? 1);
const GENERATIONS = 1_000;

const file = join(backupFolder(), "whole.tar");
let facts: BackupFacts;
const made: TestDatabase[] = [];

beforeAll(async () => {
  const app = await startTestApp({ clock: createTestClock(new Date()), keepOpen: true });
  await fillEveryTable(app);
  await seedGenerations(app.database, GENERATIONS);
  facts = await backUp(app.database, file);
  await app.close();
}, 120_000);
afterAll(async () => {
  for (const database of made) await database.remove();
});

async function emptyPlace(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true });
  made.push(database);
  return database;
}

/** Starts a restore and kills it when `moment` resolves; false where it came to its end before. */
async function killRestore(place: TestDatabase, moment: () => Promise<unknown>): Promise<void> {
  const run = startProgram(["restore", file, "--no-hold"], { environment: settingsOf(place) });
  await Promise.race([moment(), run.exited]);
  run.kill("SIGKILL");
  await run.exited;
}

async function isMarked(place: TestDatabase): Promise<boolean> {
  const open = await openTestDatabase(place);
  try {
    return (
      (await existingTables(open)).includes("schema_migrations") && (await appliedNames(open)).includes(RESTORE_MARK)
    );
  } finally {
    await open.close();
  }
}

/** What is there after a kill; whatever it is, it does not look whole unless it is. */
async function expectHonest(place: TestDatabase): Promise<"nothing" | "begun" | "whole"> {
  const looked = await operate(place, "ledger", "verify");
  if (looked.code === 0) {
    expect(await dumpOf(place)).toEqual(facts.tables);
    return "whole";
  }
  expect(looked).toMatchObject({ code: 2, out: "" });
  const isBegun = looked.err.includes(
    "A restore into this database was begun and did not come to its end. Run `atelier restore <file>`",
  );
  if (!isBegun) {
    expect(looked.err).toMatch(/There is no database at|The database has no schema yet/);
    return "nothing";
  }
  for (const words of [
    ["serve", "--sandbox", "--port", "0"],
    ["migrate"],
    ["backup", join(backupFolder(), "half.tar")],
  ]) {
    const { code, out, err } = await operate(place, ...words);
    expect([code > 0, out, err.includes("did not come to its end")]).toEqual([true, "", true]);
  }
  return "begun";
}

async function expectResumed(place: TestDatabase): Promise<void> {
  const { code, err } = await operate(place, "restore", file, "--no-hold");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(await dumpOf(place)).toEqual(facts.tables);
  expect((await operate(place, "ledger", "verify")).code).toBe(0);
}

describe("a restore that is killed", () => {
  test("F20 half-way leaves what nothing starts on, and the same command brings it to its end", async () => {
    const place = await emptyPlace();
    await killRestore(place, async () => {
      while (!(await isMarked(place))) await Bun.sleep(5);
    });
    expect(await expectHonest(place)).toBe("begun");
    await expectResumed(place);
  }, 120_000);

  test(`F20 at ${KILLS} random moments leaves nothing, or what nothing starts on, or everything`, async () => {
    const seed = faultsSeed("KILLS");
    const begun = performance.now();
    await expectResumed(await emptyPlace());
    const wholeMs = performance.now() - begun;
    for (const atMs of spreadMoments(KILLS, wholeMs / 2, seededRandom(seed))) {
      const place = await emptyPlace();
      await killRestore(place, () => Bun.sleep(atMs));
      if ((await expectHonest(place)) !== "whole") await expectResumed(place);
    }
  }, 120_000);
});
