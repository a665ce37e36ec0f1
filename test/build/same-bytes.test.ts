import { expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { buildExecutable } from "../../src/build/executable.ts";
import { hostTarget } from "../../src/build/targets.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const projectFolder = resolve(import.meta.dir, "../..");
const BUILDS_DEADLINE_MS = 120_000;

test(
  "the same source gives the same bytes, wherever the file is put together: whoever doubts a release builds it again",
  async () => {
    const hashes: string[] = [];
    for (const place of ["one", "another place"]) {
      const { path } = await buildExecutable({
        entry: join(projectFolder, "src/main.ts"),
        outfile: join(makeTemporaryFolder("atelier-same-"), place, "atelier"),
        target: hostTarget(),
        projectFolder,
        constants: { ATELIER_VERSION: "0.0.0", ATELIER_COMMIT: "same", ATELIER_BUILT_AT: new Date(0).toISOString() },
      });
      hashes.push(new Bun.CryptoHasher("sha256").update(await Bun.file(path).arrayBuffer()).digest("hex"));
    }
    expect(hashes[1]).toBe(hashes[0]);
  },
  BUILDS_DEADLINE_MS,
);
