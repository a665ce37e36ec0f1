import { chownSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { randomToken } from "../../src/platform/ids.ts";
import { postgresBinaries, type ServerUser, serverUser } from "./postgres-binaries.ts";
import { makeReachableFolder } from "./temporary-folder.ts";

/** A running PostgreSQL for tests. */
export interface PostgresServer {
  /** `postgres://...` of a superuser and the database `postgres`. */
  url: string;
  /** Undefined where the server is not ours (`TEST_DATABASE_URL`). */
  dataFolder: string | undefined;
  /**
   * Stops the server, waits `downMs` and starts it again on the same port and data. `immediate` is a crash: sessions are
   * cut and the server recovers from its log. Throws where the server is not ours.
   */
  restart(options?: { mode?: "fast" | "immediate"; downMs?: number }): Promise<void>;
  /** Ends the server and removes all that it left. May be called twice. */
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_SECONDS = 10;
const POLL_MS = 20;
const PORT_TRIES_MAX = 3;
const CONNECTIONS_MAX = 200;

/** Nothing in a throw-away database has to outlive the machine: no syncing, which makes the tests several times faster. */
const SERVER_SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: String(CONNECTIONS_MAX),
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};
/** For measurements, whose figures must be those of a server that keeps what it acknowledged. */
const DURABLE_SETTINGS = { ...SERVER_SETTINGS, fsync: "on", full_page_writes: "on", synchronous_commit: "on" };

/**
 * Starts a real PostgreSQL on a free loopback port, with its data in a temporary folder. `TEST_DATABASE_URL` names one
 * to use instead, unless `own` asks for a server that the caller may restart. One of our own forgets at a crash what it
 * acknowledged, unless it is `durable`.
 *
 * Server and folder go when `stop` is called and also when this process ends in any other way, even by SIGKILL.
 */
export async function startPostgresServer(options: { own?: boolean; durable?: boolean } = {}): Promise<PostgresServer> {
  const external = process.env.TEST_DATABASE_URL;
  if (external && !options.own) return externalServer(external);
  return await startOwnServer(options.durable ? DURABLE_SETTINGS : SERVER_SETTINGS);
}

function externalServer(url: string): PostgresServer {
  return {
    url,
    dataFolder: undefined,
    restart: () => Promise.reject(new Error("The server in TEST_DATABASE_URL is not ours to restart.")),
    stop: () => Promise.resolve(),
  };
}

type ServerSettings = Readonly<Record<string, string>>;

interface Cluster {
  settings: ServerSettings;
  binaries: string;
  folder: string;
  dataFolder: string;
  user: ServerUser | undefined;
}

async function startOwnServer(settings: ServerSettings): Promise<PostgresServer> {
  const user = serverUser();
  const folder = makeReachableFolder("atelier-postgres-");
  const watchdog = startWatchdog(folder);
  // A test process that forgets to stop the server still ends; the watchdog sees to the rest.
  watchdog.unref();
  const stop = async (): Promise<void> => {
    watchdog.ref();
    watchdog.stdin.end();
    await watchdog.exited;
  };
  try {
    if (user) chownSync(folder, user.uid, user.gid);
    const binaries = postgresBinaries(user, folder);
    const cluster: Cluster = { binaries, folder, dataFolder: join(folder, "data"), user, settings };
    const password = randomToken(16);
    await initialise(cluster, password);
    const port = await startOnFreePort(cluster);
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      dataFolder: cluster.dataFolder,
      stop,
      restart: async ({ mode = "fast", downMs = 0 } = {}) => {
        await signalAndWait(cluster, mode === "fast" ? "SIGINT" : "SIGQUIT");
        await Bun.sleep(downMs);
        await start(cluster, port);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Waits until its standard input closes, by `stop` or because the test process is gone, then ends the server that the
 * data folder names and removes everything. A process group of its own keeps Ctrl-C away from it.
 */
function startWatchdog(folder: string) {
  const script = `
    trap '' HUP INT TERM
    cat >/dev/null
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
    if [ -n "$pid" ]; then
      kill -INT "$pid" 2>/dev/null
      waited=0
      while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt ${STOP_DEADLINE_SECONDS}0 ]; do sleep 0.1; waited=$((waited + 1)); done
      kill -KILL "$pid" 2>/dev/null
    fi
    # An initdb that was under way writes for a moment more.
    tries=0
    until rm -rf "$1" 2>/dev/null || [ "$tries" -ge ${STOP_DEADLINE_SECONDS}0 ]; do sleep 0.1; tries=$((tries + 1)); done`;
  return Bun.spawn(["/bin/sh", "-c", script, "watchdog", folder], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
    cwd: "/",
  });
}

async function initialise({ binaries, folder, dataFolder, user }: Cluster, password: string): Promise<void> {
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);
  const initdb = Bun.spawn(
    [
      ...[join(binaries, "bin/initdb"), "-D", dataFolder, "--username=postgres", `--pwfile=${passwordFile}`],
      ...["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
      // One round instead of 4096 for each connection: the password only keeps the machine's other accounts out.
      ...["--locale=C", "--no-sync", "--no-instructions", "--set=scram_iterations=1"],
    ],
    { ...processOptions(user), cwd: folder, stdout: "ignore", stderr: "pipe" },
  );
  const [complaint, code] = await Promise.all([new Response(initdb.stderr).text(), initdb.exited]);
  if (code !== 0) throw new Error(`PostgreSQL's initdb failed (${code}): ${complaint}`);
}

/** Another process may take the port between our look and the server's; then the next one is tried. */
async function startOnFreePort(cluster: Cluster): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    try {
      await start(cluster, port);
      return port;
    } catch (error) {
      if (tries === PORT_TRIES_MAX) throw error;
    }
  }
}

async function start({ binaries, folder, dataFolder, user, settings }: Cluster, port: number): Promise<void> {
  const log = join(folder, "server.log");
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = Bun.spawn([join(binaries, "bin/postgres"), "-D", dataFolder, "-p", String(port), ...options], {
    ...processOptions(user),
    cwd: folder,
    stdout: "ignore",
    stderr: openSync(log, "a"),
    detached: true,
  });
  server.unref();
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!isReady(dataFolder, server.pid)) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start:\n${readFileSync(log, "utf8")}`);
    }
    await Bun.sleep(POLL_MS);
  }
}

/** The server writes its state into the eighth line of its pid file; pg_ctl looks there too. */
function isReady(dataFolder: string, pid: number): boolean {
  const file = join(dataFolder, "postmaster.pid");
  if (!existsSync(file)) return false;
  const lines = readFileSync(file, "utf8").split("\n");
  return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

async function signalAndWait({ dataFolder }: Cluster, signal: "SIGINT" | "SIGQUIT"): Promise<void> {
  const file = join(dataFolder, "postmaster.pid");
  process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), signal);
  const deadline = Date.now() + STOP_DEADLINE_SECONDS * 1000;
  while (existsSync(file)) {
    if (Date.now() > deadline) throw new Error("PostgreSQL did not stop in time.");
    await Bun.sleep(POLL_MS);
  }
}

function processOptions(user: ServerUser | undefined) {
  // Nothing of our environment: PGDATA, PGPORT and the like would change the server.
  return { ...user, env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" } };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
