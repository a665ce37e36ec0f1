import { Database as SqliteFile } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import type { Database } from "../../src/platform/db/database.ts";
import { createGroupCommit, type GroupHandle } from "../../src/platform/db/group-commit.sqlite.ts";
import { SQLITE_FILE_NAME } from "../../src/platform/db/open.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { createTestDatabase, lane, openTestDatabase, type TestDatabase } from "../support/database.ts";

/** A handle that writes down what is asked of it, and fails where it is told to. */
function scriptedHandle(failing: Partial<Record<string, "fails" | "undoes everything">> = {}) {
  const log: string[] = [];
  let inTransaction = false;
  const run = (statement: string): void => {
    log.push(statement);
    const trouble = failing[statement];
    delete failing[statement];
    if (trouble === "undoes everything") inTransaction = false;
    if (trouble !== undefined) throw new Error(`${statement}: ${trouble}`);
    if (statement === "begin") inTransaction = true;
    if (statement === "commit" || statement === "rollback") inTransaction = false;
  };
  const handle: GroupHandle = {
    begin: async () => run("begin"),
    run,
    isInTransaction: () => inTransaction,
  };
  /** Work that is seen in the log, and its end too. */
  const write = (group: ReturnType<typeof createGroupCommit>, name: string, work?: () => Promise<unknown>) =>
    group
      .write(async () => {
        log.push(name);
        await undefined;
        return work ? await work() : name;
      })
      .then(
        (result) => {
          log.push(`${name} is told`);
          return result;
        },
        (error: Error) => {
          log.push(`${name} is refused`);
          return error.message;
        },
      );
  const loseAll = (): void => {
    inTransaction = false;
  };
  return { log, handle, write, loseAll };
}

const refuse = async () => {
  throw new Error("no");
};

describe("those who write at the same time", () => {
  test("have a plain transaction where one is alone", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    expect(await write(group, "a")).toBe("a");
    expect(await write(group, "b")).toBe("b");
    expect(log).toEqual(["begin", "a", "commit", "a is told", "begin", "b", "commit", "b is told"]);
  });

  test("work one after another, share a commit, and hear of it after it, not before", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    await Promise.all(["a", "b", "c"].map((name) => write(group, name)));
    const between = ["savepoint member", "b", "release member", "savepoint member", "c", "release member"];
    expect(log).toEqual(["begin", "a", ...between, "commit", "a is told", "b is told", "c is told"]);
  });

  test("do not undo each other: who fails is undone alone, and hears it when the others hear theirs", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    const answers = await Promise.all([write(group, "a"), write(group, "b", refuse), write(group, "c")]);
    expect(answers).toEqual(["a", "no", "c"]);
    const undone = ["savepoint member", "b", "rollback to member", "release member"];
    const kept = ["savepoint member", "c", "release member"];
    expect(log).toEqual(["begin", "a", ...undone, ...kept, "commit", "a is told", "b is refused", "c is told"]);
  });

  test("begin anew behind a first one that fails", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    expect(await Promise.all([write(group, "a", refuse), write(group, "b")])).toEqual(["no", "b"]);
    expect(log.filter((line) => !line.startsWith("a is"))).toEqual([
      "begin",
      "a",
      "rollback",
      "begin",
      "b",
      "commit",
      "b is told",
    ]);
  });

  test("all hear of a commit that fails, also who was refused: what refused them has not happened", async () => {
    const { log, handle, write } = scriptedHandle({ commit: "fails" });
    const group = createGroupCommit(handle);
    const answers = await Promise.all([write(group, "a"), write(group, "b", refuse), write(group, "c")]);
    expect(answers).toEqual(["commit: fails", "commit: fails", "commit: fails"]);
    expect(log).toContain("rollback");
    expect(await write(group, "d")).toBe("d");
  });

  test("are all lost where the database undid everything under one of them; who comes after begins anew", async () => {
    const { log, handle, write, loseAll } = scriptedHandle();
    const group = createGroupCommit(handle);
    const full = async () => {
      loseAll();
      throw new Error("database or disk is full");
    };
    const answers = await Promise.all([write(group, "a"), write(group, "b", full), write(group, "c")]);
    expect(answers).toEqual(["database or disk is full", "database or disk is full", "c"]);
    expect(log.filter((line) => line === "commit")).toHaveLength(1);
    expect(log.indexOf("commit")).toBeGreaterThan(log.lastIndexOf("begin"));
  });

  test.each(["savepoint member", "release member", "rollback to member"])(
    "lose everything rather than half of it where %s fails, and everybody is told",
    async (statement) => {
      const { handle, write } = scriptedHandle({ [statement]: "undoes everything" });
      const group = createGroupCommit(handle);
      const work = statement === "rollback to member" ? refuse : undefined;
      const answers = await Promise.all([write(group, "a"), write(group, "b", work), write(group, "c")]);
      expect(answers[0]).not.toBe("a");
      expect(answers[1]).not.toBe("b");
      expect(answers[2]).toBe("c");
    },
  );

  test("each wait for themselves where a transaction cannot begin", async () => {
    const { handle, write } = scriptedHandle({ begin: "fails" });
    const group = createGroupCommit(handle);
    expect(await Promise.all([write(group, "a"), write(group, "b")])).toEqual(["begin: fails", "b"]);
  });

  test("are at most 64 in one commit", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    await Promise.all(Array.from({ length: 130 }, (_, at) => write(group, `w${at}`)));
    expect(log.filter((line) => line === "commit").length).toBeGreaterThanOrEqual(3);
    expect(log.filter((line) => line.endsWith("is told"))).toHaveLength(130);
  });

  test("are not joined by what stands alone, nor by whoever comes after it", async () => {
    const { log, handle, write } = scriptedHandle();
    const group = createGroupCommit(handle);
    const alone = async () => void log.push("alone");
    await Promise.all([write(group, "a"), group.alone(alone), write(group, "b")]);
    expect(log.filter((line) => !line.endsWith("told"))).toEqual([
      "begin",
      "a",
      "commit",
      "alone",
      "begin",
      "b",
      "commit",
    ]);
  });

  test("keep the asynchronous context of whoever asked", async () => {
    const scope = new AsyncLocalStorage<string>();
    const group = createGroupCommit(scriptedHandle().handle);
    const scopes = ["a", "b", "c"].map((name) => scope.run(name, () => group.write(async () => scope.getStore())));
    expect(await Promise.all(scopes)).toEqual(["a", "b", "c"]);
  });
});

