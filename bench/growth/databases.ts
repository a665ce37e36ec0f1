import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { dialect } from "../../src/platform/db/dialect.ts";
import type { BenchServer } from "../product.ts";
import { PROGRAM } from "../shop.ts";

/**
 * Databases of three sizes, everything in proportion: at a million pictures there are 100 000 people, 150 000 payments, 1 450 000
 * questions to the assistant, and with them five million entries of the ledger. `GROWTH_DATABASES` names those that are there
 * already, as `1k=postgres://… 1m=postgres://…`; what it does not name is made, which takes a quarter of an hour for the largest.
 * Files of SQLite stay in `bench/results/growth-<size>` and are taken as they are the next time.
 */
export interface GrowthDatabase {
  label: string;
  /** Empty for SQLite. */
  url: string;
  /** Where SQLite's file is. */
  dataFolder?: string;
}

const SIZES: Readonly<Record<string, number>> = { "1k": 1_000, "100k": 100_000, "1m": 1_000_000 };
const RESULTS_FOLDER = join(import.meta.dir, "../results");

/** `GROWTH_SIZES=1k,100k` leaves the largest out. */
export function chosenSizes(): string[] {
  const chosen = (process.env.GROWTH_SIZES ?? Object.keys(SIZES).join(",")).split(",");
  const unknown = chosen.find((label) => SIZES[label] === undefined);
  if (unknown !== undefined) throw new Error(`GROWTH_SIZES knows ${Object.keys(SIZES).join(", ")}, not "${unknown}".`);
  return chosen;
}

const named = (label: string): string | undefined =>
  (process.env.GROWTH_DATABASES ?? "").split(" ").find((one) => one.startsWith(`${label}=`));

/** Whether the database of this size is there already. */
export const isNamed = (label: string): boolean => named(label) !== undefined;

export async function databaseOf(label: string, server: BenchServer | null): Promise<GrowthDatabase> {
  const given = named(label);
  if (given !== undefined) return { label, url: given.slice(label.length + 1) };
  if (dialect === "sqlite") {
    const dataFolder = join(RESULTS_FOLDER, `growth-${label}`);
    const isThere = existsSync(dataFolder);
    mkdirSync(dataFolder, { recursive: true });
    if (!isThere) await fill(label, { DATA_DIR: dataFolder });
    return { label, url: "", dataFolder };
  }
  if (server === null) throw new Error("A database on Postgres needs a server.");
  const url = await server.database();
  await fillPostgres(label, url);
  return { label, url };
}

/** Made-up people; their entries are written last, so the ledger adds up. */
async function fill(label: string, place: Record<string, string>): Promise<void> {
  const generations = SIZES[label] ?? 0;
  const count = (share: number) => String(Math.round(generations * share));
  process.stderr.write(`  making ${label}\n`);
  await run(["migrate"], place);
  await run(
    [
      ...["seed", "--generations", count(1), "--people", count(0.1), "--payments", count(0.15)],
      ...["--turns", count(1.45)],
    ],
    place,
  );
}

/** Without secondary indexes and without looking up what is referred to, which takes most of the time; then with all of it. */
async function fillPostgres(label: string, url: string): Promise<void> {
  const place = { DATABASE_URL: url, DATA_DIR: join(RESULTS_FOLDER, "growth-data") };
  const name = new URL(url).pathname.slice(1);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await run(["migrate"], place);
    const indexes = await sql<{ name: string; text: string }[]>`
      select indexname as name, indexdef as text from pg_indexes where schemaname = 'public'
      and indexname not in (select conname from pg_constraint where contype in ('p', 'u'))`;
    for (const index of indexes) await sql.unsafe(`drop index "${index.name}"`);
    await sql.unsafe(`alter database "${name}" set session_replication_role = replica`);
    await fill(label, place);
    await sql.unsafe(`alter database "${name}" reset session_replication_role`);
    for (const index of indexes) await sql.unsafe(index.text);
    await sql.unsafe("vacuum analyze");
  } finally {
    await sql.end();
  }
}

async function run(words: string[], place: Record<string, string>): Promise<void> {
  const environment = { ...(process.env as Record<string, string>), LOG_LEVEL: "error", ...place };
  const child = Bun.spawn([PROGRAM, ...words], { env: environment, stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`atelier ${words[0]} did not work.`);
}
