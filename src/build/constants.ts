import { version } from "../../package.json";
import { libvipsVersion } from "./sharp-plugin.ts";
import type { BuildTarget } from "./targets.ts";

const COMMIT_DIGITS = 12;

/** What the compiler writes into the program about itself; read by `build-info.ts`. */
export function buildConstants(target: BuildTarget, folders: { project: string; native?: string }) {
  return {
    ATELIER_VERSION: version,
    ATELIER_COMMIT: currentCommit(folders.project),
    ATELIER_BUILT_AT: buildDate(),
    ATELIER_TARGET: target.bun.replace(/^bun-/, ""),
    ATELIER_LIBVIPS: libvipsVersion(target, folders.native ?? folders.project),
  };
}

/** When the commit was made, in seconds since 1970; null without git. */
export function commitEpochSeconds(projectFolder: string): number | null {
  const seconds = Number(git(projectFolder, "log", "-1", "--format=%ct") || Number.NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

/** `ATELIER_COMMIT` in the environment stands in where there is no git, as in a container's build. */
function currentCommit(projectFolder: string): string {
  const fromEnvironment = process.env.ATELIER_COMMIT;
  if (fromEnvironment) return fromEnvironment;
  const commit = git(projectFolder, "rev-parse", `--short=${COMMIT_DIGITS}`, "HEAD");
  if (commit === undefined) return "unknown";
  return git(projectFolder, "status", "--porcelain") === "" ? commit : `${commit}+changes`;
}

function git(projectFolder: string, ...parameters: string[]): string | undefined {
  if (!Bun.which("git")) return undefined;
  const result = Bun.spawnSync(["git", "-C", projectFolder, ...parameters], { stderr: "ignore" });
  return result.success ? result.stdout.toString().trim() : undefined;
}

/** `SOURCE_DATE_EPOCH` (seconds) fixes the date, so that the same source gives the same file again. */
function buildDate(): string {
  const epochSeconds = Number(process.env.SOURCE_DATE_EPOCH || Number.NaN);
  return new Date(Number.isFinite(epochSeconds) ? epochSeconds * 1000 : Date.now()).toISOString();
}
