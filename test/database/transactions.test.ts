import { describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import type { Queries } from "../../src/platform/db/database.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { lane } from "../support/database.ts";
import { gate } from "../support/gate.ts";
import { useMachinery } from "../support/machinery.ts";
import { until } from "../support/until.ts";

/** Any table would do; this one has a text, a moment and a number. */
const ROW = { lastSlot: new Date("2026-11-18T09:00:00.000Z"), runs: 0 };
const insert = (db: Queries, name: string) => db.insert(schedules).values({ name, ...ROW });
const add = (db: Queries, name: string) =>
  db
    .update(schedules)
    .set({ runs: sql`${schedules.runs} + 1` })
    .where(eq(schedules.name, name));

const machinery = useMachinery();

async function names(): Promise<string[]> {
  const rows = await machinery().ctx.db.select({ name: schedules.name }).from(schedules).orderBy(schedules.name);
  return rows.map((row) => row.name);
}

describe("a transaction", () => {
  test("commits everything and yields what its work yields", async () => {
    const { ctx } = machinery();
    const answer = await ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await insert(tx.db, "b");
      return 42;
    });
    expect(answer).toBe(42);
    expect(await names()).toEqual(["a", "b"]);
  });

  test("undoes everything when its work throws, and hands on that very error", async () => {
    const { ctx } = machinery();
    await insert(ctx.db, "before");
    const error = new Error("no");
    const thrown = await ctx
      .transaction(async (tx) => {
        await insert(tx.db, "a");
        await add(tx.db, "before");
        await tx.db.delete(schedules).where(eq(schedules.name, "before"));
        throw error;
      })
      .catch((caught: unknown) => caught);
    expect(thrown).toBe(error);
    expect(await ctx.db.select().from(schedules)).toEqual([{ name: "before", ...ROW }]);
  });

  test("undoes everything when a statement fails, and the next transaction works", async () => {
    const { ctx } = machinery();
    await insert(ctx.db, "taken");
    const attempt = ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await insert(tx.db, "taken");
    });
    await expect(attempt).rejects.toThrow();
    expect(await names()).toEqual(["taken"]);
    await ctx.transaction((tx) => insert(tx.db, "b"));
    expect(await names()).toEqual(["b", "taken"]);
  });

  test.skipIf(lane === "sqlite")(
    "undoes everything when a statement failed and its caller kept that to itself (SQLite undoes the statement alone)",
    async () => {
      const { ctx } = machinery();
      await insert(ctx.db, "taken");
      const attempt = ctx.transaction(async (tx) => {
        await insert(tx.db, "a");
        await insert(tx.db, "taken")
          .execute()
          .catch(() => {});
      });
      // Postgres answers the commit of such a transaction with a rollback, and without a word of complaint.
      await expect(attempt).rejects.toThrow("schedules_pkey");
      expect(await names()).toEqual(["taken"]);
    },
  );

  test("joins nested ones: they see its writes, and go with it", async () => {
    const { ctx } = machinery();
    const attempt = ctx.transaction(async (tx) => {
      await insert(tx.db, "outer");
      await tx.transaction(async (nested) => {
        await nested.transaction((deeper) => add(deeper.db, "outer"));
        await insert(nested.db, "nested");
      });
      const [row] = await tx.db.select().from(schedules).where(eq(schedules.name, "outer"));
      expect(row?.runs).toBe(1);
      throw new Error("late");
    });
    await expect(attempt).rejects.toThrow("late");
    expect(await names()).toEqual([]);
  });

  test("keeps the members that somebody put on the context", async () => {
    const { ctx } = machinery();
    const named = { ...ctx, requestId: "request-1" };
    const seen = await named.transaction(async (tx) => (tx as typeof named).requestId);
    expect(seen).toBe("request-1");
  });

  test("survives waiting for something else in its middle", async () => {
    const { ctx } = machinery();
    await ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await Bun.sleep(5);
      await new Promise((resolve) => setImmediate(resolve));
      await insert(tx.db, "b");
    });
    expect(await names()).toEqual(["a", "b"]);
  });
});

