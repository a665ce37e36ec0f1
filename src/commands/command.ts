import { parseArgs } from "node:util";
import { type Context, openContext, ownMigrations } from "../context.ts";
import { after, DAY_MS, MINUTE_MS } from "../platform/clock.ts";
import { type Environment, environmentFaults, processEnvironment } from "../platform/config/environment.ts";
import { type LoadedSettings, loadSettings } from "../platform/config/load.ts";
import { databaseFault, missingDatabaseFile } from "../platform/db/inspect.ts";
import { migrationStates } from "../platform/db/migrate.ts";
import { withPatience } from "../platform/db/patience.ts";
import { OperatorError } from "../platform/errors.ts";
import { moscowDayStart } from "../platform/moscow.ts";
import { createLog, writeToStandardError } from "../platform/telemetry/log.ts";

/** An operator waits for what a client would not: reports over all rows. */
const STATEMENT_MS_MAX = 10 * MINUTE_MS;

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

/** Prints a value for programs rather than people. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Settings for a command that needs the database and no keys. */
export function operatorSettings(environment: Environment = processEnvironment): LoadedSettings {
  return loadSettings(environment, { serving: false, earlierFaults: environmentFaults });
}

/**
 * Runs `work` with an open context beside a running server. A database that is not there, does not answer or has
 * another schema than this program's is refused with a sentence that says what to do. The log shows warnings only, so
 * that a command's answer stays readable.
 */
export async function withContext<T>(work: (ctx: Context) => Promise<T>): Promise<T> {
  const { settings } = operatorSettings();
  const missing = missingDatabaseFile(settings.DATA_DIR);
  if (missing !== null) {
    throw new OperatorError(
      `There is no database at ${missing}. Is this the server's folder, and DATA_DIR or DATABASE_URL the server's? ` +
        "A new one is made by: atelier migrate",
    );
  }
  const log = createLog({ level: "warn", format: "pretty", write: writeToStandardError });
  const open = await openContext(settings, { log }).catch(explained);
  try {
    const needs = { database: open.database, clock: open.ctx.clock, migrations: ownMigrations };
    const states = await migrationStates(needs).catch(explained);
    if (states.some((state) => state.appliedAt === null)) {
      throw new OperatorError("The database has no schema yet, or an older one. Run: atelier migrate");
    }
    return await withPatience(STATEMENT_MS_MAX, () => work(open.ctx));
  } finally {
    await open.close();
  }
}

/** A database that cannot be reached is something to mend, not a bug. */
function explained(error: unknown): never {
  const fault = databaseFault(error);
  throw fault === null ? error : new OperatorError(fault);
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

type OptionTypes = Readonly<Record<string, "string" | "boolean">>;
type OptionValues<O extends OptionTypes> = { [Name in keyof O]?: O[Name] extends "string" ? string : boolean };

/**
 * A command's options, and its words in their places. Throws an `OperatorError` for an unknown option, a missing value,
 * a missing word or one too many; `usage` (the first line of the help) says what was expected.
 */
export function readArguments<const O extends OptionTypes, const W extends readonly string[]>(
  args: readonly string[],
  expected: { usage: string; options?: O; words?: W; optionalWords?: number },
): { values: OptionValues<O>; words: { [Place in keyof W]: string } } {
  const words = expected.words ?? [];
  const refuse = (text: string): never => {
    throw new OperatorError(`${text}\n${expected.usage}`);
  };
  const parsed = parse(args, expected.options ?? {}, refuse);
  const missing = words.slice(parsed.positionals.length, words.length - (expected.optionalWords ?? 0));
  if (missing.length > 0) refuse(`${missing.map((word) => `<${word}>`).join(" and ")} is missing.`);
  const surplus = parsed.positionals.slice(words.length);
  if (surplus.length > 0) refuse(`"${surplus.join(" ")}" is one word too many.`);
  return {
    values: parsed.values as OptionValues<O>,
    words: parsed.positionals as unknown as { [Place in keyof W]: string },
  };
}

function parse(args: readonly string[], options: OptionTypes, refuse: (text: string) => never) {
  try {
    return parseArgs({
      args: [...args],
      options: Object.fromEntries(Object.entries(options).map(([name, type]) => [name, { type }])),
      allowPositionals: true,
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** A whole number that a person typed. `what` names it in the refusal, such as `--limit`. */
export function wholeNumberFrom(text: string, what: string, bounds: { min: number; max: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
  throw new OperatorError(`${what} must be a whole number from ${bounds.min} to ${bounds.max}, not "${text}".`);
}

/** One of a few words that a person typed. */
export function oneOfFrom<const T extends string>(text: string, what: string, among: readonly T[]): T {
  const found = among.find((word) => word === text);
  if (found !== undefined) return found;
  throw new OperatorError(`${what} must be one of ${among.join(", ")}, not "${text}".`);
}

/** The end of a Moscow day that a person typed: the first moment behind it. */
export function dayEndFrom(text: string, what: string): Date {
  const midday = new Date(`${text}T12:00:00Z`);
  // A date that does not exist, such as 31 November, comes back as another one or not at all.
  const exists = /^\d{4}-\d{2}-\d{2}$/.test(text) && midday.getTime() > 0 && midday.toISOString().startsWith(text);
  if (!exists) throw new OperatorError(`${what} must be a date such as 2026-12-31, not "${text}".`);
  return after(moscowDayStart(midday), DAY_MS);
}

/** A moment as commands print it: UTC, to the second. */
export function shownMoment(moment: Date | null): string {
  return moment === null ? "-" : `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
