import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ReleaseTarget } from "./targets.ts";

/**
 * Fetches what a release needs of other machines: sharp's native code, under the hashes in the project's bun.lock, and the
 * Bun that becomes part of the file, under those in src/build/runtimes/bun.lock. Bun refuses what has another hash. Both
 * lie below `.bun/release/`, which git ignores, and beside the project's own node_modules, which stay this machine's.
 */

const INSTALL_MS_MAX = 10 * 60_000;

export interface ReleasePackages {
  /** Whose node_modules hold the target's sharp packages. */
  nativeFolder: string;
  /** The Bun for the target. */
  runtime: string;
}

/** Throws with Bun's words where a package cannot be fetched or is not the one that is pinned. */
export async function fetchReleasePackages(release: ReleaseTarget, projectFolder: string): Promise<ReleasePackages> {
  const shelf = join(projectFolder, ".bun/release", release.name);
  const nativeFolder = join(shelf, "sharp");
  const runtimeFolder = join(shelf, "runtime");
  await install(projectFolder, nativeFolder, release, ["--production"]);
  await install(join(projectFolder, "src/build/runtimes"), runtimeFolder, release, []);
  const runtime = join(runtimeFolder, "node_modules", release.runtime, "bin/bun");
  if (!existsSync(runtime)) throw new Error(`${release.runtime} was not delivered, or is laid out in another way`);
  return { nativeFolder, runtime };
}

/** Installs what the lock file in `from` names, as a machine of the target would, into `folder`. */
async function install(from: string, folder: string, { machine, name }: ReleaseTarget, more: string[]): Promise<void> {
  // What an earlier version left there must not be mistaken for this one's.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", "bun.lock"]) copyFileSync(join(from, file), join(folder, file));
  const run = Bun.spawn(
    [
      ...[process.execPath, "install", "--frozen-lockfile", "--ignore-scripts", "--no-progress", ...more],
      ...[`--os=${machine.os}`, `--cpu=${machine.cpu}`, `--libc=${machine.libc}`],
    ],
    { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: INSTALL_MS_MAX, killSignal: "SIGKILL" },
  );
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  if (code !== 0) throw new Error(`the packages of ${name} could not be fetched:\n${Bun.stripANSI(out + err).trim()}`);
}
