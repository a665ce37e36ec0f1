import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTestApp } from "../support/app.ts";
import { backUp, backupFolder, dumpOf, operate } from "../support/backups.ts";
import { createTestDatabase } from "../support/database.ts";
import { makeFullPerson } from "../support/full-person.ts";

const folder = backupFolder();
describe("smoke", () => {
  test("round trip", async () => {
    const app = await startTestApp();
    await makeFullPerson(app);
    const file = join(folder, "a.tar");
    const facts = await backUp(app.database, file);
    console.log(facts);
    const target = await createTestDatabase({ empty: true });
    console.log(await operate(target, "restore", file, "--no-hold"));
    expect(await dumpOf(target)).toEqual(facts.tables);
    const held = await createTestDatabase({ empty: true });
    console.log((await operate(held, "restore", file)).out);
  }, 60_000);
});
