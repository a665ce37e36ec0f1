import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import type { Dialect } from "../platform/db/dialect.ts";

/**
 * `bun run migrations:check`: whether the tables in the code are those that the migrations make. drizzle-kit generates
 * into a temporary copy of `drizzle/` for both dialects; where it finds something to write, a migration was forgotten.
 */

const DIALECTS: Readonly<Record<Dialect, string>> = { sqlite: "sqlite", postgres: "postgresql" };
const GENERATE_MS_MAX = 60_000;

/** What a migration is missing for, as text for people; empty when nothing is. */
export async function findMigrationDrift(projectFolder: string, migrationsFolder: string): Promise<string[]> {
  const copy = mkdtempSync(join(tmpdir(), "atelier-drift-"));
  try {
    cpSync(migrationsFolder, copy, { recursive: true });
    const checks = (Object.keys(DIALECTS) as Dialect[]).map(async (dialect) => {
      const complaint = await generate(dialect, projectFolder, join(copy, dialect));
      return [...complaint, ...changesBetween(join(migrationsFolder, dialect), join(copy, dialect), dialect)];
    });
    return (await Promise.all(checks)).flat();
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function generate(dialect: Dialect, projectFolder: string, folder: string): Promise<string[]> {
  const run = Bun.spawn(
    [
      ...[process.execPath, "--no-env-file", "node_modules/drizzle-kit/bin.cjs", "generate"],
      ...["--dialect", DIALECTS[dialect], "--schema", "./src/tables.ts"],
      // drizzle-kit takes an absolute path for one below the working directory.
      ...["--out", relative(projectFolder, folder)],
    ],
    {
      cwd: projectFolder,
      env: { ...process.env, DATABASE_DIALECT: dialect, DATABASE_URL: undefined },
      // No terminal: where it would ask whether a column was renamed, it fails, and that is drift too.
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: GENERATE_MS_MAX,
    },
  );
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  // It answers 0 after some failures, so its own words are asked.
  const text = Bun.stripANSI(out + err).trim();
  const isSure = code === 0 && /No schema changes|Your SQL migration file/.test(text);
  return isSure ? [] : [`${dialect}: drizzle-kit could not compare (exit code ${code}):\n${text}`];
}

function changesBetween(before: string, after: string, dialect: Dialect): string[] {
  const contents = (folder: string) =>
    new Map(
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => statSync(join(folder, name)).isFile())
        .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
    );
  const known = contents(before);
  return [...contents(after)]
    .filter(([name, text]) => known.get(name) !== text)
    .map(([name, text]) => `${dialect}/${name} would be written${name.endsWith(".sql") ? `:\n${text}` : ""}`);
}

if (import.meta.main) {
  const projectFolder = resolve(import.meta.dir, "../..");
  const drift = await findMigrationDrift(projectFolder, join(projectFolder, "drizzle"));
  if (drift.length === 0) {
    process.stdout.write("The migrations of both dialects make the tables that the code expects.\n");
  } else {
    process.stderr.write(
      `${drift.join("\n")}\n\nThe tables in the code have changed. Run \`bun run generate\`, read the new files and add them to drizzle/migrations.ts.\n`,
    );
    process.exitCode = 1;
  }
}
