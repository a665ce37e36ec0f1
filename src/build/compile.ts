import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../../package.json";
import { buildExecutable } from "./executable.ts";
import { BUILD_TARGETS, hostTarget, targetNamed } from "./targets.ts";

/** `bun run build [--target bun-linux-arm64] [--outfile dist/atelier]`: compiles the program into one file. */

const USAGE = `bun run build [--target <name>] [--outfile <path>]

Targets: ${BUILD_TARGETS.map(({ bun }) => bun).join(", ")}; without one, this machine's.
Another machine's target needs its packages: \`bun install --os=linux --cpu=arm64\`.
`;

const COMMIT_DIGITS = 12;
const BYTES_PER_MIB = 1024 * 1024;
const projectFolder = resolve(import.meta.dir, "../..");

const { values } = parseArgs({
  options: { target: { type: "string" }, outfile: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  await compile();
}

async function compile(): Promise<void> {
  const startedAt = performance.now();
  try {
    const built = await buildExecutable({
      entry: join(projectFolder, "src/main.ts"),
      outfile: resolve(projectFolder, values.outfile ?? "dist/atelier"),
      target: values.target === undefined ? hostTarget() : targetNamed(values.target),
      projectFolder,
      constants: { ATELIER_VERSION: version, ATELIER_COMMIT: currentCommit(), ATELIER_BUILT_AT: buildDate() },
    });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const size = (built.bytes / BYTES_PER_MIB).toFixed(0);
    process.stdout.write(`Built ${relative(process.cwd(), built.path)} (${size} MiB) in ${seconds} s\n`);
  } catch (error) {
    process.stderr.write(`The build failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** `ATELIER_COMMIT` in the environment stands in where there is no git, as in a container's build. */
function currentCommit(): string {
  const fromEnvironment = process.env.ATELIER_COMMIT;
  if (fromEnvironment) return fromEnvironment;
  const commit = git("rev-parse", `--short=${COMMIT_DIGITS}`, "HEAD");
  if (commit === undefined) return "unknown";
  return git("status", "--porcelain") === "" ? commit : `${commit}+changes`;
}

function git(...parameters: string[]): string | undefined {
  if (!Bun.which("git")) return undefined;
  const result = Bun.spawnSync(["git", "-C", projectFolder, ...parameters], { stderr: "ignore" });
  return result.success ? result.stdout.toString().trim() : undefined;
}

/** `SOURCE_DATE_EPOCH` (seconds) fixes the date, so that the same source gives the same file again. */
function buildDate(): string {
  const epochSeconds = Number(process.env.SOURCE_DATE_EPOCH || Number.NaN);
  return new Date(Number.isFinite(epochSeconds) ? epochSeconds * 1000 : Date.now()).toISOString();
}
