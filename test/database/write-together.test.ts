import { describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { type Given, givenRow, type WholeRow } from "../../src/platform/db/built-once.ts";
import type { Queries } from "../../src/platform/db/database.ts";
import { runStatementsOf } from "../../src/platform/db/hot-statement.ts";
import { laterWrite, writeTogether } from "../../src/platform/db/write-together.ts";
import { newId } from "../../src/platform/ids.ts";
import { liveSequences, liveTickets } from "../../src/platform/live/tables.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { lane } from "../support/database.ts";
import { useOpenDatabase } from "../support/open-database.ts";

const AT = new Date("2026-03-14T09:26:53.589Z");

const opened = useOpenDatabase();

const insertSchedule = laterWrite((db, _: Given<WholeRow<typeof schedules>>) =>
  db.insert(schedules).values(givenRow(schedules)),
);
const insertSequence = laterWrite((db, _: Given<WholeRow<typeof liveSequences>>) =>
  db.insert(liveSequences).values(givenRow(liveSequences)),
);
const countRuns = laterWrite((db, given: Given<{ name: string; more: number }>) =>
  db
    .update(schedules)
    .set({ runs: sql`${schedules.runs} + ${given("more", schedules.runs)}` })
    .where(eq(schedules.name, given("name", schedules.name))),
);
const timesRuns = laterWrite((db, given: Given<{ name: string; times: number }>) =>
  db
    .update(schedules)
    .set({ runs: sql`${schedules.runs} * ${given("times", schedules.runs)}` })
    .where(eq(schedules.name, given("name", schedules.name))),
);
const upsertSchedule = laterWrite((db, given: Given<WholeRow<typeof schedules>>) =>
  db
    .insert(schedules)
    .values(givenRow(schedules))
    .onConflictDoUpdate({ target: schedules.name, set: { runs: given("runs", schedules.runs) } }),
);
const dropTickets = laterWrite((db, given: Given<{ userId: string }>) =>
  db.delete(liveTickets).where(eq(liveTickets.userId, given("userId", liveTickets.userId))),
);

const schedule = (name: string, runs = 1) => ({ name, lastSlot: AT, runs });
const runsOf = async (name: string) =>
  (await opened().queries.select().from(schedules).where(eq(schedules.name, name)))[0]?.runs;

describe("writes that are done together", () => {
  test("are all done, with their own values, each time anew", async () => {
    const [one, two] = [newId(), newId()];
    for (const [userId, name, lastNumber] of [
      [one, "a", 7],
      [two, "b", 8],
    ] as const) {
      await opened().transaction(async (db) => {
        await writeTogether(db, [
          insertSchedule(schedule(name, lastNumber)),
          insertSequence({ userId, lastNumber }),
          insertSchedule(schedule(`${name} too`)),
          dropTickets({ userId }),
        ]);
      });
    }
    expect(await opened().queries.select().from(schedules).orderBy(schedules.name)).toEqual([
      schedule("a", 7),
      schedule("a too"),
      schedule("b", 8),
      schedule("b too"),
    ]);
    expect(await opened().queries.select().from(liveSequences).orderBy(liveSequences.lastNumber)).toEqual([
      { userId: one, lastNumber: 7 },
      { userId: two, lastNumber: 8 },
    ]);
  });

  test("keep all changes of a row, in their order", async () => {
    await opened().queries.insert(schedules).values(schedule("a", 1));
    await opened().transaction(async (db) => {
      await writeTogether(db, [
        countRuns({ name: "a", more: 2 }),
        insertSequence({ userId: newId(), lastNumber: 1 }),
        timesRuns({ name: "a", times: 10 }),
        countRuns({ name: "a", more: 5 }),
      ]);
    });
    expect(await runsOf("a")).toBe(35);
    await opened().transaction(async (db) => {
      await writeTogether(db, [upsertSchedule(schedule("a", 4)), countRuns({ name: "a", more: 1 })]);
    });
    expect(await runsOf("a")).toBe(5);
    await opened().transaction(async (db) => {
      await writeTogether(db, [insertSchedule(schedule("b", 4)), countRuns({ name: "b", more: 2 })]);
    });
    expect(await runsOf("b")).toBe(6);
  });

  test("are undone together where one of them fails", async () => {
    await opened().queries.insert(schedules).values(schedule("taken"));
    const failing = opened().transaction(async (db) => {
      await writeTogether(db, [
        insertSequence({ userId: newId(), lastNumber: 1 }),
        insertSchedule(schedule("taken")),
        countRuns({ name: "taken", more: 1 }),
      ]);
    });
    await expect(failing).rejects.toThrow();
    expect(await opened().queries.select().from(liveSequences)).toEqual([]);
    expect(await runsOf("taken")).toBe(1);
  });

  test("are not begun where a value is missing, or where one is no write", async () => {
    const { runs: _, ...short } = schedule("short");
    const shortened = opened().transaction((db) =>
      writeTogether(db, [insertSchedule(schedule("a")), insertSchedule(short as WholeRow<typeof schedules>)]),
    );
    await expect(shortened).rejects.toThrow('no value was given for "runs"');
    const read = laterWrite((db) => db.select().from(schedules));
    const reading = opened().transaction((db) => writeTogether(db, [insertSchedule(schedule("b")), read({})]));
    await expect(reading).rejects.toThrow("only a plain write");
    expect(await opened().queries.select().from(schedules)).toEqual([]);
  });

  test("are one statement on Postgres, up to the one that comes to a table again and does more than add", async () => {
    const sent: string[] = [];
    const watched = Object.create(opened().queries) as Queries;
    runStatementsOf(watched, async (statement) => {
      sent.push(statement);
      return [];
    });
    const userId = newId();
    await writeTogether(watched, [
      insertSchedule(schedule("a")),
      insertSchedule(schedule("b")),
      countRuns({ name: "a", more: 1 }),
      insertSequence({ userId, lastNumber: 1 }),
      countRuns({ name: "b", more: 1 }),
      dropTickets({ userId }),
    ]);
    const words = sent.map((statement) => statement.match(/insert into|update|delete from/g));
    expect(words).toEqual(
      lane === "postgres"
        ? [
            ["insert into", "insert into"],
            ["update", "insert into"],
            ["update", "delete from"],
          ]
        : [["insert into"], ["insert into"], ["update"], ["insert into"], ["update"], ["delete from"]],
    );
  });
});
