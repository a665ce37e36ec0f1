import { newId } from "../src/platform/ids.ts";
import { issueTicket } from "../src/platform/live/tickets.ts";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { alternate } from "./alternation.ts";
import { installNpmPeers, startPeer } from "./npm-peers.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";

/**
 * Q2: jobs made inside a business transaction, one after another. `jobs_per_second` is what a job costs whoever has a transaction
 * open already, which is where ours are made; graphile-worker's is its documented call, which commits by itself.
 * `jobs_in_sql_per_second` sets its SQL function inside a transaction against the same of ours, and
 * `transactions_per_second` whole transactions: begin, a row of the business, the job, a commit that is synced.
 */
const COUNT = 1_000;
const ROUNDS = 5;

await installNpmPeers();
const server = await startBenchServer();
const product = await openProduct(await server.database());
const { ctx, database } = product;
const graphileUrl = await server.database();
const graphile = startPeer("graphile-worker.mjs");

async function enqueueOurs(): Promise<Record<string, number>> {
  const owner = { userId: newId(), sessionId: newId() };
  const beganMs = performance.now();
  for (let made = 0; made < COUNT; made += 1) {
    await ctx.transaction(async (tx) => {
      await issueTicket(tx, owner);
      await enqueue(tx, "noop", {});
    });
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  let insideSeconds = Number.NaN;
  await ctx.transaction(async (tx) => {
    const insideBeganMs = performance.now();
    for (let made = 0; made < COUNT; made += 1) await enqueue(tx, "noop", {});
    insideSeconds = (performance.now() - insideBeganMs) / 1_000;
  });
  const isLeft = await countJobs();
  if (isLeft !== 2 * COUNT) throw new Error(`${isLeft} jobs instead of ${2 * COUNT}`);
  await database.raw("truncate jobs, live_tickets");
  const inside = COUNT / insideSeconds;
  return { transactions_per_second: COUNT / seconds, jobs_per_second: inside, jobs_in_sql_per_second: inside };
}

async function countJobs(): Promise<number> {
  const [row] = (await database.raw("select count(*)::int as count from jobs")) as { count: number }[];
  return row?.count ?? -1;
}

/** The other half of the goal: what is rolled back leaves no job. */
async function rollBack(): Promise<void> {
  const undone = new Error("undone");
  await ctx
    .transaction(async (tx) => {
      await enqueue(tx, "noop", {});
      throw undone;
    })
    .catch((error: unknown) => {
      if (error !== undone) throw error;
    });
  if ((await countJobs()) !== 0) throw new Error("A transaction that was rolled back left a job.");
}

try {
  await rollBack();
  const samples = await alternate(
    { [OURS]: enqueueOurs, "graphile-worker": () => graphile.ask({ ask: "enqueued", url: graphileUrl, count: COUNT }) },
    ROUNDS,
  );
  await report("enqueue", samples, [{ goal: "Q2", what: "jobs_per_second", against: "graphile-worker", atLeast: 2 }]);
} finally {
  await Promise.all([graphile.stop(), product.close()]);
  await server.stop();
}
