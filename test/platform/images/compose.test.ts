import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createImages } from "../../../src/platform/images/index.ts";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { type Colour, expectNear, expectRefusal, flat, latin1, noisy, pixelAt } from "./pictures.ts";

const images = createImages({ concurrency: 2 });
const GREEN: Colour = [40, 160, 60];
const RED: Colour = [200, 30, 40];
const WHITE: Colour = [255, 255, 255];
const BOX = { left: 0.25, top: 0.25, width: 0.5, height: 0.5 };

/** A red disc with a white dot in it, on white. */
async function discOnWhite(edge: number): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const middle = edge / 2;
  const pixels = Buffer.alloc(edge * edge * 3);
  for (let cell = 0; cell < edge * edge; cell += 1) {
    const distance = Math.hypot((cell % edge) + 0.5 - middle, Math.floor(cell / edge) + 0.5 - middle) / middle;
    pixels.set(distance < 0.8 && distance > 0.2 ? RED : WHITE, cell * 3);
  }
  return sharp(pixels, { raw: { width: edge, height: edge, channels: 3 } })
    .png()
    .toBuffer();
}

describe("an item on a picture", () => {
  test("loses its plain background, fills the box, and nothing outside the box changes", async () => {
    const base = await (await flat(400, 300, GREEN)).png().toBuffer();
    const composed = await images.composeOnto({ base, item: await discOnWhite(500), box: BOX, label: "SANDBOX" });
    const sharp = await loadSharp();
    const { format, width, height } = await sharp(composed).metadata();
    expect([format, width, height]).toEqual(["png", 400, 300]);
    // The box is 200 x 150 at 100, 75: the disc, cropped to itself, is about 147 across around its middle.
    expectNear(await pixelAt(composed, 200 - 50, 150), RED);
    expectNear(await pixelAt(composed, 200, 150 - 60), RED);
    expectNear(await pixelAt(composed, 200, 150), WHITE);
    expectNear(await pixelAt(composed, 110, 80), GREEN, 2);
    expectNear(await pixelAt(composed, 200 - 58, 150 - 58), GREEN, 2);
    const { inside, outside } = await images.luminanceDifference(base, composed, BOX);
    expect(inside).toBeGreaterThan(20);
    expect(outside).toBe(0);
  });

  test("carries the label inside the box", async () => {
    const base = await (await flat(400, 300, GREEN)).png().toBuffer();
    const item = await discOnWhite(300);
    const one = await images.composeOnto({ base, item, box: BOX, label: "SANDBOX" });
    const other = await images.composeOnto({ base, item, box: BOX, label: "ПРОВЕРКА" });
    const { inside, outside } = await images.luminanceDifference(one, other, BOX);
    expect(inside).toBeGreaterThan(0.2);
    expect(outside).toBe(0);
  });

  test("is used whole where its border has more than one colour", async () => {
    const sharp = await loadSharp();
    const base = await (await flat(400, 400, GREEN)).png().toBuffer();
    const half = { input: await (await flat(100, 200, RED)).png().toBuffer(), left: 0, top: 0 };
    const item = await sharp(await (await flat(200, 200, WHITE)).png().toBuffer())
      .composite([half])
      .png()
      .toBuffer();
    const composed = await images.composeOnto({ base, item, box: BOX, label: "SANDBOX" });
    expectNear(await pixelAt(composed, 106, 106), RED);
    expectNear(await pixelAt(composed, 293, 106), WHITE);
  });

  test("may be as plain as its background: it is then used whole", async () => {
    const base = await (await flat(200, 200, GREEN)).png().toBuffer();
    const item = await (await flat(100, 100, RED)).jpeg().toBuffer();
    const composed = await images.composeOnto({ base, item, box: BOX, label: "SANDBOX" });
    expectNear(await pixelAt(composed, 100, 70), RED);
  });

  test("X9 is refused when it or the base is no acceptable picture", async () => {
    const good = await (await flat(200, 200, GREEN)).png().toBuffer();
    const bad = latin1("no picture");
    await expectRefusal(images.composeOnto({ base: bad, item: good, box: BOX, label: "a" }), "file_type_unsupported");
    await expectRefusal(images.composeOnto({ base: good, item: bad, box: BOX, label: "a" }), "file_type_unsupported");
  });

  test("the drawn samples come off their white paper and change the portrait in the box alone", async () => {
    const folder = join(import.meta.dir, "../../../src/sandbox/samples");
    const base = await Bun.file(join(folder, "person.png")).bytes();
    const box = { left: 0.12, top: 0.55, width: 0.76, height: 0.45 };
    for (const name of ["jacket", "tshirt", "sunglasses"]) {
      const item = await Bun.file(join(folder, `${name}.png`)).bytes();
      const composed = await images.composeOnto({ base, item, box, label: "SANDBOX" });
      const { inside, outside } = await images.luminanceDifference(base, composed, box);
      expect([name, inside > 8, outside]).toEqual([name, true, 0]);
      // The upper left corner of the box lies beside each of them: paper would be white there.
      expect(await pixelAt(composed, 64, 284)).toEqual(await pixelAt(base, 64, 284));
    }
  });
});

