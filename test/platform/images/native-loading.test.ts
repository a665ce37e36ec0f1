import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { flat, latin1 } from "./pictures.ts";

const REFUSED = "unsupported image format";

test("X9 the native code reads JPEG, PNG and WebP from memory and nothing else", async () => {
  const sharp = await loadSharp();
  const red = () => flat(80, 80, [255, 0, 0]);
  for (const format of ["jpeg", "png", "webp"] as const) {
    const bytes = await (await red()).toFormat(format).toBuffer();
    expect((await sharp(bytes).metadata()).format).toBe(format);
  }
  const refused = [
    await (await red()).gif().toBuffer(),
    await (await red()).tiff().toBuffer(),
    await (await red()).avif({ effort: 0 }).toBuffer(),
    latin1('<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"/>'),
    latin1("P6 1 1 255\nabc"),
  ];
  for (const bytes of refused) await expect(sharp(bytes).metadata()).rejects.toThrow(REFUSED);
});

test("X9 the native code opens no file by its path", async () => {
  const sharp = await loadSharp();
  const folder = mkdtempSync(join(tmpdir(), "atelier-loading-"));
  try {
    for (const format of ["jpeg", "png", "webp"] as const) {
      const path = join(folder, `picture.${format}`);
      await Bun.write(path, await (await flat(80, 80, [0, 0, 0])).toFormat(format).toBuffer());
      await expect(sharp(path).metadata()).rejects.toThrow(REFUSED);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the native code is loaded once, without a cache and with one thread for each operation", async () => {
  const [first, second] = await Promise.all([loadSharp(), loadSharp()]);
  expect(first).toBe(second);
  expect(first.concurrency()).toBe(1);
  expect(first.cache().items.max).toBe(0);
});

test("importing the image layer does not load the native code", async () => {
  const index = join(import.meta.dir, "../../../src/platform/images/index.ts");
  const program = `
    await import(${JSON.stringify(index)});
    const { readFileSync } = require("node:fs");
    process.stdout.write(String(readFileSync("/proc/self/maps", "latin1").includes("libvips")));
  `;
  if (process.platform !== "linux") return;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "pipe" });
  expect(await new Response(child.stdout).text()).toBe("false");
});
