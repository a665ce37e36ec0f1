import { sleep } from "bun";
import type { LeasedJob } from "../src/platform/queue/claim.ts";
import { enqueue } from "../src/platform/queue/enqueue.ts";
import { DONE } from "../src/platform/queue/outcome.ts";
import { HEARTBEAT_MS } from "../src/platform/queue/rescue.ts";
import { startWorker } from "../src/platform/queue/work.ts";
import { linesOf } from "./npm-peers.ts";
import { type BenchServer, openProduct, startBenchServer } from "./product.ts";
import { OURS, report } from "./result.ts";
import { quantile, type Samples } from "./samples.ts";

/**
 * Q9: a worker's process is killed (SIGKILL) at a moment of its own with jobs in hand. How long until each of them is in hand
 * again: of another worker that has been there all the time and hears nothing any more, from the kill; and of the same instance
 * that comes back, from the start of its process. A job that nobody takes is lost. There is no peer: the bars are times.
 * The pairs of a round run side by side, each on a database of its own, since nearly all of it is waiting.
 */
const ROUNDS = Number(process.env.RECOVERY_ROUNDS ?? 3);
const PAIRS = Number(process.env.RECOVERY_PAIRS ?? 4);
const JOBS = 16;
const AGAIN_MS_MAX = 60_000;
const now = () => performance.timeOrigin + performance.now();

const [, , workerUrl, way] = process.argv;
if (workerUrl === undefined) await measure();
else await workFor(workerUrl, way === "hold");

/** The other process: says when each job has begun; with `holds` it never ends one. */
async function workFor(url: string, holds: boolean): Promise<void> {
  const product = await openProduct(url);
  await product.ctx.wakeUps.start();
  const run = async (job: LeasedJob) => {
    process.stdout.write(`${JSON.stringify({ id: job.id, at: now() })}\n`);
    if (holds) await new Promise(() => {});
    return DONE;
  };
  await startWorker(product.ctx, { concurrency: JOBS, handlers: new Map([["noop", { run }]]) });
  process.stdout.write("ready\n");
}

function startWorkerProcess(url: string, manner: "hold" | "finish") {
  const child = Bun.spawn([process.execPath, "--no-env-file", import.meta.path, url, manner], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const begun = new Map<string, number>();
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  void (async () => {
    for await (const line of linesOf(child.stdout)) {
      if (line === "ready") resolve();
      else {
        const { id, at } = JSON.parse(line) as { id: string; at: number };
        begun.set(id, at);
      }
    }
  })();
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return { begun, ready, kill };
}

/** Kills one worker and waits until another has all of its jobs; how long each took in ms, and how many nobody took. */
async function killOne(server: BenchServer, way: "another" | "the same"): Promise<{ waits: number[]; lost: number }> {
  const url = await server.database();
  const product = await openProduct(url);
  const made = new Set<string>();
  await product.ctx.transaction(async (tx) => {
    for (let at = 0; at < JOBS; at += 1) made.add((await enqueue(tx, "noop", {})) ?? "");
  });
  const first = startWorkerProcess(url, "hold");
  await first.ready;
  await holds(() => first.begun.size === JOBS);
  const other = way === "another" ? startWorkerProcess(url, "finish") : null;
  await other?.ready;
  await sleep(Math.random() * HEARTBEAT_MS);
  await first.kill();
  const sinceMs = now();
  const second = other ?? startWorkerProcess(url, "finish");
  const left = async () => (await product.database.raw("select id from jobs")).length;
  const isDone = await holds(async () => second.begun.size === JOBS && (await left()) === 0);
  const waits = [...second.begun].filter(([id]) => made.has(id)).map(([, at]) => at - sinceMs);
  await second.kill();
  await product.close();
  return { waits, lost: isDone ? JOBS - waits.length : JOBS };
}

async function holds(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + AGAIN_MS_MAX;
  while (performance.now() < deadline) {
    if (await condition()) return true;
    await sleep(20);
  }
  return false;
}

async function measure(): Promise<void> {
  const server = await startBenchServer();
  try {
    const samples: Samples = {};
    const add = (what: string, value: number) => {
      samples[what] = [...(samples[what] ?? []), value];
    };
    for (let round = 1; round <= ROUNDS; round += 1) {
      let lost = 0;
      for (const way of ["another", "the same"] as const) {
        const ends = await Promise.all(Array.from({ length: PAIRS }, () => killOne(server, way)));
        const waits = ends.flatMap((end) => end.waits);
        lost += ends.reduce((sum, end) => sum + end.lost, 0);
        add(way === "another" ? "another_p99_ms" : "same_instance_p99_ms", quantile(waits, 0.99));
      }
      add("lost_jobs", lost);
      process.stderr.write(`  round ${round}  ${JSON.stringify(samples)}\n`);
    }
    await report("recovery", { [OURS]: samples }, [
      { goal: "Q9", what: "another_p99_ms", atMost: 35_000 },
      { goal: "Q9", what: "same_instance_p99_ms", atMost: 2_000 },
      { goal: "Q9", what: "lost_jobs", atMost: 0 },
    ]);
  } finally {
    await server.stop();
  }
}
