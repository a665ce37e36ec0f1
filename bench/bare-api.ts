import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { settled } from "./shop.ts";

export interface BareApi {
  base: string;
  stop(): Promise<void>;
}

/** Starts the barest server of the same framework, in a process of its own. */
export async function startBareApi(databaseUrl?: string): Promise<BareApi> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const given = [String(port), ...(databaseUrl === undefined ? [] : [databaseUrl])];
  const child = Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, "peer/bare-api.ts"), ...given], {
    stdout: "ignore",
    stderr: "inherit",
    env: { ...process.env, NODE_ENV: "production" },
  });
  await settled(async () => (await fetch(`${base}/hello`).catch(() => null))?.ok === true, "the bare server answers");
  return {
    base,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
