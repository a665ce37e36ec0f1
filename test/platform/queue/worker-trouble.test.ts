import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { DONE, fence, type JobOutcome, later } from "../../../src/platform/queue/outcome.ts";
import { freeLeases, freeWorker } from "../../../src/platform/queue/rescue.ts";
import { jobs } from "../../../src/platform/queue/tables.ts";
import type { JobHandler } from "../../../src/platform/queue/work.ts";
import { lane } from "../../support/database.ts";
import { gate } from "../../support/gate.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";
import { workersOn } from "../../support/worker.ts";

const machinery = useMachinery();
const { context, queueIsEmpty, start } = workersOn(machinery);

describe("F16 a poison job is parked after its tries, and the others go on", () => {
  const poisons: [string, JobHandler["run"], string][] = [
    ["that throws", () => Promise.reject(new TypeError("poison")), "TypeError: poison"],
    [
      "that throws before it has begun",
      () => {
        throw new RangeError("at once");
      },
      "RangeError: at once",
    ],
    ["that hangs", () => new Promise(() => {}), "Error: the job ran longer than 40 ms"],
    ["that reports failures", async () => ({ kind: "failed", error: "no luck" }), "no luck"],
  ];
  test.each(poisons)("%s", async (_, run, error) => {
    const ctx = context();
    const poison = await put(ctx, "poison");
    const healthy = [];
    for (let at = 0; at < 10; at += 1) healthy.push(await put(ctx, "work"));
    await start({ poison: { run, triesMax: 3, runMsMax: 40 }, work: async () => DONE }, { concurrency: 2 });
    await until(async () => (await jobRow(ctx, poison))?.state === "parked", "the poison is parked");
    await until(async () => (await allJobs(ctx)).length === 1, "the others are done");
    expect(await jobRow(ctx, poison)).toMatchObject({
      state: "parked",
      claims: 3,
      failures: 3,
      parkedReason: "failed too often: 3 times",
      lastError: error,
    });
    expect(machinery().logLines.join("\n")).toContain("job parked after its last try");
  });

  test("that gives up is parked at once, with its reason", async () => {
    const ctx = context();
    const id = await put(ctx, "poison");
    await start({ poison: async () => ({ kind: "give_up", reason: "pointless" }) });
    await until(async () => (await jobRow(ctx, id))?.state === "parked", "it is parked");
    expect(await jobRow(ctx, id)).toMatchObject({ claims: 1, parkedReason: "pointless" });
  });
});

describe("F4 a job that was taken over in the meantime", () => {
  test("is not touched by the old run, whose place is free again at once", async () => {
    const ctx = context();
    const first = gate<void>();
    const ran: string[] = [];
    const id = await put(ctx, "work");
    const worker = await start(
      {
        async work(job) {
          ran.push("work");
          await first.ended;
          await ctx.transaction((tx) => fence(tx, job));
          return DONE;
        },
        async next() {
          ran.push("next");
          return DONE;
        },
      },
      { concurrency: 1 },
    );
    await until(() => ran.length === 1, "the job is in hand");
    await freeWorker(ctx, worker.id);
    await ctx.db.update(jobs).set({ state: "parked", parkedReason: "held elsewhere" }).where(eq(jobs.id, id));
    await put(ctx, "next");
    const freedAt = performance.now();
    first.end();
    await until(() => ran.includes("next"), "the next job starts");
    expect(performance.now() - freedAt).toBeLessThan(700);
    expect(await jobRow(ctx, id)).toMatchObject({ state: "parked", parkedReason: "held elsewhere" });
    expect(machinery().logLines.join("\n")).toContain("job was taken over by another worker");
  });

  test("is not ended by its old run when this very worker has taken it again", async () => {
    const ctx = context();
    const runs = [gate<JobOutcome>(), gate<JobOutcome>()];
    const other = gate<JobOutcome>();
    const started: string[] = [];
    const id = await put(ctx, "work");
    const worker = await start(
      {
        work() {
          started.push("work");
          return runs[started.filter((kind) => kind === "work").length - 1]?.ended ?? Promise.resolve(DONE);
        },
        other() {
          started.push("other");
          return other.ended;
        },
      },
      { concurrency: 3 },
    );
    await until(() => started.length === 1, "the first run has begun");
    await ctx.transaction(async (tx) => {
      await freeLeases({ ...tx, log: ctx.log }, worker.id);
      await put(tx, "other");
    });
    await until(() => started.length === 3, "the second run has begun, claimed together with another job");
    const held = await jobRow(ctx, id);
    // The old run and the other job end in one statement, which names the second run's lease for the other job's sake.
    runs[0]?.end(DONE);
    other.end(DONE);
    await until(async () => (await allJobs(ctx)).length === 1, "the other job is gone");
    expect(await jobRow(ctx, id)).toEqual(held as NonNullable<typeof held>);
    runs[1]?.end(DONE);
    await until(queueIsEmpty, "the second run has ended it");
    expect(started.sort()).toEqual(["other", "work", "work"]);
  });
});

describe("when the end of a job cannot be written", () => {
  /** Until it is lifted, the database refuses to change or remove jobs of this kind that are in work. */
  async function refuseEnds(kind: string): Promise<() => Promise<void>> {
    const { open } = machinery();
    if (lane === "sqlite") {
      const when = `when old.state = 'leased' and old.kind = '${kind}' begin select raise(abort, 'refused'); end`;
      await open.raw(`create trigger refuse_delete before delete on jobs ${when}`);
      await open.raw(`create trigger refuse_update before update on jobs ${when}`);
      return async () => {
        await open.raw("drop trigger refuse_delete");
        await open.raw("drop trigger refuse_update");
      };
    }
    await open.raw(
      `create function refuse() returns trigger language plpgsql as 'begin raise exception ''refused''; end'`,
    );
    await open.raw(`create trigger refuse before delete or update on jobs for each row
      when (old.state = 'leased' and old.kind = '${kind}') execute function refuse()`);
    return async () => {
      await open.raw("drop trigger refuse on jobs");
      await open.raw("drop function refuse");
    };
  }

  const ends: [string, JobOutcome][] = [
    ["done", DONE],
    ["later", later(0)],
    ["failed", { kind: "failed", error: new Error("x") }],
  ];
  test.each(ends)(
    "J1 it is not stuck in a living worker's hands: it runs again once that is possible (%s)",
    async (_, end) => {
      const ctx = context();
      const id = await put(ctx, "work");
      const first = gate<void>();
      let runs = 0;
      await start({
        async work(): Promise<JobOutcome> {
          runs += 1;
          if (runs > 1) return DONE;
          await first.ended;
          return end;
        },
      });
      await until(() => runs === 1, "the job is in hand");
      const lift = await refuseEnds("work");
      first.end();
      await until(() => /could not be (written|removed)/.test(machinery().logLines.join("\n")), "the end is refused");
      expect(await jobRow(ctx, id)).toMatchObject({ state: "leased" });
      await lift();
      await until(queueIsEmpty, "the job has run again and is done");
      expect(runs).toBe(2);
    },
  );
});
