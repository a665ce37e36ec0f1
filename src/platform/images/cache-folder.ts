import { mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { OperatorError } from "../errors.ts";

/** Others may neither write into the folder nor swap what native code is loaded from it. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * The private folder for files that native code must find on a real disk: sharp's addon, libvips, the font. Made with
 * mode 0700 if it is not there. `ATELIER_CACHE_DIR` names it; otherwise the first usable of `$XDG_CACHE_HOME/atelier`,
 * `$HOME/.cache/atelier` and a folder of this user's own among the temporary files.
 *
 * Synchronous, because it runs while a module is being loaded. Throws `OperatorError` when no folder can be used.
 */
export function nativeCacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment.ATELIER_CACHE_DIR;
  if (named) {
    const fault = faultOf(named);
    if (fault === undefined) return named;
    throw new OperatorError(`The folder ATELIER_CACHE_DIR=${named} cannot be used: ${fault}. ${ADVICE}`);
  }
  const faults: string[] = [];
  for (const folder of defaultFolders(environment)) {
    const fault = faultOf(folder);
    if (fault === undefined) return folder;
    faults.push(`${folder}: ${fault}`);
  }
  throw new OperatorError(`There is no folder for native files (${faults.join("; ")}). ${ADVICE}`);
}

const ADVICE = "Set ATELIER_CACHE_DIR to a folder that belongs to this user, mode 0700, not mounted noexec.";

function defaultFolders(environment: Readonly<Record<string, string | undefined>>): string[] {
  const folders: string[] = [];
  const cacheHome = environment.XDG_CACHE_HOME;
  const home = environment.HOME;
  // The XDG specification has relative values ignored.
  if (cacheHome && isAbsolute(cacheHome)) folders.push(join(cacheHome, "atelier"));
  else if (home && isAbsolute(home)) folders.push(join(home, ".cache", "atelier"));
  // Services often run with a home that is not there or read-only.
  folders.push(join(tmpdir(), `atelier-${ownUserId() ?? "user"}`));
  return folders;
}

/** Makes the folder if needed; why it cannot be used, or undefined when it can. */
function faultOf(folder: string): string | undefined {
  if (!isAbsolute(folder)) return "the path is not absolute";
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const status = statSync(folder);
    if (!status.isDirectory()) return "it is not a folder";
    const userId = ownUserId();
    if (userId !== undefined && status.uid !== userId) return `it belongs to user ${status.uid}, not to ${userId}`;
    if ((status.mode & WRITABLE_BY_OTHERS) !== 0) return "other users may write to it (chmod 700 helps)";
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

function ownUserId(): number | undefined {
  return process.getuid?.();
}