describe("writers at the same time", () => {
  test("do not slip into another's transaction: its rollback takes nothing of theirs", async () => {
    const { ctx } = machinery();
    const { ended: opened, end: open } = gate();
    const doomed = ctx.transaction(async (tx) => {
      await insert(tx.db, "doomed 1");
      await opened;
      await insert(tx.db, "doomed 2");
      throw new Error("rolled back");
    });
    const bystanders = [insert(ctx.db, "alone").execute(), ctx.transaction((tx) => insert(tx.db, "in its own"))];
    await Bun.sleep(10);
    open();
    await expect(doomed).rejects.toThrow("rolled back");
    await Promise.all(bystanders);
    expect(await names()).toEqual(["alone", "in its own"]);
  });

  test("do not see what is not committed", async () => {
    const { ctx } = machinery();
    const { ended: opened, end: open } = gate();
    const slow = ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await opened;
    });
    await Bun.sleep(5);
    expect(await names()).toEqual([]);
    open();
    await slow;
    expect(await names()).toEqual(["a"]);
  });

  test("lose no update: 60 at once from two processes add up", async () => {
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    await insert(ctx.db, "counter");
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (index % 2 === 0 ? ctx : other).transaction(async (tx) => {
          await add(tx.db, "counter");
          await Bun.sleep(0);
        }),
      ),
    );
    expect(await ctx.db.select({ runs: schedules.runs }).from(schedules)).toEqual([{ runs: 60 }]);
  });

  test("one that fails does not stop those behind it", async () => {
    const { ctx } = machinery();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        ctx.transaction(async (tx) => {
          await insert(tx.db, `${index % 10}`);
        }),
      ),
    );
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(10);
    expect(await names()).toHaveLength(10);
  });
});

describe("effects after the commit", () => {
  test("run once, in order, when the rows are there for everybody", async () => {
    const { ctx } = machinery();
    const effects: string[] = [];
    let seen: Promise<string[]> | undefined;
    await ctx.transaction(async (tx) => {
      tx.afterCommit(() => effects.push("first"));
      await insert(tx.db, "a");
      await tx.transaction(async (nested) => nested.afterCommit(() => effects.push("nested")));
      tx.afterCommit(() => {
        seen = names();
      });
      expect(effects).toEqual([]);
    });
    expect(effects).toEqual(["first", "nested"]);
    expect(await seen).toEqual(["a"]);
  });

  test("never run after a rollback", async () => {
    const { ctx } = machinery();
    const effects: string[] = [];
    const attempt = ctx.transaction(async (tx) => {
      tx.afterCommit(() => effects.push("never"));
      await insert(tx.db, "a");
      throw new Error("no");
    });
    await expect(attempt).rejects.toThrow("no");
    await Bun.sleep(5);
    expect(effects).toEqual([]);
  });

  test("run at once outside of a transaction", () => {
    const effects: string[] = [];
    machinery().ctx.afterCommit(() => effects.push("now"));
    expect(effects).toEqual(["now"]);
  });
});

describe.skipIf(lane === "sqlite")("a deadlock (Postgres only: SQLite has one writer)", () => {
  test("runs the victim's work again; both commit, and its effects run once", async () => {
    const { ctx } = machinery();
    await insert(ctx.db, "left");
    await insert(ctx.db, "right");
    const effects: string[] = [];
    let runs = 0;
    const bothHoldOne = gate();
    let holding = 0;
    const crosswise = (first: string, second: string) =>
      ctx.transaction(async (tx) => {
        runs += 1;
        tx.afterCommit(() => effects.push(first));
        await add(tx.db, first);
        holding += 1;
        if (holding === 2) bothHoldOne.end();
        await bothHoldOne.ended;
        await add(tx.db, second);
      });
    await Promise.all([crosswise("left", "right"), crosswise("right", "left")]);
    expect(runs).toBe(3);
    expect(effects.sort()).toEqual(["left", "right"]);
    const rows = await ctx.db.select({ runs: schedules.runs }).from(schedules);
    expect(rows).toEqual([{ runs: 2 }, { runs: 2 }]);
  });

  test("any other error is not tried again", async () => {
    let runs = 0;
    const attempt = machinery().ctx.transaction(async (tx) => {
      runs += 1;
      await insert(tx.db, "same");
      await insert(tx.db, "same");
    });
    await expect(attempt).rejects.toThrow();
    expect(runs).toBe(1);
  });
});

describe.skipIf(lane === "postgres")("an operator's command beside the server (SQLite only)", () => {
  test("X11 waits for the other's write lock without an error and without blocking this process", async () => {
    const { ctx, another } = machinery();
    const other = (await another()).ctx;
    const { ended: opened, end: open } = gate();
    const holder = other.transaction(async (tx) => {
      await insert(tx.db, "command");
      await opened;
    });
    await Bun.sleep(5);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    const waiting = [insert(ctx.db, "server").execute(), ctx.transaction((tx) => insert(tx.db, "server 2"))];
    // Reads go on meanwhile.
    expect(await names()).toEqual([]);
    await until(() => ticks >= 10, "time passes in this process");
    clearInterval(ticking);
    open();
    await Promise.all([holder, ...waiting]);
    expect(await names()).toEqual(["command", "server", "server 2"]);
  });
});
