import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

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
