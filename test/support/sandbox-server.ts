import { start } from "../../src/commands/serve.ts";
import type { Context } from "../../src/context.ts";
import type { EnvironmentValue } from "../../src/platform/config/environment.ts";
import { loadSettings } from "../../src/platform/config/load.ts";
import { type RunningSandbox, startSandbox } from "../../src/sandbox/server.ts";
import { createTestDatabase } from "./database.ts";
import { freePort } from "./processes.ts";

/** What `atelier serve --sandbox` runs, in this process, on a port and a database of its own. */
export interface SandboxServer {
  /** Where it answers, without a slash at the end. */
  readonly base: string;
  readonly sandbox: RunningSandbox;
  readonly ctx: Context;
  /** Signs a made-up person in; resolves with the headers of their requests. */
  signIn(telegramId: number): Promise<Record<string, string>>;
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
    async stop() {
      await running.stop();
      await sandbox.stop();
      await database.remove();
    },
  };
}
