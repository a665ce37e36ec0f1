import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { systemClock } from "../../../src/platform/clock.ts";
import type { LeasedJob } from "../../../src/platform/queue/claim.ts";
import { DONE, fence, type JobOutcome, later } from "../../../src/platform/queue/outcome.ts";
import { freeLeases, freeWorker } from "../../../src/platform/queue/rescue.ts";
import { jobs, workers } from "../../../src/platform/queue/tables.ts";
import { type JobHandler, startWorker, type Worker } from "../../../src/platform/queue/work.ts";
import { lane } from "../../support/database.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { type MachineryContext, useMachinery } from "../../support/machinery.ts";
import { until } from "../../support/until.ts";

const machinery = useMachinery();

/** Real time, because pauses and polls pass in it; failed jobs come back without a pause. */
const context = (): MachineryContext => ({ ...machinery().ctx, clock: systemClock, random: () => 0 });

async function start(
  handlers: Record<string, JobHandler["run"] | JobHandler>,
  options: { concurrency?: number; ctx?: MachineryContext } = {},
): Promise<Worker> {
  const entries = Object.entries(handlers).map(([kind, handler]): [string, JobHandler] => [
    kind,
    typeof handler === "function" ? { run: handler } : handler,
  ]);
  const worker = await startWorker(options.ctx ?? context(), {
    concurrency: options.concurrency ?? 4,
    handlers: new Map(entries),
  });
  let stopping: Promise<void> | undefined;
  const stop = (graceMs: number) => {
    stopping ??= worker.stop(graceMs);
    return stopping;
  };
  machinery().atEnd(() => stop(0));
  return { id: worker.id, stop };
}

const queueIsEmpty = async () => (await allJobs(machinery().ctx)).length === 0;

/** A job that ends when the test says so. */
function gate<T>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  return { ended: promise, end: resolve, fail: reject };
}

describe("a worker", () => {
  test("does what stands in the queue and what comes in later, and finished jobs are gone", async () => {
    const ctx = context();
    const done: string[] = [];
    await put(ctx, "work");
    await start({
      async work(job) {
        done.push(job.id);
        expect(job.payload).toEqual({ kind: "work" });
        return DONE;
      },
    });
    await until(queueIsEmpty, "the job that was there is done");
    for (let at = 0; at < 20; at += 1) await put(ctx, "work");
    await until(queueIsEmpty, "those that came in are done");
    expect(done).toHaveLength(21);
    expect(new Set(done).size).toBe(21);
  });

  test("starts a new job by the wake-up, long before its next look", async () => {
    const ctx = context();
    const started = gate<number>();
    await start({
      async work() {
        started.end(performance.now());
        return DONE;
      },
    });
    await Bun.sleep(100);
    const putAt = performance.now();
    await put(ctx, "work");
    expect((await started.ended) - putAt).toBeLessThan(700);
  });

  test("finds by itself what nobody told it of", async () => {
    const ctx = context();
    const { another } = machinery();
    await start({ work: async () => DONE });
    // Another process that is not heard: on SQLite there is no notice, on Postgres this worker does not listen.
    await put({ ...(await another()).ctx, clock: systemClock }, "work");
    await until(queueIsEmpty, "the job is done");
    expect(await allJobs(ctx)).toEqual([]);
  });

  test("has no more jobs in hand than it may, and never fewer for long", async () => {
    const ctx = context();
    let [now, most] = [0, 0];
    for (let at = 0; at < 12; at += 1) await put(ctx, "work");
    await start(
      {
        async work() {
          now += 1;
          most = Math.max(most, now);
          await Bun.sleep(5);
          now -= 1;
          return DONE;
        },
      },
      { concurrency: 3 },
    );
    await until(queueIsEmpty, "all are done");
    expect(most).toBe(3);
  });

  test("leaves kinds that it does not know alone", async () => {
    const ctx = context();
    const unknown = await put(ctx, "unknown");
    await put(ctx, "work");
    await start({ work: async () => DONE });
    await until(async () => (await allJobs(ctx)).length === 1, "its own job is done");
    expect(await jobRow(ctx, unknown)).toMatchObject({ state: "ready", claims: 0 });
  });

  test("two workers share the jobs and do each once", async () => {
    const ctx = context();
    const other = { ...(await machinery().another()).ctx, clock: systemClock };
    const done: string[] = [];
    const work = async (job: LeasedJob) => {
      done.push(job.id);
      await Bun.sleep(1);
      return DONE;
    };
    for (let at = 0; at < 60; at += 1) await put(ctx, "work");
    await start({ work }, { concurrency: 5 });
    await start({ work }, { concurrency: 5, ctx: other });
    await until(queueIsEmpty, "all are done", 10_000);
    expect(done).toHaveLength(60);
    expect(new Set(done).size).toBe(60);
  });
});

