import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCompiled } from "../support/program.ts";
import { until } from "../support/until.ts";
import { startProgram } from "./program.ts";

/** glibc lays the heap of a thread on a multiple of this, and keeps the rest of it unreadable until it is used. */
const HEAP_BYTES = 64 * 1024 * 1024;
const START_MS_MAX = 30_000;

const dataFolder = mkdtempSync(join(tmpdir(), "atelier-heaps-"));
const environment = { DATA_DIR: dataFolder, PORT: String(freePort()), HOST: "127.0.0.1" };
const started: Bun.Subprocess[] = [];
afterAll(async () => {
  for (const program of started) program.kill("SIGKILL");
  await Promise.all(started.map((program) => program.exited));
  rmSync(dataFolder, { recursive: true, force: true });
});

function freePort(): number {
  const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = taken;
  taken.stop(true);
  return port ?? 0;
}

/** Heaps of threads that a process has; the one that all share is not among them. */
function threadHeaps(processId: number): number {
  const regions = readFileSync(`/proc/${processId}/maps`, "latin1")
    .split("\n")
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) (\S+) 0+ 00:00 0\s*$/.exec(line))
    .filter((found) => found !== null)
    .map(([, from, to, rights]) => ({
      from: Number.parseInt(from ?? "", 16),
      to: Number.parseInt(to ?? "", 16),
      rights,
    }));
  return regions.filter(
    ({ from, to, rights }, at) =>
      rights === "rw-p" &&
      from % HEAP_BYTES === 0 &&
      regions[at + 1]?.rights === "---p" &&
      regions[at + 1]?.from === to &&
      regions[at + 1]?.to === from + HEAP_BYTES,
  ).length;
}

// Bun itself begins threads while it compiles sources; what people run does not.
test.skipIf(process.platform !== "linux" || !isCompiled)(
  "I4 a server's threads share one heap beside the first, however many there are",
  async () => {
    const server = startProgram(["serve", "--sandbox"], { environment });
    started.push(server);
    await until(
      async () => (await fetch(`http://127.0.0.1:${environment.PORT}/health/ready`).catch(() => null))?.ok === true,
      "the server is ready",
      START_MS_MAX,
    );
    expect(threadHeaps(server.pid)).toBeLessThanOrEqual(1);
  },
  START_MS_MAX,
);
