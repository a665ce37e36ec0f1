import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { grantCredits } from "../../src/features/billing/index.ts";
import { users } from "../../src/features/profile/index.ts";
import { startTestApp } from "../support/app.ts";
import { createTestClock } from "../support/clock.ts";
import { runProgram, settingsOf } from "./program.ts";

const app = await startTestApp({ clock: createTestClock(new Date()) });

const verify = (...words: string[]) =>
  runProgram(["ledger", "verify", ...words], { environment: settingsOf(app.database) });

describe("atelier ledger verify", () => {
  test("ends with 0 when everything adds up, and with 1 and a table of each difference when it does not", async () => {
    const person = await app.signIn();
    const other = await app.signIn();
    for (const { id } of [person, other]) {
      await grantCredits(app.ctx, { userId: id, kind: "gift", credits: 10, source: `test:${id}` });
    }
    expect(await verify()).toEqual({ code: 0, out: "The credits of all 2 people add up.\n", err: "" });

    // What somebody with a database client at hand might do.
    await app.ctx.db.update(users).set({ balanceCredits: 1_000 }).where(eq(users.id, person.id));
    const { code, out, err } = await verify();
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toContain("2 differences among 2 people:");
    expect(out).toMatch(new RegExp(`^${person.telegramId} +${person.id} +balance against entries +10 +1000$`, "m"));
    expect(out).not.toContain(other.id);
    const report = JSON.parse((await verify("--json")).out);
    expect(report.differences).toMatchObject([
      { telegram_id: person.telegramId, what: "balance against entries", expected: 10, found: 1_000 },
      { telegram_id: person.telegramId, what: "balance against what is left of grants", expected: 10, found: 1_000 },
    ]);
  });
});