describe("a changed picture", () => {
  const MIDDLE = [100, 100] as const;
  const changed = async (operations: Parameters<typeof images.adjust>[1]) => {
    const base = await (await flat(200, 200, [100, 120, 140])).png().toBuffer();
    return images.adjust(base, operations, "SANDBOX");
  };

  test("is brighter, warmer, grey or tinted as asked", async () => {
    expectNear(await pixelAt(await changed([{ kind: "brightness", factor: 1.5 }]), ...MIDDLE), [150, 180, 210], 2);
    const [red, , blue] = await pixelAt(await changed([{ kind: "warmth", amount: 1 }]), ...MIDDLE);
    expect([red > 115, blue < 120]).toEqual([true, true]);
    const grey = await pixelAt(await changed([{ kind: "grayscale" }]), ...MIDDLE);
    expect(new Set(grey).size).toBe(1);
    const tinted = await pixelAt(await changed([{ kind: "tint", red: 255, green: 0, blue: 0 }]), ...MIDDLE);
    expectNear(tinted, [162, 72, 84], 3);
  });

  test("gets its operations in their order, a caption below and the label in the corner", async () => {
    const plain = await changed([]);
    const captioned = await changed([{ kind: "text", text: "Привет <b>&" }]);
    const caption = { left: 0, top: 0.75, width: 1, height: 0.25 };
    const { inside, outside } = await images.luminanceDifference(plain, captioned, caption);
    expect([inside > 2, outside]).toEqual([true, 0]);
    const base = await (await flat(200, 200, [100, 120, 140])).png().toBuffer();
    const corner = { left: 0.6, top: 0, width: 0.4, height: 0.15 };
    const label = await images.luminanceDifference(base, plain, corner);
    expect([label.inside > 1, label.outside]).toEqual([true, 0]);
    const greyThenRed = await changed([{ kind: "grayscale" }, { kind: "tint", red: 255, green: 0, blue: 0 }]);
    const [red, green] = await pixelAt(greyThenRed, ...MIDDLE);
    expect(red - green).toBeGreaterThan(60);
  });

  test("takes any text for a caption: control characters, half characters, nothing, very much", async () => {
    const plain = Buffer.from(await changed([]));
    for (const text of ["", " \n\t", "\u200b\u0000"]) {
      expect(Buffer.compare(Buffer.from(await changed([{ kind: "text", text }])), plain)).toBe(0);
    }
    const oneLine = Buffer.from(await changed([{ kind: "text", text: "one two" }]));
    const twoLines = Buffer.from(await changed([{ kind: "text", text: "one\n\u0000two" }]));
    expect(Buffer.compare(oneLine, twoLines)).toBe(0);
    for (const text of ["\ud800", "a".repeat(100_000), "😀&<i>", "\u{1F600}".repeat(300)])
      await changed([{ kind: "text", text }]);
  });

  test("has a soft background and a sharp middle", async () => {
    const base = await (await noisy(300, 300)).png().toBuffer();
    const blurred = await images.adjust(base, [{ kind: "blur_background" }], "SANDBOX");
    const middle = { left: 0.35, top: 0.35, width: 0.3, height: 0.3 };
    const { inside, outside } = await images.luminanceDifference(base, blurred, middle);
    expect(inside).toBeLessThan(0.5);
    expect(outside).toBeGreaterThan(5);
  });
});

describe("the difference of two pictures", () => {
  test("is the mean over the pixels inside the box and outside it", async () => {
    const a = await (await flat(200, 100, [50, 50, 50])).png().toBuffer();
    const b = await (await flat(200, 100, [60, 60, 60])).png().toBuffer();
    expect(await images.luminanceDifference(a, b)).toEqual({ inside: 10, outside: 0 });
    expect(await images.luminanceDifference(a, b, BOX)).toEqual({ inside: 10, outside: 10 });
    expect(await images.luminanceDifference(a, a, BOX)).toEqual({ inside: 0, outside: 0 });
  });

  test("scales the second picture to the size of the first", async () => {
    const a = await (await flat(200, 100, [50, 50, 50])).png().toBuffer();
    const b = await (await flat(400, 200, [90, 90, 90])).png().toBuffer();
    expect(await images.luminanceDifference(a, b)).toEqual({ inside: 40, outside: 0 });
  });
});
