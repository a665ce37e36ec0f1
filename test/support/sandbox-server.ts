import { start } from "../../src/commands/serve.ts";
import type { Context } from "../../src/context.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { type RunningSandbox, startSandbox } from "../../src/sandbox/server.ts";
import { createTestDatabase } from "./database.ts";
import { freePort } from "./processes.ts";
import { PROGRAM } from "./program.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

const READY_MS_MAX = 30_000;

/** What `atelier serve --sandbox` runs, in this process, on a port and a database of its own. */
export interface SandboxServer {
  /** Where it answers, without a slash at the end. */
  readonly base: string;
  readonly sandbox: RunningSandbox;
  readonly ctx: Context;
  /** Signs a made-up person in; resolves with the headers of their requests. */
  signIn(telegramId: number): Promise<Record<string, string>>;
  /** What the owner does beside the running server: a command of the program. Throws with what it said when it fails. */
  command(words: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it. `prepare` sees the emulators before the server does. */
export async function startSandboxServer(
  prepare: (sandbox: RunningSandbox) => void = () => {},
): Promise<SandboxServer> {
  const database = await createTestDatabase();
  const port = await freePort();
  const values: Record<string, string> = {
    PORT: String(port),
    HOST: "127.0.0.1",
    DATA_DIR: database.dataFolder,
    LOG_LEVEL: "silent",
    ...(database.url === "" ? {} : { DATABASE_URL: database.url }),
  };
  const environment = new Map<string, EnvironmentValue>(
    Object.entries(values).map(([name, value]) => [name, { value, source: "environment" }]),
  );
  const sandbox = await startSandbox({ environment });
  prepare(sandbox);
  const { settings } = loadSettings(sandbox.environment, { serving: true });
  const running = await start(settings, "all", sandbox);
  const base = `http://127.0.0.1:${port}`;
  return {
    base,
    sandbox,
    ctx: running.ctx,
    async signIn(telegramId) {
      const launch = await fetch(`${base}/sandbox/init-data?telegram_id=${telegramId}`);
      const { init_data: initData } = (await launch.json()) as { init_data: string };
      const headers = { authorization: `tma ${initData}` };
      const answer = await fetch(`${base}/api/v1/auth/telegram`, { method: "POST", headers });
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return { authorization: `Bearer ${token}`, "content-type": "application/json" };
    },
    command: (words) => runCommand([...PROGRAM, ...words], values),
    async stop() {
      await running.stop();
      await sandbox.stop();
      await database.remove();
    },
  };
}

/** A sandbox that is known by its address only. */
export type SandboxAddress = Pick<SandboxServer, "base" | "command" | "stop">;

/** `serve --sandbox` of a compiled program, as somebody starts it who has nothing but the file. */
export async function startSandboxProgram(program: string): Promise<SandboxAddress> {
  const port = await freePort();
  const folder = makeTemporaryFolder("atelier-sandbox-");
  const env = { PORT: String(port), HOST: "127.0.0.1", DATA_DIR: `${folder}/data`, LOG_LEVEL: "error" };
  const child = Bun.spawn([program, "serve", "--sandbox"], {
    cwd: folder,
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  const base = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${base}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, "the program is ready", READY_MS_MAX);
  return {
    base,
    command: (words) => runCommand([program, ...words], env, folder),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function runCommand(command: string[], env: Record<string, string>, cwd?: string): Promise<void> {
  const child = Bun.spawn(command, {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${out}${err}`);
}
