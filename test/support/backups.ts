import { join } from "node:path";
import { createArchiveWriter } from "../../src/platform/backup/archive-writer.ts";
import { type BookSum, type FileTotals, SEAL_NAME, type TableTotals } from "../../src/platform/backup/format.ts";
import { streamSource, tarEntries } from "../../src/platform/backup/tar.ts";
import { type ProgramResult, runProgram, settingsOf } from "../commands/program.ts";
import type { TestDatabase } from "./database.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** What `atelier backup --json` tells. */
export interface BackupFacts {
  taken_at: string;
  tables: Record<string, TableTotals>;
  sums: BookSum[];
  files: FileTotals;
}

export type Place = Pick<TestDatabase, "url" | "dataFolder">;

/** A folder for the backups of a test. */
export const backupFolder = (): string => makeTemporaryFolder("atelier-backups-");

/** Runs a command of the program on a database. */
export function operate(database: Place, ...words: string[]): Promise<ProgramResult> {
  return runProgram(words, { environment: settingsOf(database) });
}

/** Takes a backup; throws where that fails. */
export async function backUp(database: Place, file: string, ...words: string[]): Promise<BackupFacts> {
  const { code, out, err } = await operate(database, "backup", file, "--json", ...words);
  if (code !== 0 || err !== "") throw new Error(`backup ended with ${code}: ${err}${out}`);
  return JSON.parse(out) as BackupFacts;
}

/** The counts and hashes of all tables of a database, whichever kind it is. */
export async function dumpOf(database: Place): Promise<Record<string, TableTotals>> {
  return (await backUp(database, join(backupFolder(), "dump.tar"), "--without-files")).tables;
}

export interface ForgedEntry {
  name: string;
  bytes: Uint8Array;
}

/** The entries of a backup but for its seal. */
export async function entriesOf(archive: Uint8Array): Promise<ForgedEntry[]> {
  async function* whole() {
    yield archive;
  }
  const entries: ForgedEntry[] = [];
  for await (const entry of tarEntries(streamSource(whole()))) {
    if (entry.name !== SEAL_NAME) entries.push({ name: entry.name, bytes: await entry.content() });
  }
  return entries;
}

/** A backup of these entries with a seal that is right: what somebody makes who knows the format. */
export async function sealed(entries: readonly ForgedEntry[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const writer = createArchiveWriter(async (bytes) => void pieces.push(bytes), new Date("2026-11-22T00:00:00Z"));
  for (const { name, bytes } of entries) await writer.add(name, bytes);
  await writer.seal();
  return Buffer.concat(pieces);
}
