import type { TestDatabase } from "../support/database.ts";
import { PROGRAM } from "../support/program.ts";

export interface ProgramResult {
  code: number;
  out: string;
  err: string;
}

export interface ProgramOptions {
  /** Settings, and nothing else: what stands in this process's environment does not reach the program. */
  environment?: Record<string, string>;
  /** The working directory, whose `.env` counts; default: a folder without one. */
  folder?: string;
}

/** The database of a test as a program's settings. */
export function settingsOf(database: Pick<TestDatabase, "url" | "dataFolder">): Record<string, string> {
  return { DATA_DIR: database.dataFolder, ...(database.url === "" ? {} : { DATABASE_URL: database.url }) };
}

/** Starts the program as a shell would, in a process of its own. */
export function startProgram(args: readonly string[], options: ProgramOptions = {}) {
  const { PATH = "", HOME = "" } = process.env;
  return Bun.spawn([...PROGRAM, ...args], {
    cwd: options.folder ?? import.meta.dir,
    env: { PATH, HOME, ...options.environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Runs the program to its end. */
export async function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const run = startProgram(args, options);
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  return { code, out, err };
}