describe("a job that is not done yet", () => {
  test("comes back after its pause, as often as it says so, and holds no place meanwhile", async () => {
    const ctx = context();
    const order: string[] = [];
    let rounds = 0;
    await put(ctx, "waiting", { priority: 1 });
    await put(ctx, "quick", { priority: 2 });
    await start(
      {
        async waiting(): Promise<JobOutcome> {
          rounds += 1;
          order.push(`waiting ${rounds}`);
          return rounds < 3 ? later(60) : DONE;
        },
        async quick() {
          order.push("quick");
          return DONE;
        },
      },
      { concurrency: 1 },
    );
    await until(queueIsEmpty, "both are done");
    expect(order).toEqual(["waiting 1", "quick", "waiting 2", "waiting 3"]);
  });

  test("forgets its failures when it moves on", async () => {
    const ctx = context();
    let runs = 0;
    const seen: number[] = [];
    await put(ctx, "work");
    await start({
      work: {
        triesMax: 2,
        async run(job): Promise<JobOutcome> {
          runs += 1;
          seen.push(job.failures);
          if (runs === 6) return DONE;
          return runs % 2 === 1 ? { kind: "failed", error: new Error("once more") } : later(0);
        },
      },
    });
    await until(queueIsEmpty, "it is done");
    expect(seen).toEqual([0, 1, 0, 1, 0, 1]);
  });
});

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

describe("a worker that stops", () => {
  test("finishes what is in hand, takes nothing more and signs out", async () => {
    const ctx = context();
    const job = gate<JobOutcome>();
    const inHand = await put(ctx, "work");
    const worker = await start({ work: () => job.ended }, { concurrency: 1 });
    await until(async () => (await jobRow(ctx, inHand))?.state === "leased", "the job is in hand");
    const waiting = await put(ctx, "work");
    const stopped = worker.stop(5_000);
    await Bun.sleep(50);
    job.end(DONE);
    await stopped;
    expect(await jobRow(ctx, inHand)).toBeUndefined();
    expect(await jobRow(ctx, waiting)).toMatchObject({ state: "ready", claims: 0 });
    expect(await ctx.db.$count(workers)).toBe(0);
  });

  test("hands back untouched what does not end in time, and that run writes nothing any more", async () => {
    const ctx = context();
    const job = gate<JobOutcome>();
    const id = await put(ctx, "work");
    const worker = await start({ work: () => job.ended });
    await until(async () => (await jobRow(ctx, id))?.state === "leased", "the job is in hand");
    await worker.stop(30);
    const handedBack = await jobRow(ctx, id);
    expect(handedBack).toMatchObject({ state: "ready", lease: null, workerId: null, failures: 0, claims: 1 });
    job.end({ kind: "failed", error: new Error("late") });
    await Bun.sleep(30);
    expect(await jobRow(ctx, id)).toEqual(handedBack as NonNullable<typeof handedBack>);
  });

  test("stops at once when it has nothing to do", async () => {
    const worker = await start({ work: async () => DONE });
    const startedAt = performance.now();
    await worker.stop(20_000);
    expect(performance.now() - startedAt).toBeLessThan(900);
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
