import { sleep } from "bun";
import postgres from "postgres";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { DONE } from "../src/platform/queue/outcome.ts";
import { startWorker } from "../src/platform/queue/work.ts";
import { alternate } from "./alternation.ts";
import { installNpmPeers, linesOf, startPeer } from "./npm-peers.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { median, quantile } from "./samples.ts";

/**
 * Q3: from the commit of a job to its beginning, the queue being empty: where the worker is in the same process, and where
 * it is in another, which learns of the job by the database's notice. graphile-worker's worker and ours wait alike.
 * Times of two processes are compared by the machine's clock.
 */
const COUNT = 220;
/** The first jobs that a worker runs are not counted, on neither side: it compiles its code and prepares its statements by them. */
const FIRST_COUNT = 20;
const PAUSE_MS = 15;
const ROUNDS = 3;
/** Longer than a worker's poll: by then the last job too has begun, however busy the machine is. */
const LAST_MS = 1_500;
const now = () => performance.timeOrigin + performance.now();

const inShort = (where: string, waits: readonly number[]) => ({
  [`${where}_median_ms`]: median(waits.slice(FIRST_COUNT)),
  [`${where}_p99_ms`]: quantile(waits.slice(FIRST_COUNT), 0.99),
});

/** The worker of the other process: this very file, given the database's address. */
const [, , workerUrl] = process.argv;
if (workerUrl === undefined) await measure();
else await workFor(workerUrl);

async function workFor(url: string): Promise<void> {
  const product = await openProduct(url);
  await product.ctx.wakeUps.start();
  const starts: number[] = [];
  const run = async () => {
    starts.push(now());
    return DONE;
  };
  const worker = await startWorker(product.ctx, { concurrency: 16, handlers: new Map([["noop", { run }]]) });
  process.stdout.write("ready\n");
  for await (const _ of linesOf(Bun.stdin.stream())) break;
  await worker.stop(1_000);
  process.stdout.write(`${JSON.stringify(starts)}\n`);
  await product.close();
  process.exit(0);
}

async function measure(): Promise<void> {
  await installNpmPeers();
  const server = await startBenchServer();
  const url = await server.database();
  const product = await openProduct(url);
  const { ctx } = product;
  const graphileUrl = await server.database();
  const graphile = startPeer("graphile-worker.mjs");
  const makeJob = async () => {
    await ctx.transaction(async (tx) => void (await enqueue(tx, "noop", {})));
    return now();
  };

  const sameProcess = async (): Promise<number[]> => {
    let begin: (at: number) => void = () => {};
    const run = async () => {
      begin(now());
      return DONE;
    };
    const worker = await startWorker(ctx, { concurrency: 16, handlers: new Map([["noop", { run }]]) });
    const waits: number[] = [];
    for (let made = 0; made < COUNT; made += 1) {
      const { promise, resolve } = Promise.withResolvers<number>();
      begin = resolve;
      const committedAt = await makeJob();
      waits.push(Math.max(0, (await promise) - committedAt));
      await sleep(PAUSE_MS);
    }
    await worker.stop(1_000);
    return waits;
  };
  const otherProcess = async (): Promise<number[]> => {
    const child = Bun.spawn([process.execPath, "--no-env-file", import.meta.path, url], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const lines = linesOf(child.stdout);
    await lines.next();
    const commits: number[] = [];
    for (let made = 0; made < COUNT; made += 1) {
      commits.push(await makeJob());
      await sleep(2 * PAUSE_MS);
    }
    await sleep(LAST_MS);
    child.stdin.write("stop\n");
    child.stdin.end();
    const { value } = await lines.next();
    await child.exited;
    return waitsOf(commits, JSON.parse(value ?? "[]") as number[]);
  };
  const graphileElsewhere = async (): Promise<number[]> => {
    await graphile.ask({ ask: "work", url: graphileUrl });
    const sql = postgres(graphileUrl, { max: 1, onnotice: () => {} });
    const commits: number[] = [];
    for (let made = 0; made < COUNT; made += 1) {
      await sql.unsafe("select graphile_worker.add_job('noop', '{}'::json)");
      commits.push(now());
      await sleep(2 * PAUSE_MS);
    }
    await sleep(LAST_MS);
    const { starts } = await graphile.ask<{ starts: number[] }>({ ask: "rest" });
    await sql.end();
    return waitsOf(commits, starts);
  };

  try {
    const samples = await alternate(
      {
        [OURS]: async () => ({
          ...inShort("same_process", await sameProcess()),
          ...inShort("other_process", await otherProcess()),
        }),
        "graphile-worker": async () => {
          const { waits } = await graphile.ask<{ waits: number[] }>({
            ask: "begun",
            url: graphileUrl,
            count: COUNT,
            pauseMs: PAUSE_MS,
          });
          return { ...inShort("same_process", waits), ...inShort("other_process", await graphileElsewhere()) };
        },
      },
      ROUNDS,
    );
    await report("wake", samples, [
      { goal: "Q3", what: "same_process_p99_ms", atMost: 3 },
      { goal: "Q3", what: "other_process_p99_ms", against: "graphile-worker", atMost: 1 },
    ]);
  } finally {
    await Promise.all([graphile.stop(), product.close()]);
    await server.stop();
  }
}

/** Jobs begin in the order of their commits: each is made when the one before has long begun. */
function waitsOf(commits: readonly number[], starts: readonly number[]): number[] {
  if (starts.length !== commits.length) throw new Error(`${starts.length} of ${commits.length} jobs began`);
  return commits.map((committedAt, place) => Math.max(0, (starts[place] ?? Number.NaN) - committedAt));
}
