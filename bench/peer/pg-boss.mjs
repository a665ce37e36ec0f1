import { answerLines, deferred, peerPackage } from "./lines.mjs";

/** pg-boss with large batches, the next one taken at once where one was full; jobs that are done are its ordinary `completed` rows. */
const { PgBoss } = await peerPackage("pg-boss");
const BATCH_SIZE = 500;
const INSERT_BATCH_SIZE = 1_000;
const POLL_SECONDS_MIN = 0.5;

async function completed({ url, jobs }) {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, max: 10 });
  boss.on("error", (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  await boss.start();
  const queue = `noop-${Date.now()}`;
  await boss.createQueue(queue);
  for (let made = 0; made < jobs; made += INSERT_BATCH_SIZE) {
    await boss.insert(
      queue,
      Array.from({ length: Math.min(INSERT_BATCH_SIZE, jobs - made) }, () => ({ data: {} })),
    );
  }
  let done = 0;
  const all = deferred();
  const beganMs = performance.now();
  await boss.work(
    queue,
    { batchSize: BATCH_SIZE, pollingIntervalSeconds: POLL_SECONDS_MIN, burstWhenBatchFull: true },
    async (batch) => {
      done += batch.length;
      if (done >= jobs) all.resolve();
    },
  );
  await all.promise;
  const seconds = (performance.now() - beganMs) / 1_000;
  await boss.stop({ graceful: true });
  return { jobs_per_second: jobs / seconds };
}

await answerLines((request) => completed(request));
