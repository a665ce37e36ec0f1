import { describe, expect, test } from "bun:test";
import { after, MINUTE_MS } from "../../../src/platform/clock.ts";
import { newId } from "../../../src/platform/ids.ts";
import { claim, complete } from "../../../src/platform/queue/claim.ts";
import { JOB_PRIORITY } from "../../../src/platform/queue/enqueue.ts";
import { freeLeases } from "../../../src/platform/queue/rescue.ts";
import { lane } from "../../support/database.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { costlySteps, plansOf } from "../../support/plan.ts";

const machinery = useMachinery();
const worker = newId();

async function claimedIds(limit = 100): Promise<string[]> {
  return (await claim(machinery().ctx, worker, ["work"], limit)).map((job) => job.id);
}

describe("a claim takes", () => {
  test("what was paid for before what was free, and both before housekeeping", async () => {
    const { ctx } = machinery();
    const background = await put(ctx, "work");
    const free = await put(ctx, "work", { priority: JOB_PRIORITY.free });
    const paid = await put(ctx, "work", { priority: JOB_PRIORITY.paid });
    expect(await claimedIds(1)).toEqual([paid]);
    expect(await claimedIds()).toEqual([free, background]);
  });

  test("everybody's first job before anybody's second, whoever came earlier", async () => {
    const { ctx, clock } = machinery();
    const turns = [];
    for (const turn of [0, 1, 2]) turns.push(await put(ctx, "work", { turn }));
    clock.advance(1_000);
    const lateComer = await put(ctx, "work", { turn: 0 });
    const [first, second, third] = turns as [string, string, string];
    expect(await claimedIds(2)).toEqual([first, lateComer]);
    expect(await claimedIds()).toEqual([second, third]);
  });

  test("but never a free job before a paid one for the sake of turns", async () => {
    const { ctx } = machinery();
    const free = await put(ctx, "work", { priority: JOB_PRIORITY.free, turn: 0 });
    const paid = await put(ctx, "work", { priority: JOB_PRIORITY.paid, turn: 9 });
    expect(await claimedIds()).toEqual([paid, free]);
  });

  test("what has been due for longest, and of the same moment what came first", async () => {
    const { ctx, clock } = machinery();
    const now = clock.now();
    const second = await put(ctx, "work", { runAt: after(now, -10) });
    const third = await put(ctx, "work", { runAt: after(now, -10) });
    const first = await put(ctx, "work", { runAt: after(now, -11) });
    expect(await claimedIds()).toEqual([first, second, third]);
  });

  test("nothing before its time, and at its very moment it does", async () => {
    const { ctx, clock } = machinery();
    const job = await put(ctx, "work", { runAt: after(clock.now(), MINUTE_MS) });
    expect(await claimedIds()).toEqual([]);
    clock.advance(MINUTE_MS - 1);
    expect(await claimedIds()).toEqual([]);
    clock.advance(1);
    expect(await claimedIds()).toEqual([job]);
  });

  test("only kinds that the worker knows: an older worker leaves a newer one's jobs alone (P16)", async () => {
    const { ctx } = machinery();
    const other = await put(ctx, "from.a-newer_version2");
    const own = await put(ctx, "work");
    expect(await claimedIds()).toEqual([own]);
    expect(await jobRow(ctx, other)).toMatchObject({ state: "ready", claims: 0, lease: null });
    expect((await claim(ctx, worker, ["from.a-newer_version2", "work"], 5)).map((job) => job.id)).toEqual([other]);
  });

  test("nothing twice: what is taken or parked is out of reach", async () => {
    const { ctx } = machinery();
    await put(ctx, "work");
    expect(await claimedIds()).toHaveLength(1);
    expect(await claimedIds()).toEqual([]);
  });
});

test("a claimed job carries its payload, its worker and one new lease for the batch, and counts the claim", async () => {
  const { ctx, clock } = machinery();
  await put(ctx, "work");
  await put(ctx, "work");
  clock.advance(5);
  const taken = await claim(ctx, worker, ["work"], 10);
  expect(taken).toHaveLength(2);
  expect(new Set(taken.map((job) => job.lease)).size).toBe(1);
  for (const job of taken) {
    expect(job).toMatchObject({ state: "leased", workerId: worker, claims: 1, failures: 0, payload: { kind: "work" } });
    expect(await jobRow(ctx, job.id)).toEqual(job);
    expect(job.updatedAt).toEqual(clock.now());
  }
  await freeLeases(ctx, worker);
  const again = await claim(ctx, worker, ["work"], 10);
  expect(again.map((job) => job.claims)).toEqual([2, 2]);
  expect(again[0]?.lease).not.toBe(taken[0]?.lease as string);
});

test("a kind that could break out of the statement is refused", async () => {
  const { ctx } = machinery();
  for (const kind of ["", "it's", "A", "a b", "a;", "a".repeat(65), "1a"]) {
    await expect(claim(ctx, worker, [kind], 1)).rejects.toThrow("cannot be the name of a job kind");
  }
});

