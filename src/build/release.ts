import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../../package.json";
import { buildConstants, commitEpochSeconds } from "./constants.ts";
import { buildExecutable } from "./executable.ts";
import { fetchReleasePackages } from "./release-packages.ts";
import { licencesText, readmeText } from "./release-papers.ts";
import { RELEASE_TARGETS, type ReleaseTarget } from "./targets.ts";

/** `bun run release [--only linux-arm64]`: the files of a release, their checksums and their papers, in dist/release. */

const USAGE = `bun run release [--only <name>] [--out <folder>]

Builds atelier for ${RELEASE_TARGETS.map(({ name }) => name).join(", ")} into dist/release, with SHA256SUMS,
README.txt and LICENCES.txt. The same commit gives the same bytes: the date is the commit's, or SOURCE_DATE_EPOCH's.
`;
const BYTES_PER_MIB = 1024 * 1024;
const projectFolder = resolve(import.meta.dir, "../..");

const { values } = parseArgs({
  options: { only: { type: "string" }, out: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  process.stdout.write(USAGE);
} else {
  await release().catch((error: unknown) => {
    process.stderr.write(`The release failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}

async function release(): Promise<void> {
  const chosen = RELEASE_TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
  if (chosen.length === 0) throw new Error(`there is no ${values.only}.\n${USAGE}`);
  process.env.SOURCE_DATE_EPOCH ||= String(commitEpochSeconds(projectFolder) ?? "");
  const folder = resolve(projectFolder, values.out ?? "dist/release");
  // Files of another version beside these would be taken for parts of the release.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (const one of chosen) files.push(await build(one, folder));
  files.push(write(folder, "README.txt", readmeText(chosen)));
  files.push(write(folder, "LICENCES.txt", licencesText(projectFolder)));
  write(folder, "SHA256SUMS", files.map((path) => `${sha256(path)}  ${basename(path)}\n`).join(""));
  process.stdout.write(`${files.length} files and SHA256SUMS are in ${relative(process.cwd(), folder) || "."}\n`);
}

async function build(one: ReleaseTarget, folder: string): Promise<string> {
  const startedAt = performance.now();
  const { nativeFolder, runtime } = await fetchReleasePackages(one, projectFolder);
  const built = await buildExecutable({
    entry: join(projectFolder, "src/main.ts"),
    outfile: join(folder, `atelier-${version}-${one.name}`),
    target: one.target,
    projectFolder,
    nativeFolder,
    runtime,
    constants: buildConstants(one.target, { project: projectFolder, native: nativeFolder }),
  });
  chmodSync(built.path, 0o755);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${basename(built.path)}  ${(built.bytes / BYTES_PER_MIB).toFixed(0)} MiB  ${seconds} s\n`);
  return built.path;
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}
