import { answerLines, deferred, peerPackage } from "./lines.mjs";

/**
 * graphile-worker, as its own documentation tunes it. `default` is its defaults but for a sensible concurrency; `batched` takes
 * and completes jobs in batches (`localQueue`, `completeJobBatchDelay`), which is what its own performance figures use.
 */
const { run, makeWorkerUtils, Logger } = await peerPackage("graphile-worker");
const pg = await peerPackage("pg").then((module) => module.default);
const silent = new Logger(() => () => {});
const PRESETS = {
  default: { concurrentJobs: 24 },
  batched: { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};
const INSERT_BATCH_SIZE = 1_000;
/** A task that has run is not yet gone from the table, and only that counts. */
const POLL_MS = 2;
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const now = () => performance.timeOrigin + performance.now();

/** With the handlers that the package asks for. */
function openPool(connectionString, max) {
  const pool = new pg.Pool({ connectionString, max });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** A pool on the migrated database. */
async function openQueue(url, connections) {
  const pool = openPool(url, connections);
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
  await utils.migrate();
  return { pool, utils };
}

async function startRunner(pgPool, mode, taskList) {
  const preset = { worker: { ...PRESETS[mode], pollInterval: 1_000 } };
  return await run({ pgPool, taskList, preset, noHandleSignals: true, logger: silent, parsedCronItems: [] });
}

async function close({ pool, utils, runner }) {
  await runner.stop();
  await utils.release();
  await pool.end();
}

async function completed({ url, jobs, mode }) {
  const { pool, utils } = await openQueue(url, 26);
  for (let made = 0; made < jobs; made += INSERT_BATCH_SIZE) {
    const batch = Array.from({ length: Math.min(INSERT_BATCH_SIZE, jobs - made) }, () => ({ identifier: "noop" }));
    await utils.addJobs(batch);
  }
  await pool.query("vacuum analyze");
  let done = 0;
  const all = deferred();
  const taskList = {
    noop: async () => {
      done += 1;
      if (done === jobs) all.resolve();
    },
  };
  const beganMs = performance.now();
  const runner = await startRunner(pool, mode, taskList);
  await all.promise;
  while ((await pool.query("select 1 from graphile_worker._private_jobs limit 1")).rows.length > 0)
    await pause(POLL_MS);
  const seconds = (performance.now() - beganMs) / 1_000;
  await close({ pool, utils, runner });
  return { jobs_per_second: jobs / seconds };
}

async function enqueued({ url, count }) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const utils = await makeWorkerUtils({ connectionString: url, logger: silent });
  await utils.migrate();
  await client.query("create table if not exists bench_rows (hash text primary key, user_id uuid, at timestamptz)");
  const transactionsBegan = performance.now();
  for (let made = 0; made < count; made += 1) {
    await client.query("begin");
    const row = [crypto.randomUUID(), crypto.randomUUID(), new Date()];
    await client.query({ name: "row", text: "insert into bench_rows values ($1, $2, $3)", values: row });
    const text = "select graphile_worker.add_job('noop', '{}'::json)";
    await client.query({ name: "job", text });
    await client.query("commit");
  }
  const transactionSeconds = (performance.now() - transactionsBegan) / 1_000;
  const callsBegan = performance.now();
  for (let made = 0; made < count; made += 1) await utils.addJob("noop", {});
  const callSeconds = (performance.now() - callsBegan) / 1_000;
  await client.query("begin");
  const insideBegan = performance.now();
  for (let made = 0; made < count; made += 1) {
    await client.query({ name: "job", text: "select graphile_worker.add_job('noop', '{}'::json)" });
  }
  const insideSeconds = (performance.now() - insideBegan) / 1_000;
  await client.query("commit");
  await client.query("truncate bench_rows");
  await client.query("delete from graphile_worker._private_jobs");
  await client.end();
  await utils.release();
  return {
    transactions_per_second: count / transactionSeconds,
    jobs_per_second: count / callSeconds,
    jobs_in_sql_per_second: count / insideSeconds,
  };
}

/** From the return of `addJob`, which has committed, to the beginning of the task; the queue is empty each time. */
async function begun({ url, count, pauseMs }) {
  const { pool, utils } = await openQueue(url, 10);
  let begin = () => {};
  const taskList = { noop: async () => begin(performance.now()) };
  const runner = await startRunner(pool, "default", taskList);
  const waits = [];
  for (let made = 0; made < count; made += 1) {
    const { promise, resolve } = deferred();
    begin = resolve;
    await utils.addJob("noop", {});
    const committedMs = performance.now();
    waits.push(Math.max(0, (await promise) - committedMs));
    await pause(pauseMs);
  }
  await close({ pool, utils, runner });
  return { waits };
}

/** A worker for jobs that another process makes; answers once it listens; `rest` stops it and says when each job began. */
let worker = null;
async function work({ url }) {
  const { pool, utils } = await openQueue(url, 10);
  const starts = [];
  const taskList = { noop: async () => void starts.push(now()) };
  const runner = await startRunner(pool, "default", taskList);
  worker = { pool, utils, runner, starts };
  return {};
}

async function rest() {
  await close(worker);
  return { starts: worker.starts };
}

const ANSWERS = { completed, enqueued, begun, work, rest };
await answerLines((request) => ANSWERS[request.ask](request));
