import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { pixelSize } from "../../../src/platform/images/pixel-size.ts";

const [width, height] = [317, 211];
const canvas = (alpha: number) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 90, b: 40, alpha } } });

const files: Readonly<Record<string, () => Promise<Buffer>>> = {
  "a baseline JPEG": () => canvas(1).jpeg().toBuffer(),
  "a progressive JPEG with metadata before the frame": () =>
    canvas(1)
      .withExif({ IFD0: { Copyright: "x".repeat(500) } })
      .withIccProfile("p3")
      .jpeg({ progressive: true })
      .toBuffer(),
  "a PNG": () => canvas(0.5).png().toBuffer(),
  "a lossy WebP": () => canvas(1).removeAlpha().webp().toBuffer(),
  "a lossless WebP": () => canvas(1).webp({ lossless: true }).toBuffer(),
  "a WebP with transparency": () => canvas(0.5).webp().toBuffer(),
};

describe("the size that a header tells", () => {
  test.each(Object.keys(files))("of %s", async (name) => {
    const bytes = new Uint8Array((await files[name]?.()) ?? []);
    expect(pixelSize(bytes)).toEqual({ width, height });
    // Also as a view into something larger, as files are when they come out of a form.
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 7);
    expect(pixelSize(larger.subarray(7, 7 + bytes.length))).toEqual({ width, height });
  });

  test("is undefined for everything else, and for a header that is cut off anywhere", async () => {
    for (const bytes of [new Uint8Array(), new TextEncoder().encode("<svg/>"), new Uint8Array(64).fill(0xff)]) {
      expect(pixelSize(bytes)).toBeUndefined();
    }
    const gif = new Uint8Array(await canvas(1).gif().toBuffer());
    expect(pixelSize(gif)).toBeUndefined();
    for (const make of Object.values(files)) {
      const bytes = new Uint8Array(await make());
      for (let length = 0; length < 20; length += 1) expect(pixelSize(bytes.subarray(0, length))).toBeUndefined();
      for (let length = 20; length < Math.min(bytes.length, 1_500); length += 1) {
        expect([undefined, { width, height }]).toContainEqual(pixelSize(bytes.subarray(0, length)) as undefined);
      }
    }
  });
});
