import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { Glob } from "bun";
import { buildExecutable } from "../../src/build/executable.ts";
import { hostTarget } from "../../src/build/targets.ts";
import { makeReachableFolder } from "../support/temporary-folder.ts";

const COMPILE_DEADLINE_MS = 60_000;
const projectFolder = resolve(import.meta.dir, "../..");
const isRoot = process.getuid?.() === 0;
/** Root may write anywhere, so the program runs as somebody else where the test may choose. */
const NOBODY = 65_534;
const otherUser = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

const workshop = makeReachableFolder("atelier-compiled-");
const compiled = join(workshop, "compiled", "probe");

beforeAll(async () => {
  chmodSync(workshop, 0o755);
  await buildExecutable({
    entry: join(import.meta.dir, "probe/main.ts"),
    outfile: compiled,
    target: hostTarget(),
    projectFolder,
    constants: {},
  });
}, COMPILE_DEADLINE_MS);

afterAll(() => rmSync(workshop, { recursive: true, force: true }));

/** A new folder with nothing but the program in it, that belongs to the user whom the program runs as. */
function folderWithProgram(): string {
  const folder = mkdtempSync(join(workshop, "alone-"));
  copyFileSync(compiled, join(folder, "probe"));
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  return folder;
}

async function run(folder: string, environment: Record<string, string>) {
  const child = Bun.spawn([join(folder, "probe")], {
    ...otherUser,
    cwd: folder,
    env: environment,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

const GOOD = {
  resizedTo: [300, 200, "jpeg"],
  brightestPixelOfText: 255,
  dotBytes: statSync(join(import.meta.dir, "probe/dot.png")).size,
  statement: "select 1 as embedded;",
  pages: {
    "/": true,
    "app.<hash>.js": true,
    "app.<hash>.css": true,
    "/admin": true,
    "admin.<hash>.js": true,
    "admin.<hash>.css": true,
  },
  fromDotEnv: null,
};

function nativeFiles(cache: string): string[] {
  return [...new Glob("**/sharp-*/lib/*").scanSync({ cwd: cache })].map((path) => basename(path)).sort();
}

describe("the compiled file", () => {
  test("alone in a folder, as another user, resizes a JPEG, renders text and carries its files", async () => {
    const folder = folderWithProgram();
    const { out, code, err } = await run(folder, { ATELIER_CACHE_DIR: join(folder, "cache") });
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out)).toEqual(GOOD);
  });

  test("started twice at once with an empty cache works twice, and leaves only whole files", async () => {
    const folder = folderWithProgram();
    const cache = join(folder, "cache");
    const both = await Promise.all([1, 2].map(() => run(folder, { ATELIER_CACHE_DIR: cache })));
    for (const { out, code, err } of both)
      expect({ code, result: code === 0 ? JSON.parse(out) : err }).toEqual({ code: 0, result: GOOD });
    const files = nativeFiles(cache);
    expect(files).toHaveLength(2);
    expect(files.every((name) => /\.(node|dylib)$|\.so\.[\d.]+$/.test(name))).toBe(true);
  });

  test("replaces a native file that was cut short or changed before it loads it", async () => {
    const folder = folderWithProgram();
    const cache = join(folder, "cache");
    await run(folder, { ATELIER_CACHE_DIR: cache });
    const [addon = "", library = ""] = ["**/*.node", "**/libvips-cpp.*"].flatMap((pattern) => [
      ...new Glob(pattern).scanSync({ cwd: cache, absolute: true }),
    ]);
    const wholeBytes = statSync(library).size;
    for (const file of [addon, library]) chmodSync(file, 0o700);
    truncateSync(library, 1_000_000);
    writeFileSync(addon, Buffer.alloc(statSync(addon).size, 0x90));
    const { out, code, err } = await run(folder, { ATELIER_CACHE_DIR: cache });
    expect({ code, result: code === 0 ? JSON.parse(out) : err }).toEqual({ code: 0, result: GOOD });
    expect(statSync(library).size).toBe(wholeBytes);
  });

  test("says in one sentence that the cache folder cannot be written", async () => {
    const folder = folderWithProgram();
    const locked = join(folder, "locked");
    mkdirSync(locked, { mode: 0o555 });
    const { code, err, out } = await run(folder, { ATELIER_CACHE_DIR: join(locked, "cache") });
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(err).toContain("ATELIER_CACHE_DIR");
    expect(err).toContain(locked);
  });

  test("takes nothing from .env and bunfig.toml of the folder it is started in", async () => {
    const folder = folderWithProgram();
    writeFileSync(join(folder, ".env"), "FROM_DOTENV=taken\n");
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(folder, "preload.ts"), 'process.stdout.write("preloaded");\n');
    const { out } = await run(folder, { ATELIER_CACHE_DIR: join(folder, "cache") });
    expect(JSON.parse(out)).toEqual(GOOD);
  });

  const mayMount = isRoot && Bun.spawnSync(["unshare", "--mount", "true"]).success;
  test.skipIf(!mayMount)(
    "says in one sentence that the cache folder is mounted noexec (only root can try)",
    async () => {
      const folder = folderWithProgram();
      const script = `mount -t tmpfs -o noexec,mode=777 tmpfs "$1/cache" && exec env -i ATELIER_CACHE_DIR="$1/cache/a" "$1/probe"`;
      mkdirSync(join(folder, "cache"));
      const child = Bun.spawn(["unshare", "--mount", "/bin/sh", "-c", script, "sh", folder], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
      expect(code).toBe(1);
      expect(err.trimEnd().split("\n")).toHaveLength(1);
      expect(err).toContain("noexec");
    },
  );
});
