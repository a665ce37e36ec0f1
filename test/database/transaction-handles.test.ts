import { describe, expect, test } from "bun:test";
import type { Queries } from "../../src/platform/db/database.ts";
import { schedules } from "../../src/platform/queue/tables.ts";
import { gate } from "../support/gate.ts";
import { useMachinery } from "../support/machinery.ts";
import { within } from "../support/timing.ts";

/** Any table would do; this one has a text, a moment and a number. */
const ROW = { lastSlot: new Date("2026-11-18T09:00:00.000Z"), runs: 0 };
const insert = (db: Queries, name: string) => db.insert(schedules).values({ name, ...ROW });

const machinery = useMachinery();

async function names(): Promise<string[]> {
  const rows = await machinery().ctx.db.select({ name: schedules.name }).from(schedules).orderBy(schedules.name);
  return rows.map((row) => row.name);
}

/** What an error and its causes say; drizzle wraps what a statement throws. */
async function complaintOf(attempt: PromiseLike<unknown>): Promise<string> {
  const error = await Promise.resolve(attempt).then(
    () => undefined,
    (caught: unknown) => caught as Error,
  );
  const messages: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause as Error | undefined) messages.push(at.message);
  return messages.join("\n");
}

describe("the outer handle inside a transaction is refused at once instead of hanging", () => {
  const uses: [string, (m: ReturnType<typeof machinery>) => Promise<unknown>][] = [
    ["reading", ({ ctx }) => Promise.resolve(ctx.db.select().from(schedules))],
    ["counting", ({ ctx }) => Promise.resolve(ctx.db.$count(schedules))],
    ["writing", ({ ctx }) => Promise.resolve(insert(ctx.db, "stray"))],
    ["a transaction of the outer context", ({ ctx }) => ctx.transaction(async () => {})],
    ["a plain statement", ({ open }) => open.raw("select 1 as one")],
  ];
  test.each(uses)("%s", async (_, use) => {
    const { ctx } = machinery();
    const startedAt = performance.now();
    const attempt = ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await use(machinery());
    });
    expect(await complaintOf(attempt)).toContain("the database handle was used inside a transaction");
    expect(performance.now() - startedAt).toBeLessThan(within(1_000, 15_000));
    expect(await names()).toEqual([]);
  });

  test("also behind a pause and in a function that knows nothing of the transaction", async () => {
    const { ctx } = machinery();
    const elsewhere = async () => {
      await Bun.sleep(1);
      return names();
    };
    expect(await complaintOf(ctx.transaction(elsewhere))).toContain("inside a transaction");
  });

  test("but not for others at the same time, nor afterwards for what the transaction set going", async () => {
    const { ctx } = machinery();
    const { ended: opened, end: open } = gate();
    const { ended: over, end: nowItIsOver } = gate();
    let later: Promise<string[]> | undefined;
    const transaction = ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      later = over.then(names);
      await opened;
    });
    expect(await names()).toEqual([]);
    open();
    await transaction;
    nowItIsOver();
    expect(await later).toEqual(["a"]);
  });
});

describe("a transaction's own handle after its end", () => {
  test("is refused, so that it cannot slip into another's transaction", async () => {
    const { ctx } = machinery();
    let kept: Queries | undefined;
    await ctx.transaction(async (tx) => {
      kept = tx.db;
    });
    const stray = kept as unknown as Queries;
    expect(await complaintOf(insert(stray, "stray"))).toContain("after the transaction had ended");
    const other = ctx.transaction(async (tx) => {
      await insert(tx.db, "a");
      await Bun.sleep(20);
    });
    await Bun.sleep(5);
    expect(await complaintOf(insert(stray, "stray"))).toContain("after the transaction had ended");
    await other;
    expect(await names()).toEqual(["a"]);
  });
});
