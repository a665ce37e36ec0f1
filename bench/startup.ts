import { sleep } from "bun";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { freePort } from "./free-port.ts";
import { residentMb } from "./resident-memory.ts";
import { OURS, report } from "./result.ts";
import { openShop, PROGRAM } from "./shop.ts";

/**
 * H7: from the start of the compiled program until `/health/ready` answers, on a database that is migrated and with the native
 * code unpacked, and the resident memory of the server a few seconds later, when nothing has happened. The peer is
 * Bun's own compiled empty server, which says what of both is the runtime's.
 */
const ROUNDS = 5;
const IDLE_MS = 4_000;
const POLL_MS = 2;

async function startOnce(command: string[], path: string, environment: Record<string, string>, port: number) {
  const beganMs = performance.now();
  const child = Bun.spawn(command, { env: environment, stdout: "ignore", stderr: "inherit" });
  while ((await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null))?.ok !== true) await sleep(POLL_MS);
  const readyMs = performance.now() - beganMs;
  await sleep(IDLE_MS);
  const memory = await residentMb(child.pid);
  child.kill("SIGTERM");
  await child.exited;
  return { start_ms: readyMs, idle_mb: memory };
}

const environment = { DATA_DIR: makeTemporaryFolder("atelier-bench-"), HOME: process.env.HOME ?? "/tmp" };
// Migrates the database and unpacks the native code; its settings serve for the measured starts too.
const shop = await openShop(environment);
await shop.stop();

const emptyFolder = makeTemporaryFolder("atelier-bench-");
await Bun.write(
  `${emptyFolder}/empty.ts`,
  'Bun.serve({ port: Number(process.env.PORT), fetch: () => new Response("ok") });',
);
const build = Bun.spawnSync([process.execPath, "build", "--compile", "--outfile", "empty", "empty.ts"], {
  cwd: emptyFolder,
});
if (!build.success) throw new Error(build.stderr.toString());

const samples = await alternate(
  {
    [OURS]: async () => {
      const port = await freePort();
      return startOnce([PROGRAM, "serve"], "/health/ready", { ...shop.environment, PORT: String(port) }, port);
    },
    "an empty compiled server": async () => {
      const port = await freePort();
      return startOnce([`${emptyFolder}/empty`], "/", { PORT: String(port) }, port);
    },
  },
  ROUNDS,
);
await report("startup", samples, [
  { goal: "H7", what: "start_ms", atMost: 100 },
  { goal: "H7", what: "idle_mb", atMost: 80 },
]);
