import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditGrants } from "../../src/features/billing/tables.ts";
import { users } from "../../src/features/profile/tables.ts";
import { builtOnce, type Given, givenRow, type WholeRow, wholeRow } from "../../src/platform/db/built-once.ts";
import { idempotencyKeys } from "../../src/platform/http/tables.ts";
import { newId } from "../../src/platform/ids.ts";
import { jobs, schedules } from "../../src/platform/queue/tables.ts";
import { useOpenDatabase } from "../support/open-database.ts";

const AT = new Date("2026-03-14T09:26:53.589Z");
const LATER = new Date("2026-03-14T09:26:54.000Z");

/** What the query builder's error was caused by, or the error itself. */
async function causeOf(failing: Promise<unknown>): Promise<string> {
  const error = await failing.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  const { cause } = error as Error;
  return String((cause instanceof Error ? cause : (error as Error)).message);
}

const opened = useOpenDatabase();

describe("statements that are built once", () => {
  const insertJob = builtOnce((db, _: Given<WholeRow<typeof jobs>>) => db.insert(jobs).values(givenRow(jobs)));
  const job = (more: Partial<typeof jobs.$inferInsert> = {}) =>
    wholeRow(jobs, {
      ...{ id: newId(), kind: "noop", payload: { a: [1, null, "two"] }, state: "ready", priority: 1, turn: 0 },
      ...{ runAt: AT, claims: 0, failures: 0, createdAt: AT, updatedAt: LATER, ...more },
    });

  test("keep what an ordinary insert keeps, and null where nothing is given", async () => {
    const given = job({ uniqueKey: "one" });
    const ordinary = { ...given, id: newId(), uniqueKey: "two" };
    await insertJob(opened().queries, given);
    await opened().queries.insert(jobs).values(ordinary);
    const rows = await opened().queries.select().from(jobs).orderBy(jobs.id);
    expect(rows).toEqual([given, ordinary]);
    expect(rows[0]?.payload).toEqual({ a: [1, null, "two"] });
    expect(rows[0]?.lease).toBeNull();
  });

  test("keep nothing as nothing: of a moment, and of a document, which has a null of its own", async () => {
    const endPlan = builtOnce((db, given: Given<{ at: Date | null }>) =>
      db
        .update(users)
        .set({ subscriptionEnd: given("at", users.subscriptionEnd) })
        .where(eq(users.telegramId, 1))
        .returning(),
    );
    expect(await endPlan(opened().queries, { at: null })).toEqual([]);
    const insertKey = builtOnce((db, _: Given<WholeRow<typeof idempotencyKeys>>) =>
      db.insert(idempotencyKeys).values(givenRow(idempotencyKeys)),
    );
    const key = { userId: newId(), key: "k", requestHash: "h", state: "running" as const, run: newId() };
    await insertKey(opened().queries, wholeRow(idempotencyKeys, { ...key, createdAt: AT, updatedAt: AT }));
    expect(await opened().raw("select key from idempotency_keys where answer is null")).toEqual([{ key: "k" }]);
  });

  test("take the values of each run, not those of the first", async () => {
    const byName = builtOnce((db, given: Given<{ name: string; at: Date }>) =>
      db
        .update(schedules)
        .set({ lastSlot: given("at", schedules.lastSlot) })
        .where(eq(schedules.name, given("name", schedules.name)))
        .returning(),
    );
    await opened()
      .queries.insert(schedules)
      .values(["a", "b"].map((name) => ({ name, lastSlot: AT, runs: 0 })));
    expect(await byName(opened().queries, { name: "a", at: LATER })).toMatchObject([{ name: "a", lastSlot: LATER }]);
    expect(await byName(opened().queries, { name: "b", at: AT })).toMatchObject([{ name: "b", lastSlot: AT }]);
    expect(await byName(opened().queries, { name: "c", at: AT })).toEqual([]);
  });

  test("refuse to run without one of their values", async () => {
    const { payload: _, ...short } = job();
    expect(await causeOf(insertJob(opened().queries, short as WholeRow<typeof jobs>))).toContain(
      'placeholder "payload"',
    );
    expect(await opened().queries.select().from(jobs)).toEqual([]);
  });

  test("belong to the transaction whose handle they are given: what is undone is undone, what runs beside it stays", async () => {
    const undone = opened().transaction(async (queries) => {
      await insertJob(queries, job({ uniqueKey: "undone" }));
      throw new Error("no");
    });
    const kept = [1, 2, 3, 4].map((number) =>
      opened().transaction(async (queries) => {
        await insertJob(queries, job({ uniqueKey: `kept ${number}` }));
      }),
    );
    expect(undone).rejects.toThrow("no");
    await Promise.all(kept);
    const rows = await opened().queries.select({ key: jobs.uniqueKey }).from(jobs).orderBy(jobs.uniqueKey);
    expect(rows.map(({ key }) => key)).toEqual(["kept 1", "kept 2", "kept 3", "kept 4"]);
  });

  test("throw with the handle of a transaction that has ended, and with the outer one inside of one", async () => {
    const left = await opened().transaction(async (queries) => queries);
    expect(await causeOf(insertJob(left, job()))).toContain("had ended");
    const beside = opened().transaction(async () => void (await insertJob(opened().queries, job())));
    expect(await causeOf(beside)).toContain("inside a transaction");
    expect(await opened().queries.select().from(jobs)).toEqual([]);
  });
});

describe("statements of a transaction that are sent together", () => {
  const grant = (userId: string, source: string) => ({
    ...{ id: newId(), userId, kind: "gift" as const, source, credits: 1, creditsLeft: 1, createdAt: AT },
  });

  test("run in the order in which they were asked, whether they answer rows or not", async () => {
    await opened().transaction(async (queries) => {
      await Promise.all([
        queries.insert(schedules).values({ name: "a", lastSlot: AT, runs: 1 }),
        queries.update(schedules).set({ runs: 2 }).where(eq(schedules.name, "a")).returning(),
        queries.update(schedules).set({ runs: 3 }).where(eq(schedules.runs, 2)),
        queries.update(schedules).set({ runs: 4 }).where(eq(schedules.runs, 3)).returning(),
      ]);
    });
    expect(await opened().queries.select().from(schedules)).toMatchObject([{ name: "a", runs: 4 }]);
  });

  test("fail together: one that is refused undoes those before it and those after it", async () => {
    const userId = newId();
    const refused = opened().transaction(async (queries) => {
      await Promise.all([
        queries.insert(schedules).values({ name: "before", lastSlot: AT, runs: 1 }),
        queries.insert(creditGrants).values(grant(userId, "nobody's")),
        queries.insert(schedules).values({ name: "after", lastSlot: AT, runs: 1 }).returning(),
      ]);
    });
    expect(await causeOf(refused)).toMatch(/foreign key/i);
    expect(await opened().queries.select().from(schedules)).toEqual([]);
    expect(await opened().queries.select().from(creditGrants)).toEqual([]);
    // The connection is as good as before.
    await opened().transaction(async (queries) => {
      await queries.insert(schedules).values({ name: "next", lastSlot: AT, runs: 1 });
    });
    expect(await opened().queries.select().from(schedules)).toHaveLength(1);
  });
});
