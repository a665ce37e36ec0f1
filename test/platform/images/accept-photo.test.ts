import { describe, expect, test } from "bun:test";
import { acceptPhoto, EDGE_PX_MAX, UPLOAD_BYTES_MAX } from "../../../src/platform/images/inspect.ts";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { type Colour, expectNear, flat, holds, joined, metadataSegments, noisy, pixelAt } from "./pictures.ts";

const WIDTH = 96;
const HEIGHT = 64;
const RED: Colour = [220, 30, 30];
const GREEN: Colour = [30, 180, 40];
const BLUE: Colour = [30, 60, 220];
const YELLOW: Colour = [230, 220, 40];

/** Upright, the four quarters are red, green, blue and yellow, in reading order. */
function quarterAt(x: number, y: number): Colour {
  if (y < HEIGHT / 2) return x < WIDTH / 2 ? RED : GREEN;
  return x < WIDTH / 2 ? BLUE : YELLOW;
}

/** Where a stored row and column belong in the upright picture, as the EXIF standard defines the eight orientations. */
const UPRIGHT: Record<number, (row: number, column: number) => [x: number, y: number]> = {
  1: (row, column) => [column, row],
  2: (row, column) => [WIDTH - 1 - column, row],
  3: (row, column) => [WIDTH - 1 - column, HEIGHT - 1 - row],
  4: (row, column) => [column, HEIGHT - 1 - row],
  5: (row, column) => [row, column],
  6: (row, column) => [WIDTH - 1 - row, column],
  7: (row, column) => [WIDTH - 1 - row, HEIGHT - 1 - column],
  8: (row, column) => [row, HEIGHT - 1 - column],
};

/** A phone's photo: pixels as the sensor saw them, an orientation, a place, a device, a colour profile, XMP. */
async function phonePhoto(orientation: number): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const lying = orientation > 4;
  const [width, height] = lying ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
  const pixels = Buffer.alloc(width * height * 3);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [x, y] = UPRIGHT[orientation]?.(row, column) ?? [0, 0];
      pixels.set(quarterAt(x, y), (row * width + column) * 3);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .withExif({
      IFD0: { Make: "SecretPhone", Copyright: "Somebody" },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "59/1 56/1 1923/100" },
    })
    .withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>private note</x:xmpmeta>")
    .withIccProfile("p3")
    .withMetadata({ orientation })
    .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

describe("a photo that a person sends", () => {
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`X7 stands upright and has lost its place and device, EXIF orientation ${orientation}`, async () => {
      const sharp = await loadSharp();
      const photo = await phonePhoto(orientation);
      const before = await sharp(photo).metadata();
      expect([before.orientation, holds(photo, "SecretPhone")]).toEqual([orientation, true]);
      expect([before.exif, before.icc, before.xmp].map((part) => part !== undefined)).toEqual([true, true, true]);

      const picture = await acceptPhoto(photo, "image/jpeg");

      expect([picture.width, picture.height, picture.mime]).toEqual([WIDTH, HEIGHT, "image/jpeg"]);
      expectNear(await pixelAt(picture.bytes, 12, 12), RED, 40);
      expectNear(await pixelAt(picture.bytes, WIDTH - 12, 12), GREEN, 40);
      expectNear(await pixelAt(picture.bytes, 12, HEIGHT - 12), BLUE, 40);
      expectNear(await pixelAt(picture.bytes, WIDTH - 12, HEIGHT - 12), YELLOW, 40);
      expect(metadataSegments(picture.bytes)).toEqual([]);
      for (const trace of ["Exif", "SecretPhone", "Somebody", "GPS", "ICC_PROFILE", "xmpmeta", "private note"]) {
        expect(holds(picture.bytes, trace)).toBe(false);
      }
      const after = await sharp(picture.bytes).metadata();
      expect([after.orientation, after.exif, after.icc, after.xmp, after.iptc]).toEqual(Array(5).fill(undefined));
    });
  }

  test("X7 loses a comment that stood in the JPEG", async () => {
    const jpeg = await (await flat(80, 80, RED)).jpeg().toBuffer();
    const comment = Buffer.from("\xff\xfe\x00\x12home address 1", "latin1");
    const photo = joined(
      jpeg.subarray(0, 2),
      comment.subarray(0, 2),
      Buffer.from([0, 16]),
      comment.subarray(4),
      jpeg.subarray(2),
    );
    expect(metadataSegments(photo)).toContain(0xfe);

    const picture = await acceptPhoto(photo, "image/jpeg");

    expect(metadataSegments(picture.bytes)).toEqual([]);
    expect(holds(picture.bytes, "home address")).toBe(false);
  });

  test("is made smaller to the long edge of 2048 and never larger", async () => {
    const wide = await acceptPhoto(await (await flat(3000, 1000, BLUE)).jpeg().toBuffer(), "image/jpeg");
    const high = await acceptPhoto(await (await flat(500, 2500, BLUE)).png().toBuffer(), "image/png");
    const small = await acceptPhoto(await (await flat(64, 100, BLUE)).webp().toBuffer(), "image/webp");
    expect([wide.width, wide.height]).toEqual([EDGE_PX_MAX, 683]);
    expect([high.width, high.height]).toEqual([410, EDGE_PX_MAX]);
    expect([small.width, small.height]).toEqual([64, 100]);
  });

  test("of the longest shape allowed passes the same checks again once it was made smaller", async () => {
    const first = await acceptPhoto(await (await flat(5_000, 250, BLUE)).jpeg().toBuffer(), "image/jpeg");
    expect([first.width, first.height]).toEqual([2048, 102]);
    expect((await acceptPhoto(first.bytes, "image/jpeg")).width).toBe(2048);
  });

  test("may be as large as 5 MiB to the byte", async () => {
    const jpeg = await (await flat(80, 80, GREEN)).jpeg().toBuffer();
    const photo = joined(jpeg, new Uint8Array(UPLOAD_BYTES_MAX - jpeg.byteLength));
    const picture = await acceptPhoto(photo, "image/jpeg");
    expect(picture.bytes.byteLength).toBeLessThan(10_000);
  });

  test("may call itself image/jpg, in capitals and with parameters", async () => {
    const jpeg = await (await flat(80, 80, GREEN)).jpeg().toBuffer();
    for (const type of ["image/jpg", "IMAGE/JPEG", "image/jpeg; name=a.jpg"]) {
      expect((await acceptPhoto(jpeg, type)).mime).toBe("image/jpeg");
    }
  });
});

