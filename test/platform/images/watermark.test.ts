import { describe, expect, spyOn, test } from "bun:test";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { acceptResult, watermark } from "../../../src/platform/images/transform.ts";
import { expectRefusal, flat, holds, latin1 } from "./pictures.ts";

const TEXT = "atelier · предпросмотр";
const GROUNDS = { white: [255, 255, 255], black: [0, 0, 0], grey: [128, 128, 128] } as const;
const SIZES = [
  [64, 64],
  [256, 144],
  [768, 1024],
  [2048, 1365],
  [4096, 4096],
  [2048, 104],
] as const;

/** Shares of the height: the lines of the watermark, and the rows around them that must stay as they were. */
const WIDE_LINE = [0.58, 0.78] as const;
const SMALL_LINE = [0.0, 0.15] as const;
const UNTOUCHED = [
  [0.18, 0.56],
  [0.8, 1],
] as const;

/** Luminance statistics of the rows between two shares of the height. */
async function rows(bytes: Uint8Array, [from, to]: readonly [number, number]) {
  const sharp = await loadSharp();
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const top = Math.round(info.height * from);
  const bottom = Math.round(info.height * to);
  const part = data.subarray(top * info.width * 3, bottom * info.width * 3);
  const { channels } = await sharp(part, { raw: { width: info.width, height: bottom - top, channels: 3 } }).stats();
  const [green] = channels.slice(1);
  if (!green) throw new Error("a colour picture was expected");
  return { spread: green.stdev, range: green.max - green.min, mean: green.mean };
}

describe("a watermark", () => {
  for (const [name, colour] of Object.entries(GROUNDS)) {
    for (const [width, height] of SIZES) {
      test(`is legible on ${name} at ${width} x ${height}, and the rest of the picture stays as it was`, async () => {
        const clean = await acceptResult(await (await flat(width, height, colour)).png().toBuffer());
        const marked = await watermark(clean.bytes, TEXT);
        expect([marked.width, marked.height]).toEqual([width, height]);
        const wide = await rows(marked.bytes, WIDE_LINE);
        expect(wide.range).toBeGreaterThan(width < 128 ? 40 : 90);
        expect(wide.spread).toBeGreaterThan(4);
        if (Math.min(width, height) >= 128) expect((await rows(marked.bytes, SMALL_LINE)).range).toBeGreaterThan(60);
        for (const part of UNTOUCHED) {
          const { range, mean } = await rows(marked.bytes, part);
          expect(range).toBeLessThanOrEqual(3);
          expect(Math.abs(mean - colour[1])).toBeLessThanOrEqual(2);
        }
      });
    }
  }

  test("keeps the mark that a model made the picture", async () => {
    const clean = await acceptResult(await (await flat(256, 256, [90, 90, 90])).png().toBuffer());
    const marked = await watermark(clean.bytes, TEXT);
    expect(holds(marked.bytes, "digitalsourcetype/trainedAlgorithmicMedia")).toBe(true);
  });

  test("shows markup as the characters that it consists of", async () => {
    const clean = await acceptResult(await (await flat(512, 256, [90, 90, 90])).png().toBuffer());
    const plain = await watermark(clean.bytes, "x");
    const tagged = await watermark(clean.bytes, '<b>x</b> & "quoted"');
    expect(Buffer.compare(Buffer.from(plain.bytes), Buffer.from(tagged.bytes))).not.toBe(0);
    const unclosed = await watermark(clean.bytes, "<span foreground='red'>x");
    expect((await rows(unclosed.bytes, WIDE_LINE)).range).toBeGreaterThan(60);
  });

  test("is the same however often it is made", async () => {
    const clean = await acceptResult(await (await flat(300, 300, [90, 90, 90])).png().toBuffer());
    const [first, second] = [await watermark(clean.bytes, TEXT), await watermark(clean.bytes, TEXT)];
    expect(Buffer.compare(Buffer.from(first.bytes), Buffer.from(second.bytes))).toBe(0);
  });

  test("I3 leaves the picture that it was made of as it was, and gives its own copy of the pixels back at once", async () => {
    const clean = await acceptResult(await (await flat(1024, 1024, [90, 90, 90])).png().toBuffer());
    const before = Buffer.from(clean.bytes);
    const { transfer } = ArrayBuffer.prototype;
    const freed: number[] = [];
    using _ = spyOn(ArrayBuffer.prototype, "transfer").mockImplementation(function (this: ArrayBuffer, length) {
      freed.push(this.byteLength);
      return transfer.call(this, length);
    });
    const marked = await watermark(clean.bytes, TEXT);
    expect(freed).toEqual([marked.bytes.byteLength, 3 * 1024 * 1024]);
    expect(Buffer.compare(before, Buffer.from(clean.bytes))).toBe(0);
  });

  test("X9 is refused for bytes that are no picture", async () => {
    await expectRefusal(watermark(latin1("no picture"), TEXT), "file_type_unsupported");
  });
});