// The crash of a server that a claim may be lost in is Postgres's; a file syncs each commit.
test.skipIf(lane === "sqlite")(
  "a claim is not waited for until it is synced, and nothing else of its session is so",
  async () => {
    const { database, open, ctx } = machinery();
    const name = `"${new URL(database.url).pathname.slice(1)}"`;
    await open.raw(`alter database ${name} set synchronous_commit = on`);
    // As it stands at the commit, by a trigger that is put off until then.
    await open.raw(`
    create table commits (operation text, synced text);
    create function note_commit() returns trigger language plpgsql as $$ begin
      insert into commits values (tg_op, current_setting('synchronous_commit')); return null; end $$;
    create constraint trigger note_commit after insert or update or delete on jobs
      deferrable initially deferred for each row execute function note_commit()`);
    try {
      const other = (await machinery().another()).ctx;
      const id = await put(other, "work");
      const [job] = await claim(other, worker, ["work"], 1);
      await complete(other, [id], [job?.lease ?? ""]);
      expect(await allJobs(ctx)).toEqual([]);
      expect(await open.raw("select operation, synced from commits")).toEqual([
        { operation: "INSERT", synced: "on" },
        { operation: "UPDATE", synced: "off" },
        { operation: "DELETE", synced: "on" },
      ]);
    } finally {
      await open.raw("drop table commits; drop function note_commit cascade");
      await open.raw(`alter database ${name} reset synchronous_commit`);
    }
  },
);

test("8 claimers at once never get the same job, and together get them all", async () => {
  const { ctx, another } = machinery();
  const JOBS = 300;
  for (let at = 0; at < JOBS; at += 1) await put(ctx, "work");
  // On Postgres each has its own connections, as eight processes have; SQLite has one process.
  const contexts = [ctx];
  if (lane === "postgres") for (let at = 1; at < 8; at += 1) contexts.push((await another()).ctx);
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      const claimer = contexts[at % contexts.length] ?? ctx;
      const workerId = newId();
      const taken = [];
      for (;;) {
        const batch = await claim(claimer, workerId, ["work"], 7);
        if (batch.length === 0) return taken;
        taken.push(...batch.map((job) => job.id));
      }
    }),
  );
  const all = results.flat();
  expect(all).toHaveLength(JOBS);
  expect(new Set(all).size).toBe(JOBS);
  expect((await allJobs(ctx)).every((job) => job.claims === 1 && job.state === "leased")).toBe(true);
});

describe("with 20 000 rows in the queue", () => {
  /** Half wait for a later time, some are parked or in work, and a few thousand are due. */
  async function fill(): Promise<void> {
    const { open, clock } = machinery();
    const now = clock.now();
    const [soon, early] = [after(now, 60_000), after(now, -60_000)];
    const moment = (at: Date) => (lane === "postgres" ? `'${at.toISOString()}'::timestamptz` : String(at.getTime()));
    const id = lane === "postgres" ? "gen_random_uuid()" : "lower(hex(randomblob(16)))";
    const numbers =
      lane === "postgres"
        ? "generate_series(1, 20000) as t(n)"
        : "(with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000) select n from c)";
    await open.raw(`insert into jobs (id, kind, payload, state, priority, turn, run_at, claims, failures, lease, worker_id,
        unique_key, created_at, updated_at)
      select ${id}, 'work', '{}', case when n % 10 < 7 then 'ready' when n % 10 = 7 then 'leased' else 'parked' end,
        10 * (1 + n % 3), n % 5, case when n % 2 = 0 then ${moment(soon)} else ${moment(early)} end, 0, 0,
        case when n % 10 = 7 then ${id} end, case when n % 10 = 7 then ${id} end, 'key ' || n, ${moment(now)}, ${moment(now)}
      from ${numbers}`);
    await open.raw("analyze jobs");
  }

  test("a claim walks the partial index in its order: no whole table is read or sorted (Q7)", async () => {
    await fill();
    const { database, clock } = machinery();
    const plan = await plansOf(database, (db) => claim({ db, clock }, worker, ["work", "other"], 16));
    expect(plan.join("\n")).toContain("jobs_ready");
    expect(costlySteps(plan)).toEqual([]);
  });

  test("the end of jobs, and what a worker holds, are found by index", async () => {
    await fill();
    const { database, clock, ctx } = machinery();
    const ids = Array.from({ length: 16 }, newId);
    expect(costlySteps(await plansOf(database, (db) => complete({ db, clock }, ids, [newId()])))).toEqual([]);
    const freeing = await plansOf(database, (db) => freeLeases({ db, clock, log: ctx.log }, worker));
    expect(freeing.join("\n")).toContain("jobs_leased");
    expect(costlySteps(freeing)).toEqual([]);
  });

  test("the check itself tells a statement that reads everything", async () => {
    await fill();
    const { database } = machinery();
    const { jobs } = await import("../../../src/platform/queue/tables.ts");
    const plan = await plansOf(database, async (db) => db.select().from(jobs).orderBy(jobs.createdAt));
    expect(costlySteps(plan)).not.toEqual([]);
  });
});
