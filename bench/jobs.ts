import { sleep } from "bun";
import type { Context } from "../src/context.ts";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { DONE } from "../src/platform/queue/outcome.ts";
import { startWorker } from "../src/platform/queue/work.ts";
import { alternate } from "./alternation.ts";
import { installNpmPeers, startPeer } from "./npm-peers.ts";
import { runCelery } from "./old-stack.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";

/**
 * Q1: durable jobs that do nothing, completed per second on Postgres. All sides take prepared jobs from the same server,
 * which syncs its log at each commit; from the start of the worker until the last job is gone from the table.
 * graphile-worker and pg-boss run on Node in a process of their own, which stays warm, as ours does.
 */
const JOBS = 50_000;
/** The slow ones get fewer: a rate is a rate. */
const JOBS_OF_SLOW = 3_000;
const ROUNDS = 3;
/** A job that has run is not yet gone from the table, and only that counts. */
const POLL_MS = 2;
/** More than the default of 16, which is for jobs that wait for a provider. */
const CONCURRENCY = 200;

async function completeOurs(
  ctx: Context,
  raw: (statement: string) => Promise<unknown[]>,
): Promise<Record<string, number>> {
  await enqueue(ctx, "noop", {});
  // The others are copies of the first: making them is not what is measured.
  await raw(`
    insert into jobs (id, kind, payload, state, priority, turn, run_at, claims, failures, created_at, updated_at)
    select gen_random_uuid(), kind, payload, state, priority, turn, run_at, 0, 0, created_at, updated_at
    from jobs, generate_series(2, ${JOBS})`);
  await raw("vacuum analyze jobs");
  let done = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const run = async () => {
    done += 1;
    if (done === JOBS) resolve();
    return DONE;
  };
  const beganMs = performance.now();
  const worker = await startWorker(ctx, { concurrency: CONCURRENCY, handlers: new Map([["noop", { run }]]) });
  await all;
  while ((await raw("select 1 from jobs limit 1")).length > 0) await sleep(POLL_MS);
  const seconds = (performance.now() - beganMs) / 1_000;
  await worker.stop(10_000);
  return { jobs_per_second: JOBS / seconds };
}

await installNpmPeers();
const server = await startBenchServer();
const product = await openProduct(await server.database());
const [graphileUrl, bossUrl] = [await server.database(), await server.database()];
const graphile = startPeer("graphile-worker.mjs");
const boss = startPeer("pg-boss.mjs");
const celery = await runCelery();
try {
  const samples = await alternate(
    {
      [OURS]: () => completeOurs(product.ctx, (statement) => product.database.raw(statement)),
      "graphile-worker batched": () =>
        graphile.ask({ ask: "completed", url: graphileUrl, jobs: JOBS, mode: "batched" }),
      "graphile-worker default": () =>
        graphile.ask({ ask: "completed", url: graphileUrl, jobs: JOBS_OF_SLOW, mode: "default" }),
      "pg-boss": () => boss.ask({ url: bossUrl, jobs: JOBS_OF_SLOW }),
      ...(celery && { Celery: () => celery.complete(JOBS_OF_SLOW) }),
    },
    ROUNDS,
  );
  const what = "jobs_per_second";
  await report("jobs", samples, [
    { goal: "Q1", what, against: "graphile-worker batched", atLeast: 1 },
    { goal: "Q1", what, against: "graphile-worker default", atLeast: 10 },
    { goal: "Q1", what, against: "Celery", atLeast: 10 },
  ]);
} finally {
  await Promise.all([graphile.stop(), boss.stop(), celery?.stop(), product.close()]);
  await server.stop();
}
