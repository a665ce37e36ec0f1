import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, settingsOf, startProgram } from "../commands/program.ts";
import { backUp, backupFolder, type Place } from "../support/backups.ts";
import { createTestDatabase, lane, type TestDatabase } from "../support/database.ts";
import { seedGenerations } from "../support/seed-generations.ts";

/**
 * The long form of the copies, by hand: `COPY_GENERATIONS=100000 bun run test test/faults/copy-long.test.ts --lane postgres`.
 * It prints how long each way took and how much memory both ends needed.
 */
const GENERATIONS = Number(process.env.COPY_GENERATIONS ?? 0);

const folders: string[] = [];
const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  for (const database of databases) await database.remove();
});

function sqlitePlace(): Place {
  const dataFolder = mkdtempSync(join(tmpdir(), "atelier-long-"));
  folders.push(dataFolder);
  return { url: "", dataFolder };
}

async function postgresPlace(empty: boolean): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty });
  databases.push(database);
  return database;
}

const lines: string[] = [];
const tell = (what: string, ms: number, more: string) => lines.push(`${what}: ${(ms / 1000).toFixed(1)} s, ${more}`);

/** Runs the program and watches how large it and what it started became. */
async function watched(what: string, words: readonly string[], place: Place): Promise<string> {
  const begun = performance.now();
  const run = startProgram(words, { environment: settingsOf(place) });
  const peaks = new Map<string, number>();
  const timer = setInterval(() => {
    for (const [role, kib] of sizes(run.pid)) peaks.set(role, Math.max(peaks.get(role) ?? 0, kib));
  }, 50);
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  clearInterval(timer);
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${err}`);
  const shown = [...peaks].map(([role, kib]) => `${role} ${Math.round(kib / 1024)} MiB`).join(", ");
  tell(what, performance.now() - begun, shown);
  return out;
}

/** The largest resident sizes so far of a process and its children, in KiB. */
function sizes(pid: number): [string, number][] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [string, number][] => {
      try {
        const status = readFileSync(`/proc/${name}/status`, "utf8");
        const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
        const kib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
        // A process that has ended and was not collected yet has no size.
        if (!Number.isFinite(kib)) return [];
        return Number(name) === pid ? [["itself", kib]] : parent === pid ? [["its other end", kib]] : [];
      } catch {
        return [];
      }
    });
}

describe.skipIf(GENERATIONS === 0 || lane === "sqlite")("the long form (by hand, with COPY_GENERATIONS)", () => {
  test("generations and their ledger go SQLite -> Postgres -> SQLite with equal dumps", async () => {
    const begun = performance.now();
    const origin = await postgresPlace(false);
    const rows = await seedGenerations(origin, GENERATIONS);
    tell(`${GENERATIONS} generations seeded`, performance.now() - begun, `${rows} rows`);
    const first = sqlitePlace();
    await watched("Postgres -> SQLite", ["copy", "--to", `sqlite:${first.dataFolder}`], origin);
    const postgres = await postgresPlace(true);
    await watched("SQLite -> Postgres", ["copy", "--to", postgres.url], first);
    const second = sqlitePlace();
    await watched("Postgres -> SQLite again", ["copy", "--to", `sqlite:${second.dataFolder}`], postgres);
    const file = join(backupFolder(), "long.tar");
    await watched("backup of Postgres", ["backup", file], postgres);
    const restored = sqlitePlace();
    const out = await watched("restore into SQLite", ["restore", file, "--no-hold"], restored);
    const bytes = [statSync(join(first.dataFolder, "atelier.sqlite")).size, statSync(file).size];
    lines.push(`SQLite file ${bytes[0]} bytes, backup ${bytes[1]} bytes`);
    const dumps = await Promise.all(
      [origin, first, postgres, second, restored].map(async (place, number) => {
        return (await backUp(place, join(backupFolder(), `${number}.tar`))).tables;
      }),
    );
    for (const dump of dumps) expect(dump).toEqual(dumps[0] ?? {});
    expect(dumps[0]?.generations?.rows).toBe(GENERATIONS);
    const verified = await runProgram(["ledger", "verify"], { environment: settingsOf(second) });
    process.stdout.write(`${lines.join("\n")}\n${out.match(/^R[PT]O.*$/gm)?.join("\n")}\n${verified.out}`);
    expect(verified.code).toBe(0);
  }, 900_000);
});