describe("unusual but honest pictures are converted", () => {
  test("transparency becomes white", async () => {
    const sharp = await loadSharp();
    const background = { r: 200, g: 0, b: 0, alpha: 0 };
    const png = await sharp({ create: { width: 80, height: 80, channels: 4, background } })
      .png()
      .toBuffer();
    expectNear(await pixelAt((await acceptPhoto(png, "image/png")).bytes, 40, 40), [255, 255, 255]);
  });

  test("16 bits a channel become 8, with and without transparency", async () => {
    const sharp = await loadSharp();
    for (const channels of [3, 4] as const) {
      const values = new Uint16Array(80 * 80 * channels).map((_, index) => (index % channels === 3 ? 65_535 : 0x8000));
      const png = await sharp(values, { raw: { width: 80, height: 80, channels } })
        .toColourspace("rgb16")
        .png()
        .toBuffer();
      expect((await sharp(png).metadata()).depth).toBe("ushort");
      expectNear(await pixelAt((await acceptPhoto(png, "image/png")).bytes, 40, 40), [128, 128, 128]);
    }
  });

  test("CMYK becomes sRGB", async () => {
    const sharp = await loadSharp();
    const jpeg = await (await flat(80, 80, RED)).toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe("cmyk");
    const picture = await acceptPhoto(jpeg, "image/jpeg");
    const { space, channels } = await sharp(picture.bytes).metadata();
    expect([space, channels]).toEqual(["srgb", 3]);
    expectNear(await pixelAt(picture.bytes, 40, 40), RED, 40);
  });

  test("grey, palette, interlaced and progressive pictures are accepted", async () => {
    const grey = (await noisy(80, 80)).toColourspace("b-w");
    const inputs: [string, Uint8Array][] = [
      ["image/jpeg", await grey.clone().jpeg().toBuffer()],
      ["image/png", await grey.clone().png().toBuffer()],
      ["image/png", await (await flat(80, 80, RED)).png({ palette: true }).toBuffer()],
      ["image/png", await (await noisy(80, 80)).png({ progressive: true }).toBuffer()],
      ["image/jpeg", await (await noisy(80, 80)).jpeg({ progressive: true }).toBuffer()],
      ["image/webp", await (await noisy(80, 80)).webp({ lossless: true }).toBuffer()],
    ];
    for (const [type, bytes] of inputs) expect((await acceptPhoto(bytes, type)).width).toBe(80);
  });
});
