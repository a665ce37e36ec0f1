import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildConstants } from "./constants.ts";
import { buildExecutable } from "./executable.ts";
import { BUILD_TARGETS, hostTarget, targetNamed } from "./targets.ts";

/** `bun run build [--target bun-linux-arm64] [--outfile dist/atelier]`: compiles the program into one file. */

const USAGE = `bun run build [--target <name>] [--outfile <path>]

Targets: ${BUILD_TARGETS.map(({ bun }) => bun).join(", ")}; without one, this machine's.
What is released is built for all machines at once by \`bun run release\`.
`;

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
    const target = values.target === undefined ? hostTarget() : targetNamed(values.target);
    const built = await buildExecutable({
      entry: join(projectFolder, "src/main.ts"),
      outfile: resolve(projectFolder, values.outfile ?? "dist/atelier"),
      target,
      projectFolder,
      constants: buildConstants(target, { project: projectFolder }),
    });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const size = (built.bytes / BYTES_PER_MIB).toFixed(0);
    process.stdout.write(`Built ${relative(process.cwd(), built.path)} (${size} MiB) in ${seconds} s\n`);
  } catch (error) {
    process.stderr.write(`The build failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
