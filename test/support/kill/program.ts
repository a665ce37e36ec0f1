import { join, resolve } from "node:path";
import { buildExecutable } from "../../../src/build/executable.ts";
import { hostTarget } from "../../../src/build/targets.ts";

const projectFolder = resolve(import.meta.dir, "../../..");

/** Where the test's build differs from the shipped one: three imports of one file of the source. */
const SEAMS = [
  { importer: "src/context.ts", imported: "./platform/db/open.ts", instead: "database.ts" },
  { importer: "src/context.ts", imported: "./providers/yookassa/payment-provider.ts", instead: "payment-provider.ts" },
  { importer: "src/context.ts", imported: "./platform/clock.ts", instead: "clock.ts" },
] as const;

/**
 * Compiles the program as `bun run build` does, kill points swapped in at the seams by a plugin of the test: the source
 * knows nothing of them. Returns the imports that were swapped.
 */
export async function buildKillable(outfile: string): Promise<string[]> {
  const swapped: string[] = [];
  await buildExecutable({
    entry: join(projectFolder, "src/main.ts"),
    outfile,
    target: hostTarget(),
    projectFolder,
    constants: { ATELIER_VERSION: "0.0.0", ATELIER_COMMIT: "kill-points", ATELIER_BUILT_AT: new Date(0).toISOString() },
    plugins: [
      {
        name: "kill points",
        setup(build) {
          build.onResolve({ filter: /\/(open|payment-provider|clock)\.ts$/ }, ({ importer, path }) => {
            const seam = SEAMS.find((one) => one.imported === path && importer === join(projectFolder, one.importer));
            if (seam === undefined) return undefined;
            swapped.push(`${seam.importer}: ${path}`);
            return { path: join(import.meta.dir, seam.instead) };
          });
        },
      },
    ],
  });
  return swapped.sort();
}

/** What `buildKillable` has to swap. */
export const SWAPPED: string[] = SEAMS.map(({ importer, imported }) => `${importer}: ${imported}`).sort();
