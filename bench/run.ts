import { join } from "node:path";

/**
 * `./bunw run bench [name...]`: runs all benches or the named, one after another, each in a process of its own: the database is
 * chosen when the product's modules load. `./bunw run bench chart` shows what they found (chart.ts).
 */
interface Bench {
  name: string;
  goals: string;
  what: string;
  dialect: "sqlite" | "postgres";
  /** Whether it measures the compiled program. */
  compiled: boolean;
  /** Runs only when it is named. */
  apart?: boolean;
}

const bench = (name: string, goals: string, dialect: Bench["dialect"], compiled: boolean, what: string): Bench => ({
  ...{ name, goals, what, dialect, compiled },
});

/** `GROWTH_DIALECT=sqlite` takes the other database. */
const GROWTH_DIALECT = process.env.GROWTH_DIALECT === "sqlite" ? "sqlite" : "postgres";

const BENCHES: readonly Bench[] = [
  bench("jobs", "Q1", "postgres", false, "durable jobs completed, beside graphile-worker, pg-boss and Celery"),
  bench("enqueue", "Q2", "postgres", false, "jobs made inside a business transaction, beside graphile-worker"),
  bench("wake", "Q3", "postgres", false, "from commit to start, beside graphile-worker"),
  bench("writers", "Q5", "postgres", false, "32 clients that make jobs, with wake-ups and without"),
  bench(
    "snapshot",
    "Q6",
    "postgres",
    false,
    "200 jobs a second while a snapshot is held open, beside the same without",
  ),
  bench("recovery", "Q9", "postgres", false, "from a worker's SIGKILL until its jobs are in hand again"),
  bench("ledger", "Q4", "sqlite", false, "debit, ledger entry and job on SQLite, beside bare bun:sqlite"),
  bench("balance", "H1 H1s H3", "postgres", true, "GET /balance, beside the old stack, bare Elysia and postgres.js"),
  bench("sign-in-check", "H2", "postgres", false, "GET /balance, beside the same without the check of the sign-in"),
  bench("rate-limits", "H1", "postgres", true, "GET /balance with the rate limits on, beside off"),
  bench("beside-uploads", "H4", "sqlite", true, "small requests while uploads keep every core busy"),
  bench("overload", "H8", "postgres", true, "three times as many requests as can be answered"),
  bench("order", "G1", "postgres", true, "POST /fitting/generate accepted, beside the old stack"),
  bench("pictures", "I1 I3", "sqlite", true, "uploads of 12 megapixels and the watermark, beside sharp and Pillow"),
  bench("memory", "I4", "sqlite", true, "thousands of uploads: the server's memory, and whether it tires"),
  bench("bombs", "I5", "sqlite", true, "files that unpack to gigabytes, refused from their headers"),
  bench("sockets", "H5", "sqlite", false, "events to 1 000 sockets, beside bare sockets of Bun"),
  bench("slow-reader", "H6", "sqlite", false, "events to 1 000 sockets while some stop reading"),
  bench("startup", "H7", "sqlite", true, "from start to ready, and the memory of an idle server"),
  bench("fitting", "F0", "sqlite", true, "what a fitting takes besides the provider's own time"),
  {
    ...bench(
      "growth",
      "Q7",
      GROWTH_DIALECT,
      true,
      "every route with 1 k, 100 k and 1 M pictures; half an hour; by name only",
    ),
    apart: true,
  },
];
const LOCAL_TIME_ZONE = "UTC";

function help(): string {
  const lines = BENCHES.map(({ name, goals, what }) => `  ${name.padEnd(16)}${goals.padEnd(11)}${what}`);
  return `Usage: ./bunw run bench [name...]\n       ./bunw run bench chart [runs]\n\n${lines.join("\n")}\n\nResults go to bench/results as JSON; how to read them stands in bench/README.md.\n`;
}

async function run(words: readonly string[]): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(help());
    return 0;
  }
  if (words[0] === "chart") return start(join(import.meta.dir, "chart.ts"), undefined, words.slice(1));
  const unknown = words.find((word) => !BENCHES.some(({ name }) => name === word));
  if (unknown !== undefined) {
    process.stderr.write(`There is no bench "${unknown}".\n\n${help()}`);
    return 2;
  }
  const chosen =
    words.length === 0
      ? BENCHES.filter(({ apart }) => apart !== true)
      : BENCHES.filter(({ name }) => words.includes(name));
  if (
    chosen.some(({ compiled }) => compiled) &&
    (await start(join(import.meta.dir, "../src/build/compile.ts"))) !== 0
  ) {
    return 1;
  }
  let failed = 0;
  for (const { name, what, dialect } of chosen) {
    process.stderr.write(`${name}: ${what}\n`);
    if ((await start(join(import.meta.dir, `${name}.ts`), dialect)) !== 0) failed += 1;
  }
  return failed === 0 ? 0 : 1;
}

async function start(file: string, dialect?: string, words: readonly string[] = []): Promise<number> {
  const own = { TZ: LOCAL_TIME_ZONE, ...(dialect === undefined ? {} : { DATABASE_DIALECT: dialect }) };
  const child = Bun.spawn([process.execPath, "--no-env-file", file, ...words], {
    env: { ...process.env, ...own, TEST_DATABASE_URL: undefined },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  return child.exited;
}

process.exitCode = await run(process.argv.slice(2));
