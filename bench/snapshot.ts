import { sleep } from "bun";
import postgres from "postgres";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { DONE } from "../src/platform/queue/outcome.ts";
import { startWorker } from "../src/platform/queue/work.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { quantile, type Samples } from "./samples.ts";

/**
 * Q6: 200 jobs a second while somebody holds a snapshot open, say a dump: for ten minutes no dead row can be removed, and the
 * claim's index is full of them. Beside it the same without the snapshot. `SNAPSHOT_SECONDS=600` runs all of the ten minutes;
 * otherwise it is their last 45 s: what died before is made at once, by the same three steps that a job goes through.
 */
const JOBS_PER_SECOND = 200;
const HELD_SECONDS = 600;
const SECONDS = Number(process.env.SNAPSHOT_SECONDS ?? 45);
const JOBS_BEFORE = Math.max(0, HELD_SECONDS - SECONDS) * JOBS_PER_SECOND;
const TICK_MS = 50;
/** More than the default of 16 would only hide waiting. */
const CONCURRENCY = 16;
/** What a queue of this pace leaves behind within some seconds. */
const DEAD_ROWS_MAX = 1_000;

async function pace(isHeld: boolean): Promise<Record<string, number>> {
  const url = await server.database();
  const product = await openProduct(url);
  const { ctx, database } = product;
  const raw = (statement: string) => database.raw(statement) as Promise<Record<string, number>[]>;
  const holder = postgres(url, { max: 1, onnotice: () => {} });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: holds, resolve: taken } = Promise.withResolvers<void>();
  const holding = isHeld
    ? holder.begin("isolation level repeatable read", async (sql) => {
        await sql.unsafe("select count(*) from jobs");
        taken();
        await released;
      })
    : taken();
  await holds;
  if (isHeld && JOBS_BEFORE > 0) await liveAndDie(raw);

  let completed = 0;
  const waits: number[] = [];
  const run = async ({ createdAt }: { createdAt: Date }) => {
    completed += 1;
    waits.push(Date.now() - createdAt.getTime());
    return DONE;
  };
  const worker = await startWorker(ctx, { concurrency: CONCURRENCY, handlers: new Map([["noop", { run }]]) });
  const beganMs = performance.now();
  let made = 0;
  while (performance.now() - beganMs < SECONDS * 1_000) {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * JOBS_PER_SECOND);
    await ctx.transaction(async (tx) => {
      for (; made < due; made += 1) await enqueue(tx, "noop", {});
    });
    await sleep(TICK_MS);
  }
  const rate = completed / ((performance.now() - beganMs) / 1_000);
  await worker.stop(10_000);
  const deadRows = async () => {
    await sleep(1_500);
    const [row] = await raw("select n_dead_tup::int as dead from pg_stat_user_tables where relname = 'jobs'");
    return row?.dead ?? Number.NaN;
  };
  const during = await deadRows();
  release();
  await holding;
  // What autovacuum does within its minute.
  await raw("vacuum jobs");
  const after = await deadRows();
  await Promise.all([holder.end(), product.close()]);
  return {
    completions_per_second: rate,
    wait_p99_ms: quantile(waits, 0.99),
    dead_rows_held: during,
    dead_rows_after: after,
  };
}

/** Jobs are made, taken and removed, a few thousand in each statement. */
async function liveAndDie(raw: (statement: string) => Promise<unknown>): Promise<void> {
  const BATCH = 5_000;
  for (let made = 0; made < JOBS_BEFORE; made += BATCH) {
    const dueSeconds = (JOBS_BEFORE - made) / JOBS_PER_SECOND + 10;
    await raw(`insert into jobs (id, kind, payload, state, priority, turn, run_at, claims, failures, created_at, updated_at)
      select gen_random_uuid(), 'noop', '{}', 'ready', 30, 0, now() - interval '${dueSeconds} seconds', 0, 0, now(), now() from generate_series(1, ${BATCH})`);
    await raw("update jobs set state = 'leased', lease = id, worker_id = id, claims = 1");
    await raw("delete from jobs");
  }
}

const server = await startBenchServer();
try {
  const samples: Record<string, Samples> = {};
  for (const [side, isHeld] of [
    [OURS, true],
    ["no snapshot held", false],
  ] as const) {
    const measured = await pace(isHeld);
    process.stderr.write(`  ${side}  ${JSON.stringify(measured)}\n`);
    samples[side] = Object.fromEntries(Object.entries(measured).map(([what, value]) => [what, [value]]));
  }
  await report("snapshot", samples, [
    { goal: "Q6", what: "completions_per_second", against: "no snapshot held", atLeast: 0.95 },
    { goal: "Q6", what: "dead_rows_after", atMost: DEAD_ROWS_MAX },
  ]);
} finally {
  await server.stop();
}
