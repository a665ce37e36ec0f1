import { openDatabase } from "../../src/platform/db/open.ts";
import { newId } from "../../src/platform/ids.ts";
import { creditGrants, users } from "../../src/tables.ts";

/** Writes transactions of two rows as fast as it can, and prints the number of each once it is committed. */
const { dataFolder, userId } = JSON.parse(process.argv[2] ?? "{}") as { dataFolder: string; userId: string };
const database = await openDatabase({ url: "", dataFolder, poolMax: 1, prepare: true, statementTimeoutMs: 0 });
const { eq } = await import("drizzle-orm");
for (let number = 1; ; number += 1) {
  await database.transaction(async (queries) => {
    await queries.insert(creditGrants).values({
      ...{ id: newId(), userId, kind: "gift", source: `copied:${number}`, credits: 1, creditsLeft: 1 },
      createdAt: new Date(),
    });
    await queries.update(users).set({ balanceCredits: number }).where(eq(users.id, userId));
  });
  process.stdout.write(`${number}\n`);
}
