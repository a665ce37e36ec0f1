import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BookSum, FileTotals, TableTotals } from "../../src/platform/backup/format.ts";
import { type ProgramResult, runProgram, settingsOf } from "../commands/program.ts";
import type { TestDatabase } from "./database.ts";

/** What `atelier backup --json` tells. */
export interface BackupFacts {
  taken_at: string;
  tables: Record<string, TableTotals>;
  sums: BookSum[];
  files: FileTotals;
}

/** A folder for the backups of a test, gone with this process. */
export function backupFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "atelier-backups-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

type Place = Pick<TestDatabase, "url" | "dataFolder">;

/** Runs a command of the program on a database. */
export function operate(database: Place, ...words: string[]): Promise<ProgramResult> {
  return runProgram(words, { environment: settingsOf(database) });
}

/** Takes a backup; throws where that fails. */
export async function backUp(database: Place, file: string, ...words: string[]): Promise<BackupFacts> {
  const { code, out, err } = await operate(database, "backup", file, "--json", ...words);
  if (code !== 0) throw new Error(`backup ended with ${code}: ${err}${out}`);
  return JSON.parse(out) as BackupFacts;
}

/** The counts and hashes of all tables of a database, whichever kind it is. */
export async function dumpOf(database: Place): Promise<Record<string, TableTotals>> {
  return (await backUp(database, join(backupFolder(), "dump.tar"), "--without-files")).tables;
}
