import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REQUIRED_TO_SERVE } from "../../src/platform/config/settings.ts";
import { plainPng } from "../../src/sandbox/plain-png.ts";
import { lane } from "../support/database.ts";
import { until } from "../support/until.ts";
import { type ProgramResult, runProgram, startProgram } from "./program.ts";

const LOAD_MS = 60_000;
const PEOPLE_AT_ONCE = 6;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 60_000;

const dataFolder = mkdtempSync(join(tmpdir(), "atelier-beside-"));
const backupFolder = mkdtempSync(join(tmpdir(), "atelier-beside-backups-"));
const environment = { DATA_DIR: dataFolder, PORT: String(freePort()), HOST: "127.0.0.1", RATE_LIMITS: "off" };
const origin = `http://127.0.0.1:${environment.PORT}`;
const started: Bun.Subprocess[] = [];
afterAll(async () => {
  for (const program of started) program.kill("SIGKILL");
  await Promise.all(started.map((program) => program.exited));
  rmSync(dataFolder, { recursive: true, force: true });
  rmSync(backupFolder, { recursive: true, force: true });
});

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  return port ?? 0;
}

/** Every request that was not answered as it should be, in words. */
const complaints: string[] = [];
const people: number[] = [];
let requests = 0;

async function call(path: string, options: RequestInit = {}): Promise<Record<string, unknown>> {
  requests += 1;
  const response = await fetch(`${origin}${path}`, options);
  const text = await response.text();
  if (response.status !== 200) complaints.push(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function signIn(telegramId: number): Promise<Record<string, string>> {
  const { init_data } = await call(`/sandbox/init-data?telegram_id=${telegramId}`);
  const answer = await call("/api/v1/auth/telegram", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ init_data }),
  });
  return { authorization: `Bearer ${answer.access_token}` };
}

/** One person after another signs in, looks at the balance and uploads a photo, as fast as the server lets them. */
async function beBusy(first: number, isOver: () => boolean): Promise<void> {
  for (let telegramId = first; !isOver(); telegramId += PEOPLE_AT_ONCE) {
    const headers = await signIn(telegramId);
    people.push(telegramId);
    for (let time = 0; time < 5; time += 1) await call("/api/v1/balance", { headers });
    const body = new FormData();
    body.set("user_photo", new File([PHOTO], "me.png", { type: "image/png" }));
    await call("/api/v1/fitting/upload", { method: "POST", headers, body });
  }
}

const PHOTO = new Uint8Array(plainPng(128, 128, [120, 90, 60]));

const run = (...words: string[]): Promise<ProgramResult> => runProgram(words, { environment });

/** Runs commands one after another until time is up, and returns those that did not end well. */
async function operate(commands: readonly (() => string[])[], isOver: () => boolean) {
  const failures: Array<ProgramResult & { words: string[] }> = [];
  let runs = 0;
  while (!isOver()) {
    for (const command of commands) {
      const words = command();
      const result = await run(...words);
      runs += 1;
      if (result.code !== 0 || result.err !== "") failures.push({ words, ...result });
    }
  }
  return { failures, runs };
}

async function startServer() {
  const server = startProgram(["serve", "--sandbox"], { environment });
  started.push(server);
  const log = new Response(server.stderr).text();
  await until(
    async () => (await fetch(`${origin}/health/ready`).catch(() => null))?.status === 200,
    "the server is ready",
    START_MS_MAX,
  );
  return { server, log };
}

describe("operator commands beside a server", () => {
  test.skipIf(lane === "postgres")(
    "X11 commands beside a loaded server on SQLite meet no lock, and neither does anybody else; a second server is refused (SQLite only: Postgres takes many servers)",
    async () => {
      const { server, log } = await startServer();
      const endsAt = performance.now() + LOAD_MS;
      const isOver = () => performance.now() > endsAt;
      const load = Array.from({ length: PEOPLE_AT_ONCE }, (_, place) => beBusy(10_000 + place, isOver));
      await until(() => people.length > 0, "the first person is there");
      let grants = 0;
      const grant = () => {
        grants += 1;
        return ["user", "grant", String(people.at(grants % people.length)), "3", "--key", `beside-${grants}`];
      };
      let backups = 0;
      const backup = () => {
        backups += 1;
        return ["backup", join(backupFolder, `${backups}.tar`)];
      };
      const [first, second, third, fourth] = await Promise.all([
        operate([grant], isOver),
        operate([() => ["ledger", "verify"], () => ["jobs", "list"]], isOver),
        operate([() => ["cleanup"], () => ["cleanup", "--dry-run"]], isOver),
        operate([backup], isOver),
        refuseSecondServer(),
      ]);
      await Promise.all(load);

      expect(complaints).toEqual([]);
      expect([...first.failures, ...second.failures, ...third.failures, ...fourth.failures]).toEqual([]);
      // Otherwise it would have been no load, and nothing beside it.
      expect(requests).toBeGreaterThan(100);
      for (const { runs } of [first, second, third, fourth]) expect(runs).toBeGreaterThan(2);
      expect((await run("ledger", "verify")).out).toBe(`The credits of all ${people.length} people add up.\n`);
      expect(await sumOfBalances()).toBe(3 * grants);

      server.kill("SIGTERM");
      const stopped = await Promise.race([server.exited, Bun.sleep(STOP_MS_MAX)]);
      expect(stopped).toBe(0);
      const lines = (await log).split("\n").filter((line) => line !== "");
      const bad = lines.filter((line) => /"level":"(error|warn)"/.test(line) || /SQLITE_|locked/i.test(line));
      expect(bad).toEqual([]);
    },
    LOAD_MS + START_MS_MAX + STOP_MS_MAX + 30_000,
  );

  test("X13 serve without keys names every missing one at once, and starts nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "atelier-keyless-"));
    const { code, out, err } = await runProgram(["serve"], { environment: { DATA_DIR: folder, PORT: "0" } });
    rmSync(folder, { recursive: true });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    for (const name of REQUIRED_TO_SERVE) expect(err).toContain(`  - ${name} is not set.`);
    expect(err.match(/ is not set\./g)).toHaveLength(REQUIRED_TO_SERVE.length);
    expect(err).not.toContain("    at ");
  });
});

async function refuseSecondServer(): Promise<void> {
  const second = await runProgram(["serve", "--sandbox", "--port", String(freePort())], { environment });
  expect({ code: second.code, out: second.out }).toEqual({ code: 2, out: "" });
  expect(second.err).toStartWith(`atelier: Another atelier server already holds the data folder ${dataFolder}.`);
}

async function sumOfBalances(): Promise<number> {
  let sum = 0;
  for (const telegramId of people) {
    const { credits } = await call("/api/v1/balance", { headers: await signIn(telegramId) });
    sum += Number(credits);
  }
  return sum;
}
