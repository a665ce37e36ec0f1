import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const made: string[] = [];

/** Makes a temporary folder that goes with the run of tests, whatever becomes of them; nobody else has to remove it. */
export function makeTemporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  made.push(folder);
  return folder;
}

/** Removes what `makeTemporaryFolder` made, if it is there still. */
export function removeTemporaryFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: REMOVAL_TRIES_MAX });
}

/** A process that was killed a moment ago may not have written its last file yet. */
const REMOVAL_TRIES_MAX = 3;

/** Makes a temporary folder in a place that a program run by another account can reach too. */
export function makeReachableFolder(prefix: string): string {
  const parent = othersMayEnter(tmpdir()) ? tmpdir() : "/tmp";
  return mkdtempSync(join(parent, prefix));
}

/** Whether accounts other than the owner may go down to `folder`. */
export function othersMayEnter(folder: string): boolean {
  const OTHERS_MAY_ENTER = 0o001;
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
