import { type Context, openContext, ownMigrations } from "../context.ts";
import { type Environment, environmentFaults, processEnvironment } from "../platform/config/environment.ts";
import { type LoadedSettings, loadSettings } from "../platform/config/load.ts";
import { migrationStates } from "../platform/db/migrate.ts";
import { OperatorError } from "../platform/errors.ts";
import { createLog, writeToStandardError } from "../platform/telemetry/log.ts";

/** One command of the program. Each lives in a file of its own. */
export interface Command {
  /** The words behind `atelier`, such as `ledger verify`. */
  name: string;
  /** One line for the overview. */
  summary: string;
  /** What `atelier <name> --help` teaches: usage, options, examples. */
  help: string;
  /** Runs with the words behind the name; resolves with the exit code. Throws `OperatorError` for what people must mend. */
  run(args: readonly string[]): Promise<number>;
}

/** What commands print goes to standard output; the log goes to standard error. */
export function print(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Settings for a command that needs the database and no keys. */
export function operatorSettings(environment: Environment = processEnvironment): LoadedSettings {
  return loadSettings(environment, { serving: false, earlierFaults: environmentFaults });
}

/**
 * Runs `work` with an open context beside a running server. A database whose schema is not this program's is refused
 * with the command that mends it. The log shows warnings only, so that a command's answer stays readable.
 */
export async function withContext<T>(work: (ctx: Context) => Promise<T>): Promise<T> {
  const { settings } = operatorSettings();
  const log = createLog({ level: "warn", format: "pretty", write: writeToStandardError });
  const open = await openContext(settings, { log });
  try {
    const states = await migrationStates({ database: open.database, clock: open.ctx.clock, migrations: ownMigrations });
    if (states.some((state) => state.appliedAt === null)) {
      throw new OperatorError("The database has no schema yet, or an older one. Run: atelier migrate");
    }
    return await work(open.ctx);
  } finally {
    await open.close();
  }
}

/** Rows as an aligned table with a heading. */
export function table(heading: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = heading.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(heading), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
