import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../../../src/platform/errors.ts";
import embeddedFont from "../../../src/platform/images/assets/DejaVuSans-Bold.ttf" with { type: "file" };
import { nativeCacheFolder } from "../../../src/platform/images/cache-folder.ts";
import { holdsExactly } from "../../../src/platform/images/exact-file.ts";
import { FONT_FACTS, placeFont } from "../../../src/platform/images/font.ts";
import { textOverlay } from "../../../src/platform/images/overlay.ts";

const STYLE = { widthMax: 400, heightMax: 80, letterOpacity: 1, haloOpacity: 0.5 };
const OVERLAY = join(import.meta.dir, "../../../src/platform/images/overlay.ts");
/** Renders Cyrillic and prints what came out. */
const RENDERING = `
  const { textOverlay } = await import(${JSON.stringify(OVERLAY)});
  const { rgba, width } = await textOverlay("АВЕОРСХ", ${JSON.stringify(STYLE)});
  process.stdout.write(width + " " + new Bun.CryptoHasher("sha256").update(rgba).digest("hex"));
`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atelier-font-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the rendering in a process that sees these variables and no others. */
async function renderInProcess(environment: Record<string, string>) {
  const child = Bun.spawn([process.execPath, "-e", RENDERING], { env: environment, stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, output, errors };
}

describe("the letters", () => {
  test("of Cyrillic come from the font: those shaped like Latin ones are the very same pixels", async () => {
    const cyrillic = await textOverlay("АВЕОРСХ", STYLE);
    const latin = await textOverlay("ABEOPCX", STYLE);
    expect(cyrillic.width).toBeGreaterThan(100);
    expect(cyrillic.width).toBeLessThanOrEqual(STYLE.widthMax);
    expect(cyrillic.height).toBeLessThanOrEqual(STYLE.heightMax);
    expect(Buffer.compare(cyrillic.rgba, latin.rgba)).toBe(0);
    const others = await textOverlay("ЖЩЮ", STYLE);
    expect(others.rgba.some((value, index) => index % 4 === 3 && value > 200)).toBe(true);
  });

  test("are rendered once for each size and text", async () => {
    expect(await textOverlay("once", STYLE)).toBe(await textOverlay("once", STYLE));
    expect(await textOverlay("once", STYLE)).not.toBe(await textOverlay("once", { ...STYLE, widthMax: 300 }));
  });

  test("appear with an empty environment and home, and nobody is told of a missing configuration", async () => {
    const { exitCode, output, errors } = await renderInProcess({ HOME: folder });
    expect([exitCode, errors]).toEqual([0, ""]);
    const { rgba, width } = await textOverlay("АВЕОРСХ", STYLE);
    expect(output).toBe(`${width} ${new Bun.CryptoHasher("sha256").update(rgba).digest("hex")}`);
    expect(statSync(join(folder, ".cache", "atelier")).mode & 0o777).toBe(0o700);
  });

  test("appear in three processes that start at once on an empty folder", async () => {
    const cache = join(folder, "cache");
    const runs = await Promise.all([1, 2, 3].map(() => renderInProcess({ ATELIER_CACHE_DIR: cache })));
    expect(runs.map(({ exitCode, errors }) => [exitCode, errors])).toEqual(Array(3).fill([0, ""]));
    expect(new Set(runs.map(({ output }) => output)).size).toBe(1);
    const fonts = readdirSync(cache).filter((name) => name.includes(".ttf"));
    expect(fonts).toHaveLength(1);
    expect(fonts[0]).toMatch(/^DejaVuSans-Bold-[0-9a-f]{16}\.ttf$/);
  });
});

describe("the font's file", () => {
  test("is what the program says that it is, and only that", async () => {
    expect(holdsExactly(embeddedFont, FONT_FACTS)).toBe(true);
    const path = await placeFont(folder);
    expect(holdsExactly(path, FONT_FACTS)).toBe(true);
    expect(holdsExactly(path, { ...FONT_FACTS, bytes: FONT_FACTS.bytes - 1 })).toBe(false);
    expect(holdsExactly(path, { ...FONT_FACTS, sha256: FONT_FACTS.sha256.replace("e", "f") })).toBe(false);
  });

  test("is not read out of the program where it lies in its place", async () => {
    await placeFont(folder);
    using read = spyOn(Bun, "file");
    await placeFont(folder);
    expect(read.mock.calls).toEqual([]);
  });

  test("is put right when it was damaged or cut short", async () => {
    chmodSync(folder, 0o700);
    const path = await placeFont(folder);
    const good = await Bun.file(path).bytes();
    for (const damage of [good.subarray(0, 1_000), good.with(5_000, (good[5_000] ?? 0) ^ 1), new Uint8Array()]) {
      writeFileSync(path, damage);
      expect(await placeFont(folder)).toBe(path);
      expect(Buffer.compare(await Bun.file(path).bytes(), good)).toBe(0);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith(".ttf"))).toHaveLength(1);
  });
});

describe("the folder for native files", () => {
  test("is the one named, otherwise the user's cache, otherwise one of the temporary files", () => {
    const named = join(folder, "named", "deep");
    expect(nativeCacheFolder({ ATELIER_CACHE_DIR: named, HOME: folder })).toBe(named);
    expect(statSync(named).mode & 0o777).toBe(0o700);
    const cacheHome = join(folder, "xdg");
    expect(nativeCacheFolder({ XDG_CACHE_HOME: cacheHome, HOME: folder })).toBe(join(cacheHome, "atelier"));
    expect(nativeCacheFolder({ XDG_CACHE_HOME: "relative", HOME: folder })).toBe(join(folder, ".cache", "atelier"));
    expect(nativeCacheFolder({})).toBe(join(tmpdir(), `atelier-${process.getuid?.() ?? "user"}`));
  });

  test("is refused with what to do when others may write to it or it is no folder", () => {
    const open = join(folder, "open");
    mkdirSync(open);
    chmodSync(open, 0o770);
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const [path, words] of [
      [open, "other users"],
      [file, "EEXIST"],
      ["relative", "not absolute"],
    ] as const) {
      const attempt = () => nativeCacheFolder({ ATELIER_CACHE_DIR: path });
      expect(attempt).toThrow(OperatorError);
      expect(attempt).toThrow(words);
      expect(attempt).toThrow("Set ATELIER_CACHE_DIR");
    }
  });

  test("is not looked for in a home that cannot be used", () => {
    const file = join(folder, "home");
    writeFileSync(file, "");
    expect(nativeCacheFolder({ HOME: file })).toContain("atelier-");
  });
});
