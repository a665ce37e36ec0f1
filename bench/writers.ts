import { sql } from "drizzle-orm";
import type { Context } from "../src/context.ts";
import { newId } from "../src/platform/ids.ts";
import { issueTicket } from "../src/platform/live/tickets.ts";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { alternate } from "./alternation.ts";
import { openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";

/**
 * Q5: 32 clients that each put one job after another into the queue, inside transactions of a row of the business and the job,
 * every commit synced; with the product's wake-ups and without any. Another process's view of the database listens meanwhile,
 * because a notice that nobody hears costs next to nothing. For comparison, what the wake-ups avoid: a notice in each transaction.
 */
const CLIENTS = 32;
const SECONDS = Number(process.env.WRITERS_SECONDS ?? 5);
const ROUNDS = Number(process.env.WRITERS_ROUNDS ?? 5);
const CHANNEL = "bench_naive";

const server = await startBenchServer();
const url = await server.database();
const product = await openProduct(url, { DATABASE_POOL_MAX: String(CLIENTS) });
const listener = await openProduct(url);
let heard = 0;
listener.ctx.wakeUps.subscribe("jobs", () => {
  heard += 1;
});
await listener.ctx.wakeUps.start();
await listener.database.listen(
  CHANNEL,
  () => {
    heard += 1;
  },
  () => {},
);

async function write(ctx: Context): Promise<Record<string, number>> {
  heard = 0;
  let written = 0;
  const owner = { userId: newId(), sessionId: newId() };
  const beganMs = performance.now();
  const endMs = beganMs + SECONDS * 1_000;
  const client = async () => {
    while (performance.now() < endMs) {
      await ctx.transaction(async (tx) => {
        await issueTicket(tx, owner);
        await enqueue(tx, "noop", {});
      });
      written += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - beganMs) / 1_000;
  const [row] = (await product.database.raw("select count(*)::int as count from jobs")) as { count: number }[];
  if (row?.count !== written) throw new Error(`${row?.count} jobs stand in the queue, ${written} were written`);
  await product.database.raw("truncate jobs, live_tickets");
  const rate = { transactions_per_second: written / seconds };
  return heard === 0 ? rate : { ...rate, notices_per_second: heard / seconds };
}

const silent = { ...product.ctx, wakeUps: { ...product.ctx.wakeUps, wake: () => {} } };
/** Every job's transaction tells by itself, as a trigger would. */
const naive: Context = {
  ...silent,
  transaction: (work) =>
    silent.transaction(async (tx) => {
      const result = await work(tx);
      await tx.db.select({ told: sql`pg_notify(${CHANNEL}, '')` }).from(sql`(select 1) as one`);
      return result;
    }),
};

try {
  const samples = await alternate(
    {
      [OURS]: () => write(product.ctx),
      "without wake-ups": () => write(silent),
      "a notice in each transaction": () => write(naive),
    },
    ROUNDS,
  );
  if (samples[OURS]?.notices_per_second?.length !== ROUNDS) throw new Error("no notice was heard");
  await report("writers", samples, [
    { goal: "Q5", what: "transactions_per_second", against: "without wake-ups", atLeast: 0.9 },
  ]);
} finally {
  await Promise.all([product.close(), listener.close()]);
  await server.stop();
}
