import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/platform/clock.ts";
import type { LeasedJob } from "../../../src/platform/queue/claim.ts";
import { DONE, fence, type JobOutcome, later } from "../../../src/platform/queue/outcome.ts";
import { workers } from "../../../src/platform/queue/tables.ts";
import { lane } from "../../support/database.ts";
import { gate } from "../../support/gate.ts";
import { allJobs, jobRow, put } from "../../support/jobs.ts";
import { useMachinery } from "../../support/machinery.ts";
import { within } from "../../support/timing.ts";
import { until } from "../../support/until.ts";
import { workersOn } from "../../support/worker.ts";

const machinery = useMachinery();
const { context, queueIsEmpty, start } = workersOn(machinery);

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
    await until(queueIsEmpty, "all are done");
    expect(done).toHaveLength(60);
    expect(new Set(done).size).toBe(60);
  });
});

// On SQLite whoever holds the row holds the whole file, and no worker takes anything.
describe.skipIf(lane === "sqlite")("a job that has ended and whose row still stands", () => {
  /** A worker whose first job ends as soon as the row cannot be removed; the answer has all that ran, and gives the row free. */
  async function endWithHeldRow(concurrency: number) {
    const first = await put(context(), "work");
    const done: string[] = [];
    const [begun, held, release] = [gate(), gate(), gate()];
    const work = async (job: LeasedJob) => {
      if (job.id === first) {
        begun.end();
        await held.ended;
      }
      done.push(job.id);
      return DONE;
    };
    await start({ work }, { concurrency });
    await begun.ended;
    const other = (await machinery().another()).ctx;
    const holding = other.transaction(async (tx) => {
      await fence(tx, (await jobRow(tx, first)) as LeasedJob);
      held.end();
      await release.ended;
    });
    await until(async () => done.length === 1, "the first has ended");
    return {
      first,
      done,
      giveFree: async () => {
        release.end();
        await holding;
      },
    };
  }

  test("takes no slot: the next one runs while it is being removed", async () => {
    const { first, done, giveFree } = await endWithHeldRow(1);
    const second = await put(context(), "work");
    await until(async () => done.length === 2, "the second has run");
    expect(await jobRow(context(), first)).toMatchObject({ state: "leased", claims: 1 });
    await giveFree();
    await until(queueIsEmpty, "both are gone");
    expect(done).toEqual([first, second]);
  });

  test("takes one where hundreds of them stand: no more than that would run again after a crash", async () => {
    const { done, giveFree } = await endWithHeldRow(5);
    await context().transaction(async (tx) => {
      for (let at = 0; at < 520; at += 1) await put(tx, "work");
    });
    await until(async () => done.length >= 500, "hundreds have run");
    await Bun.sleep(200);
    expect(done.length).toBeLessThanOrEqual(505);
    await giveFree();
    await until(queueIsEmpty, "all are gone");
    expect(new Set(done).size).toBe(521);
    expect(done).toHaveLength(521);
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
    expect(machinery().logLines.join("\n")).not.toContain("late");
  });

  test("stops at once when it has nothing to do", async () => {
    const worker = await start({ work: async () => DONE });
    const startedAt = performance.now();
    await worker.stop(20_000);
    expect(performance.now() - startedAt).toBeLessThan(within(900, 10_000));
  });
});
