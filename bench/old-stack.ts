import { join } from "node:path";
import { sleep } from "bun";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { type DebianPeers, findDebianPeers } from "./debian-peers.ts";
import { freePort } from "./free-port.ts";
import { linesOf } from "./npm-peers.ts";

const CODE_FOLDER = join(import.meta.dir, "peer");
const START_MS_MAX = 30_000;
/** Prefork processes of Celery; as many as a small machine has cores. */
const CELERY_PROCESSES = 2;

interface Stack {
  peers: DebianPeers;
  environment: Record<string, string>;
  children: Bun.Subprocess[];
}

export interface Celery {
  complete(jobs: number): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

export interface OldApi {
  base: string;
  /** The token of a person with credits. */
  signIn(): Promise<string>;
  stop(): Promise<void>;
}

/** Celery with a worker; null where the old stack is not to be had. */
export async function runCelery(): Promise<Celery | null> {
  const stack = await startStack();
  if (!stack) return null;
  const driver = Bun.spawn([stack.peers.python, join(CODE_FOLDER, "old_queue.py")], {
    env: stack.environment,
    cwd: CODE_FOLDER,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(driver.stdout);
  return {
    async complete(jobs) {
      driver.stdin.write(`${JSON.stringify({ jobs })}\n`);
      await driver.stdin.flush();
      const { value, done } = await lines.next();
      if (done) throw new Error("Celery's driver ended.");
      return JSON.parse(value) as Record<string, number>;
    },
    async stop() {
      driver.stdin.end();
      await driver.exited;
      await stopStack(stack);
    },
  };
}

/**
 * The old API on the database, one process as ours is one; null where the old stack is not to be had. Without a `worker` its
 * tasks wait in Redis.
 */
export async function runOldApi(databaseUrl: string, { worker = true } = {}): Promise<OldApi | null> {
  const stack = await startStack(worker);
  if (!stack) return null;
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const command = ["-m", "uvicorn", "old_api:app", "--port", String(port), "--no-access-log", "--log-level", "warning"];
  const workers = process.env.OLD_STACK_WORKERS ?? "1";
  const api = Bun.spawn([stack.peers.python, ...command, "--workers", workers], {
    env: { ...stack.environment, OLD_DATABASE_URL: databaseUrl.replace(/^postgres:/, "postgresql+asyncpg:") },
    cwd: CODE_FOLDER,
    stdout: "ignore",
    stderr: "inherit",
  });
  stack.children.unshift(api);
  await until(async () => (await fetch(`${base}/openapi.json`).catch(() => null))?.ok === true, "the old API answers");
  return {
    base,
    async signIn() {
      const answer = await fetch(`${base}/sign-in`, { method: "POST" });
      return ((await answer.json()) as { token: string }).token;
    },
    stop: () => stopStack(stack),
  };
}

async function startStack(hasWorker = true): Promise<Stack | null> {
  const peers = findDebianPeers();
  if (!peers) return null;
  const port = await freePort();
  const environment = {
    ...peers.environment,
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    PYTHONDONTWRITEBYTECODE: "1",
    REDIS_URL: `redis://127.0.0.1:${port}/0`,
    JWT_SECRET: "a-secret-of-the-bench-which-is-32-bytes-long",
  };
  const silent = { env: environment, cwd: CODE_FOLDER, stdout: "ignore", stderr: "ignore" } as const;
  // What is acknowledged outlives a crash but for the last second: the usual choice for Celery.
  const options = ["--port", String(port), "--appendonly", "yes", "--save", "", "--dir", makeTemporaryFolder("redis-")];
  const redis = Bun.spawn([peers.redis, ...options], silent);
  await until(() => isOpen(port), "Redis answers");
  if (!hasWorker) return { peers, environment, children: [redis] };
  const celery = ["-m", "celery", "-A", "old_tasks", "worker", "--pool", "prefork", "--loglevel", "error"];
  const worker = Bun.spawn(
    [peers.python, ...celery, "--concurrency", String(CELERY_PROCESSES), "--without-gossip", "--without-mingle"],
    { ...silent, env: { ...environment, C_FORCE_ROOT: "1" } },
  );
  return { peers, environment, children: [worker, redis] };
}

async function stopStack({ children }: Stack): Promise<void> {
  for (const child of children) {
    child.kill("SIGTERM");
    await Promise.race([child.exited, sleep(5_000)]);
    child.kill("SIGKILL");
  }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).catch(() => null);
  socket?.end();
  return socket !== null;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await sleep(50);
  }
}
