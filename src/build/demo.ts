import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";

/** `bun run demo [arguments]`: builds `dist/atelier` where it is missing or older than its source, and runs its demo. */

const projectFolder = resolve(import.meta.dir, "../..");
const program = join(projectFolder, "dist/atelier");
/** What goes into the program. Folders count too: a deleted file changes the time of its folder. */
const INPUTS = ["src", "src/**/*", "drizzle/**/*", "package.json", "bun.lock"];

if (builtAtMs() < newestInputMs()) {
  process.stdout.write("Building dist/atelier ...\n");
  const build = Bun.spawnSync([process.execPath, join(import.meta.dir, "compile.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (!build.success) process.exit(1);
}
// In our place, so that signals and the exit code are the demo's own.
if (!process.execve) throw new Error("This system cannot start one program in another's place.");
process.execve(program, [program, "demo", ...process.argv.slice(2)]);

function builtAtMs(): number {
  return statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestInputMs(): number {
  const times = INPUTS.flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: projectFolder, onlyFiles: false })]);
  return Math.max(...times.map((path) => statSync(join(projectFolder, path)).mtimeMs));
}
