import { afterAll, beforeAll } from "bun:test";
import { createServer } from "node:net";
import { type Context, openContext } from "../../src/context.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import type { Database } from "../../src/platform/db/database.ts";
import { createImages } from "../../src/platform/images/index.ts";
import { createLog } from "../../src/platform/telemetry/log.ts";
import { type KieEmulator, type KieEmulatorOptions, startKieEmulator } from "../../src/sandbox/kie.ts";
import { testEnvironment } from "./app.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { PROGRAM } from "./program.ts";

const READY_DEADLINE_MS = 30_000;
const PAUSE_MS = 10;

export type ProcessRole = "all" | "api" | "worker" | "scheduler";

/** One line of a child's log, as JSON. */
export interface LogLine {
  level: string;
  message: string;
  [field: string]: unknown;
}

/** The program, running as a process of its own. */
export interface ServerProcess {
  readonly role: ProcessRole;
  readonly pid: number;
  /** Where its API answers; undefined where the role has none. */
  readonly url: string | undefined;
  /** From the start of the process to ready, in ms. */
  readonly startMs: number;
  /** What it has logged so far. */
  log(): LogLine[];
  /** Everything on its standard error, for messages of failed tests. */
  output(): string;
  /** Resolves when the process is gone. */
  readonly ended: Promise<unknown>;
  /** Sends a signal and waits for the end; resolves with the exit code (null when a signal ended it) and the time. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<{ code: number | null; ms: number }>;
}

/** How a program that was not meant to stay up has ended. */
export interface EndedProgram {
  /** Null when a signal ended it. */
  code: number | null;
  stderr: string;
}

/** A database, a provider in the test's own process, and the program's processes on both. */
export interface Deployment {
  readonly database: TestDatabase;
  readonly kie: KieEmulator;
  /** The address that the API answers at, whichever process serves it now. */
  readonly url: string;
  /** Starts a role and waits until it is ready. */
  start(role: ProcessRole, settings?: Record<string, string>): Promise<ServerProcess>;
  /** Runs the program with these words until it ends by itself. */
  run(words: readonly string[], settings?: Record<string, string>): Promise<EndedProgram>;
  /** A look from outside, through a context of the test's own that is closed afterwards. */
  inside<T>(work: (ctx: Context, database: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DeploymentOptions {
  settings?: Record<string, string>;
  kie?: Partial<Omit<KieEmulatorOptions, "images">>;
  /** Leaves closing to the caller; see `useDeployment`. */
  keepOpen?: boolean;
  /** An existing database, which then belongs to the deployment; default: an empty one. */
  database?: TestDatabase;
  /** Another program than all tests run. */
  program?: string;
  /** By what it logs, whether a server is up; default: its API says that it is ready, native code and all. */
  isUp?: (log: readonly LogLine[]) => boolean;
}

const running = new Set<Bun.Subprocess>();
const images = createImages({ concurrency: 2 });
// Whatever way this process ends, no server of a test outlives it.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** One deployment with one server that does everything, for all tests of a file. */
export function useDeployment(options: DeploymentOptions = {}): () => Deployment {
  let deployment: Deployment | undefined;
  beforeAll(async () => {
    deployment = await deploy({ ...options, keepOpen: true });
    await deployment.start("all");
  }, READY_DEADLINE_MS);
  afterAll(() => deployment?.close());
  return () => {
    if (!deployment) throw new Error("the deployment is there only while tests run");
    return deployment;
  };
}

/**
 * Prepares a deployment whose provider outlives its servers: the emulator runs here and they reach it over HTTP. It is
 * closed after the test's file in any case.
 */
export async function deploy(options: DeploymentOptions = {}): Promise<Deployment> {
  const database = options.database ?? (await createTestDatabase());
  const program = options.program === undefined ? PROGRAM : [options.program];
  const place = (settings?: Record<string, string>): Place => ({
    program,
    environment: environmentWith(settings),
    folder: database.dataFolder,
    isUp: options.isUp,
  });
  const kie = await startKieEmulator({ images, taskMs: 300, credits: 1_000_000, ...options.kie });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environmentWith = (settings: Record<string, string> = {}) =>
    testEnvironment(database, kie, {
      HOST: "127.0.0.1",
      PORT: String(port),
      PUBLIC_URL: url,
      LOG_FORMAT: "json",
      RATE_LIMITS: "off",
      ...options.settings,
      ...settings,
    });
  const mine = new Set<ServerProcess>();
  let isClosed = false;

  const deployment: Deployment = {
    database,
    kie,
    url,
    async start(role, settings) {
      const server = await startServer(role, place(settings));
      mine.add(server);
      return server;
    },
    run: (words, settings) => runProgram(words, place(settings)),
    async inside(work) {
      const { settings } = loadSettings(environmentWith(), { serving: true });
      const open = await openContext(settings, {
        log: createLog({ level: "silent", format: "json", write: () => {} }),
        images,
      });
      try {
        return await work(open.ctx, open.database);
      } finally {
        await open.close();
      }
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([...mine].map((server) => server.end("SIGKILL")));
      await kie.stop();
      await database.remove();
    },
  };
  if (!options.keepOpen) afterAll(() => deployment.close());
  return deployment;
}

interface Place {
  /** What the command line begins with. */
  program: readonly string[];
  environment: ReturnType<typeof testEnvironment>;
  folder: string;
  isUp: DeploymentOptions["isUp"];
}

/** A child gets what is written here and nothing of this process's own environment; its folder holds no `.env`. */
function spawnProgram(words: readonly string[], { program, environment, folder }: Place) {
  const variables = Object.fromEntries([...environment].map(([name, { value }]) => [name, value]));
  const { PATH = "/usr/bin:/bin", TMPDIR } = process.env;
  const child = Bun.spawn([...program, ...words], {
    cwd: folder,
    env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...variables },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  running.add(child);
  void child.exited.then(() => running.delete(child));
  return child;
}

async function runProgram(words: readonly string[], place: Place): Promise<EndedProgram> {
  const child = spawnProgram(words, place);
  const [stderr] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  return { code: child.exitCode, stderr };
}

async function startServer(role: ProcessRole, place: Place): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child = spawnProgram(["serve", "--role", role], place);
  const reader = readLines(child.stderr);
  const port = place.environment.get("PORT")?.value;
  const url = role === "all" || role === "api" ? `http://127.0.0.1:${port}` : undefined;
  const log = (): LogLine[] => reader.lines.flatMap((line) => parsed(line));
  const isReady = async (): Promise<boolean> => {
    if (place.isUp) return place.isUp(log());
    return url === undefined ? log().some((line) => line.message === `${role} started`) : answersReady(url);
  };
  while (!(await isReady())) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() - startedAt > READY_DEADLINE_MS) {
      child.kill("SIGKILL");
      await child.exited;
      throw new Error(`serve --role ${role} did not get ready:\n${reader.lines.join("\n")}`);
    }
    await Bun.sleep(PAUSE_MS);
  }
  return {
    role,
    pid: child.pid,
    url,
    startMs: performance.now() - startedAt,
    log,
    output: () => reader.lines.join("\n"),
    ended: child.exited,
    async end(signal) {
      const sentAt = performance.now();
      child.kill(signal);
      await child.exited;
      const ms = performance.now() - sentAt;
      await reader.done;
      return { code: child.exitCode, ms };
    },
  };
}

async function answersReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`, { keepalive: false })).status === 200;
  } catch {
    return false;
  }
}

function readLines(stream: ReadableStream<Uint8Array>): { lines: string[]; done: Promise<void> } {
  const lines: string[] = [];
  const read = async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    }
    if (rest !== "") lines.push(rest);
  };
  return { lines, done: read() };
}

function parsed(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}

/** Below the ports that systems give to outgoing connections, one of which could have it when a server comes back. */
const PORTS = { first: 15_000, count: 15_000 };
const PORT_TRIES_MAX = 50;

/** A loopback port that nobody listens on at this moment, and that nobody gets by chance. */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
    if (tries === PORT_TRIES_MAX) throw new Error("there is no free port");
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer().once("error", () => answer(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => answer(true)));
  });
}