describe.skipIf(lane !== "sqlite")("a commit on SQLite (Postgres gathers its own)", () => {
  let database: TestDatabase;
  let open: Database;
  let beside: SqliteFile;
  beforeEach(async () => {
    database = await createTestDatabase();
    open = await openTestDatabase(database);
    beside = new SqliteFile(join(database.dataFolder, SQLITE_FILE_NAME), { readonly: true });
  });
  afterEach(async () => {
    beside.close();
    await open.close();
    await database.remove();
  });

  const row = (name: string) => ({ name, lastSlot: new Date(0), runs: 0 });
  const isSeen = (name: string) => beside.query("select 1 from schedules where name = ?").get(name) !== null;

  test("is there for every other connection when its promise resolves, and for none before", async () => {
    let seenTooEarly = 0;
    const work = (name: string) =>
      open
        .transaction(async (queries) => {
          await queries.insert(schedules).values(row(name));
          if (isSeen(name)) seenTooEarly += 1;
        })
        .then(() => isSeen(name));
    const seen = await Promise.all(Array.from({ length: 50 }, (_, at) => work(`n${at}`)));
    expect(seen).toEqual(Array(50).fill(true));
    expect(seenTooEarly).toBe(0);
  });

  test("keeps what succeeded and nothing of what threw, after a write and in the middle of many", async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, at) =>
        open.transaction(async (queries) => {
          await queries.insert(schedules).values(row(`n${at}`));
          await queries
            .update(schedules)
            .set({ runs: at })
            .where(eq(schedules.name, `n${at}`));
          if (at % 3 === 0) throw new Error(`no ${at}`);
          return at;
        }),
      ),
    );
    for (const [at, result] of results.entries()) {
      expect(result.status).toBe(at % 3 === 0 ? "rejected" : "fulfilled");
      expect(isSeen(`n${at}`)).toBe(at % 3 !== 0);
    }
    expect(beside.query("select count(*) as count from schedules where runs = 0").get()).toEqual({ count: 0 });
  });

  test("is shared by single statements too; one that breaks a rule fails alone", async () => {
    await open.queries.insert(schedules).values(row("taken"));
    const results = await Promise.allSettled([
      open.queries.insert(schedules).values(row("a")),
      open.queries.insert(schedules).values(row("taken")),
      open.transaction(async (queries) => void (await queries.insert(schedules).values(row("b")))),
      open.queries.delete(schedules).where(eq(schedules.name, "taken")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(["a", "b", "taken"].map(isSeen)).toEqual([true, true, false]);
  });

  test("of each sees what those before it in the same commit did", async () => {
    await open.queries.insert(schedules).values(row("counter"));
    const countUp = () =>
      open.transaction(async (queries) => {
        const [before] = await queries.select().from(schedules).where(eq(schedules.name, "counter"));
        const runs = (before?.runs ?? 0) + 1;
        await queries.update(schedules).set({ runs }).where(eq(schedules.name, "counter"));
        return runs;
      });
    const runs = await Promise.all(Array.from({ length: 100 }, countUp));
    expect(runs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
  });
});
