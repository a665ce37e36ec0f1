import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const projectFolder = resolve(import.meta.dir, "../..");
const SUPPORT = JSON.stringify(join(projectFolder, "test/support/temporary-folder.ts"));

/** Two files: the first leaves a folder with something in it behind, and fails; the second does not even begin. */
const FILES = {
  "first.test.ts": `
    import { test } from "bun:test";
    import { mkdirSync, writeFileSync } from "node:fs";
    import { makeTemporaryFolder } from ${SUPPORT};
    test("fails", () => {
      const folder = makeTemporaryFolder("atelier-left-");
      mkdirSync(folder + "/deep");
      writeFileSync(folder + "/deep/file", "something");
      console.log("made " + folder);
      throw new Error("before anything is removed");
    });`,
  "second.test.ts": `
    import { makeTemporaryFolder } from ${SUPPORT};
    console.log("made " + makeTemporaryFolder("atelier-left-"));
    throw new Error("before any test");`,
};

test("a run leaves no temporary folder, though a test fails and a file breaks off", async () => {
  const workshop = makeTemporaryFolder("atelier-leaving-");
  const temporary = join(workshop, "tmp");
  mkdirSync(temporary);
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(workshop, name), text);
  const paths = Object.keys(FILES).map((name) => join(workshop, name));
  // From the project's folder, whose bunfig.toml says what is loaded before the tests.
  const run = Bun.spawn([process.execPath, "--no-env-file", "test", ...paths], {
    cwd: projectFolder,
    env: { ...process.env, TMPDIR: temporary },
    stdout: "pipe",
    stderr: "ignore",
  });
  const [out, code] = await Promise.all([new Response(run.stdout).text(), run.exited]);
  const made = out.split("\n").filter((line) => line.startsWith(`made ${temporary}/atelier-left-`));
  expect({ code, made: made.length, left: readdirSync(temporary) }).toEqual({ code: 1, made: 2, left: [] });
});
