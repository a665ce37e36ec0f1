import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
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

async function run(folder: string, environment: Record<string, string>, ...words: string[]) {
  const child = Bun.spawn([join(folder, "probe"), ...words], {
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

/** The one file in `cache` whose path is like that. */
function fileIn(cache: string, pattern: string): string {
  const [path, ...others] = new Glob(pattern).scanSync({ cwd: cache, absolute: true });
  if (path === undefined || others.length > 0) throw new Error(`${cache} should hold exactly one ${pattern}`);
  return path;
}

function nativeFiles(cache: string): string[] {
  return [...new Glob("**/sharp-*/lib/*").scanSync({ cwd: cache })].map((path) => basename(path)).sort();
}

const mayMount = isRoot && Bun.spawnSync(["unshare", "--mount", "true"]).success;

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
    const [addon, library] = [fileIn(cache, "**/*.node"), fileIn(cache, "**/libvips-cpp.*")];
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

/** The system does not tell elsewhere with which libraries a process runs; then each start loads the native code. */
describe.skipIf(process.platform !== "linux")("a start of the compiled file", () => {
  /** What a server does at its start, and then all the rest: whether the start loaded the native code. */
  async function startIn(folder: string, environment: Record<string, string> = {}) {
    const { out, code, err } = await run(folder, { ATELIER_CACHE_DIR: join(folder, "cache"), ...environment }, "prove");
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    const { loadedAtStart, loadedByAsking, ...rest } = JSON.parse(out);
    expect({ loadedByAsking, ...rest }).toEqual({ loadedByAsking: false, ...GOOD });
    return loadedAtStart as boolean;
  }

  async function folderStartedOnce() {
    const folder = folderWithProgram();
    expect(await startIn(folder)).toBe(true);
    const cache = join(folder, "cache");
    return { folder, cache, mark: fileIn(cache, "**/loaded.json") };
  }

  test("loads the native code the first time and leaves it to the first picture from then on", async () => {
    const { folder, cache } = await folderStartedOnce();
    expect(await startIn(folder)).toBe(false);
    expect(await startIn(folder)).toBe(false);
    expect([...new Glob("**/loaded.json*").scanSync({ cwd: cache })]).toHaveLength(1);
  });

  test("loads it where the mark is gone, empty, cut short, of something else or from another system", async () => {
    const { folder, mark } = await folderStartedOnce();
    const good = readFileSync(mark, "utf8");
    const parsed = JSON.parse(good) as { libraries: string[]; fingerprint: string };
    expect(parsed.libraries.length).toBeGreaterThan(0);
    const others = [
      "",
      good.slice(0, -10),
      "null",
      "{}",
      JSON.stringify({ ...parsed, libraries: [] }),
      JSON.stringify({ ...parsed, libraries: parsed.libraries.slice(1) }),
      JSON.stringify({ ...parsed, fingerprint: parsed.fingerprint.replaceAll(/[0-9]/g, "a") }),
    ];
    for (const text of others) {
      writeFileSync(mark, text);
      expect({ text, loaded: await startIn(folder) }).toEqual({ text, loaded: true });
      expect(readFileSync(mark, "utf8")).toBe(good);
    }
    rmSync(mark);
    expect(await startIn(folder)).toBe(true);
    expect(await startIn(folder)).toBe(false);
  });

  test("loads it anew when a library of the system is another one, or is looked for elsewhere", async () => {
    const { folder } = await folderStartedOnce();
    const own = /^.* (\/\S*\/libm[.-][\w.]+)$/m.exec(readFileSync("/proc/self/maps", "latin1"))?.[1];
    const libraries = join(folder, "libraries");
    mkdirSync(libraries);
    chmodSync(libraries, 0o755);
    const elsewhere = { LD_LIBRARY_PATH: libraries };
    expect(await startIn(folder, elsewhere)).toBe(true);
    expect(await startIn(folder, elsewhere)).toBe(false);
    // With musl there is no library but the loader itself.
    if (own === undefined) return;
    const copy = join(libraries, "libm.so.6");
    copyFileSync(own, copy);
    chmodSync(copy, 0o755);
    rmSync(fileIn(join(folder, "cache"), "**/loaded.json"));
    expect(await startIn(folder, elsewhere)).toBe(true);
    expect(await startIn(folder, elsewhere)).toBe(false);
    utimesSync(copy, 1_000_000_000, 1_000_000_000);
    expect(await startIn(folder, elsewhere)).toBe(true);
    rmSync(copy);
    expect(await startIn(folder, elsewhere)).toBe(true);
  });

  test("does not believe the mark where a file is changed, cut short or gone: it is replaced and loaded", async () => {
    const { folder, cache } = await folderStartedOnce();
    const [addon, library] = [fileIn(cache, "**/*.node"), fileIn(cache, "**/libvips-cpp.*")];
    const wholeBytes = statSync(addon).size;
    for (const file of [addon, library]) chmodSync(file, 0o700);
    const bytes = readFileSync(addon);
    writeFileSync(addon, bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1));
    expect(await startIn(folder)).toBe(true);
    truncateSync(library, 1_000_000);
    expect(await startIn(folder)).toBe(true);
    rmSync(addon);
    expect(await startIn(folder)).toBe(true);
    expect(statSync(addon).size).toBe(wholeBytes);
    expect(await startIn(folder)).toBe(false);
  });

  test("says in one sentence that a file is gone and cannot be replaced", async () => {
    const { folder, cache } = await folderStartedOnce();
    const addon = fileIn(cache, "**/*.node");
    rmSync(addon);
    chmodSync(dirname(addon), 0o555);
    const { code, err, out } = await run(folder, { ATELIER_CACHE_DIR: cache }, "prove");
    chmodSync(dirname(addon), 0o755);
    expect({ code, out, lines: err.trimEnd().split("\n").length }).toEqual({ code: 1, out: "", lines: 1 });
    expect(err).toStartWith("at the start: The native image code could not be unpacked");
    expect(err).toContain("ATELIER_CACHE_DIR");
  });

  test("loads it each time where no mark can be left", async () => {
    const { folder, mark } = await folderStartedOnce();
    rmSync(mark);
    chmodSync(dirname(mark), 0o555);
    const starts = [await startIn(folder), await startIn(folder)];
    chmodSync(dirname(mark), 0o755);
    expect(starts).toEqual([true, true]);
  });

  test.skipIf(!mayMount)(
    "says in one sentence that the folder is mounted noexec since (only root can try)",
    async () => {
      const { folder } = await folderStartedOnce();
      const script = [
        'mount --bind "$1/cache" "$1/cache"',
        'mount -o remount,bind,noexec "$1/cache"',
        'chown -R 0 "$1/cache"',
        'exec env -i ATELIER_CACHE_DIR="$1/cache" "$1/probe" prove',
      ].join(" && ");
      const child = Bun.spawn(["unshare", "--mount", "/bin/sh", "-c", script, "sh", folder], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
      expect({ code, lines: err.trimEnd().split("\n").length }).toEqual({ code: 1, lines: 1 });
      expect(err).toStartWith("at the start: ");
      expect(err).toContain("mounted noexec");
    },
  );
});
