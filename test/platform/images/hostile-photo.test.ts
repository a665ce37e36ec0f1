import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal } from "../../../src/platform/errors.ts";
import { acceptPhoto, UPLOAD_BYTES_MAX } from "../../../src/platform/images/inspect.ts";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { acceptResult, RESULT_BYTES_MAX } from "../../../src/platform/images/transform.ts";
import { within } from "../../support/timing.ts";
import { expectRefusal, flat, holds, joined, latin1, noisy, pngClaiming, withPngChunk } from "./pictures.ts";

const GREY = [128, 128, 128] as const;

describe("files that are not what they say", () => {
  test("X9 a declared type other than the three is refused whatever the bytes are", async () => {
    const jpeg = await (await flat(80, 80, GREY)).jpeg().toBuffer();
    for (const type of [
      "image/gif",
      "image/heic",
      "image/svg+xml",
      "application/octet-stream",
      "text/html",
      "",
      "jpeg",
    ]) {
      await expectRefusal(acceptPhoto(jpeg, type), "file_type_unsupported");
    }
  });

  test("X9 a renamed picture is refused: bytes of one type under the name of another", async () => {
    const encodings = {
      "image/jpeg": await (await flat(80, 80, GREY)).jpeg().toBuffer(),
      "image/png": await (await flat(80, 80, GREY)).png().toBuffer(),
      "image/webp": await (await flat(80, 80, GREY)).webp().toBuffer(),
    };
    for (const [type, bytes] of Object.entries(encodings)) {
      for (const other of Object.keys(encodings)) {
        if (other !== type) await expectRefusal(acceptPhoto(bytes, other), "file_type_unsupported");
      }
    }
  });

  test("X9 SVG, GIF, TIFF, AVIF, HEIC, PDF, HTML, zip and nothing at all are refused under a picture's name", async () => {
    const files: Record<string, Uint8Array> = {
      svg: latin1(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><rect width="80" height="80"/></svg>',
      ),
      xmlSvg: latin1('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"/>'),
      gif: await (await flat(80, 80, GREY)).gif().toBuffer(),
      tiff: await (await flat(80, 80, GREY)).tiff().toBuffer(),
      avif: await (await flat(80, 80, GREY)).avif({ effort: 0 }).toBuffer(),
      heic: joined(latin1("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), new Uint8Array(200)),
      pdf: latin1("%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"),
      html: latin1("<!doctype html><script>alert(1)</script>"),
      zip: latin1("PK\x03\x04\x14\0\0\0\0\0"),
      bitmap: joined(latin1("BM"), new Uint8Array(100)),
      nothing: new Uint8Array(),
      oneByte: new Uint8Array([0xff]),
    };
    for (const bytes of Object.values(files)) {
      await expectRefusal(acceptPhoto(bytes, "image/jpeg"), "file_type_unsupported");
      await expectRefusal(acceptResult(bytes), "file_type_unsupported");
    }
    await expectRefusal(acceptPhoto(files.heic ?? new Uint8Array(), "image/heic"), "file_type_unsupported");
  });

  test("X9 animations are refused: WebP with two pages, APNG", async () => {
    const sharp = await loadSharp();
    const frames = Buffer.alloc(80 * 160 * 3).map((_, index) => (index < 80 * 80 * 3 ? 40 : 200));
    const raw = { width: 80, height: 160, channels: 3, pageHeight: 80 } as const;
    const webp = await sharp(frames, { raw })
      .webp({ loop: 0, delay: [100, 100] })
      .toBuffer();
    expect((await sharp(webp).metadata()).pages).toBe(2);
    await expectRefusal(acceptPhoto(webp, "image/webp"), "file_type_unsupported");

    const png = await (await flat(80, 80, GREY)).png().toBuffer();
    const apng = withPngChunk(png, "acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]));
    await expectRefusal(acceptPhoto(apng, "image/png"), "file_type_unsupported");
    await expectRefusal(acceptPhoto(apng, "image/apng"), "file_type_unsupported");
  });
});

describe("files with something behind the picture", () => {
  for (const [type, format] of [
    ["image/jpeg", "jpeg"],
    ["image/png", "png"],
    ["image/webp", "webp"],
  ] as const) {
    test(`X9 a ${format} that is at the same time a zip or a page is refused, and harmless bytes behind it are lost`, async () => {
      const picture = await (await flat(80, 80, GREY)).toFormat(format).toBuffer();
      const zip = latin1(`PK\x03\x04evil.exe PK\x05\x06${"\0".repeat(18)}`);
      for (const tail of [
        zip,
        latin1("\n<html><script>alert(1)</script></html>"),
        latin1("%PDF-1.4"),
        latin1("MZ\x90"),
      ]) {
        await expectRefusal(acceptPhoto(joined(picture, tail), type), "file_type_unsupported");
      }
      const accepted = await acceptPhoto(joined(picture, latin1("notes of the camera")), type);
      expect(holds(accepted.bytes, "notes")).toBe(false);
      expect([...accepted.bytes.subarray(-2)]).toEqual([0xff, 0xd9]);
    });
  }

  test("X9 a script inside a PNG's text chunk does not survive", async () => {
    const png = await (await flat(80, 80, GREY)).png().toBuffer();
    const marked = withPngChunk(png, "tEXt", latin1("Comment\0<script>alert(1)</script>"));
    expect(holds((await acceptPhoto(marked, "image/png")).bytes, "<script>")).toBe(false);
  });
});

describe("damaged files", () => {
  test("X9 a truncated file is refused wherever it is cut", async () => {
    const files: [string, Uint8Array][] = [
      ["image/jpeg", await (await noisy(120, 120)).jpeg().toBuffer()],
      ["image/jpeg", await (await noisy(120, 120)).jpeg({ progressive: true }).toBuffer()],
      ["image/png", await (await noisy(120, 120)).png().toBuffer()],
      ["image/webp", await (await noisy(120, 120)).webp().toBuffer()],
    ];
    for (const [type, bytes] of files) {
      for (const share of [0.05, 0.3, 0.6, 0.9, 0.99]) {
        const cut = bytes.subarray(0, Math.floor(bytes.byteLength * share));
        await expectRefusal(acceptPhoto(cut, type), "file_corrupt");
      }
    }
  });

  test("X9 a first few bytes of a picture and rubbish behind them are refused", async () => {
    const rubbish = new Uint8Array(5_000).map((_, index) => (index * 197 + 31) % 256);
    await expectRefusal(
      acceptPhoto(joined(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), rubbish), "image/jpeg"),
      "file_corrupt",
    );
    const webp = joined(latin1("RIFF\x90\x13\0\0WEBPVP8 "), rubbish);
    await expectRefusal(acceptPhoto(webp, "image/webp"), "file_corrupt");
    const png = pngClaiming(200, 200).with(70, 0);
    await expectRefusal(acceptPhoto(png, "image/png"), "file_corrupt");
  });

  test("X9 whatever bytes are changed, the answer is a picture or a refusal", async () => {
    const originals: [string, Uint8Array][] = [
      [
        "image/jpeg",
        await (await noisy(72, 72))
          .withExif({ IFD0: { Make: "a" } })
          .jpeg()
          .toBuffer(),
      ],
      ["image/png", await (await noisy(72, 72)).png().toBuffer()],
      ["image/webp", await (await noisy(72, 72)).webp().toBuffer()],
    ];
    const change = fc.record({
      file: fc.constantFrom(...originals),
      edits: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
        minLength: 1,
        maxLength: 12,
      }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ file: [type, original], edits }) => {
        const bytes = new Uint8Array(original);
        for (const [place, value] of edits) bytes[Math.floor(place * bytes.length)] = value;
        const outcome = await acceptPhoto(bytes, type).catch((error: unknown) => error);
        if (outcome instanceof Error && !(outcome instanceof Refusal)) throw outcome;
      }),
      { numRuns: 200 },
    );
  });
});

describe("files that are too much", () => {
  test("X9 one byte above the limit is refused before anything is looked at", async () => {
    await expectRefusal(acceptPhoto(new Uint8Array(UPLOAD_BYTES_MAX + 1), "image/jpeg"), "file_too_large");
    await expectRefusal(acceptPhoto(new Uint8Array(UPLOAD_BYTES_MAX + 1), "text/html"), "file_too_large");
    await expectRefusal(acceptResult(new Uint8Array(RESULT_BYTES_MAX + 1)), "file_too_large");
  });

  test("X9 a bomb of 30000 x 30000 in a few hundred bytes is refused from its header", async () => {
    const bomb = pngClaiming(30_000, 30_000);
    expect(bomb.byteLength).toBeLessThan(1_000);
    const startedAt = performance.now();
    const refusal = await expectRefusal(acceptPhoto(bomb, "image/png"), "image_too_many_pixels");
    // Decoding 900 megapixels takes many seconds.
    expect(performance.now() - startedAt).toBeLessThan(within(1_000, 4_000));
    expect(refusal.details).toMatchObject({ width: 30_000, height: 30_000, pixels_max: 40_000_000 });
    await expectRefusal(acceptResult(bomb), "image_too_many_pixels");
  });

  test("X9 the limit of pixels is exact: 40 million pass the header, one row more does not", async () => {
    await expectRefusal(acceptPhoto(pngClaiming(8_000, 5_000), "image/png"), "file_corrupt");
    await expectRefusal(acceptPhoto(pngClaiming(8_000, 5_001), "image/png"), "image_too_many_pixels");
  });

  test("X9 a PNG whose text unpacks to a gigabyte does not take the memory", async () => {
    const { deflateSync } = await import("node:zlib");
    const packed = deflateSync(Buffer.alloc(64 * 1024 * 1024));
    const png = await (await flat(80, 80, GREY)).png().toBuffer();
    let bomb: Uint8Array = png;
    for (let copy = 0; copy < 16; copy += 1) {
      bomb = withPngChunk(bomb, "zTXt", joined(latin1(`Comment${copy}\0\0`), packed));
    }
    const before = process.memoryUsage.rss();
    const outcome = await acceptPhoto(bomb, "image/png").catch((error: unknown) => error);
    const grownBytes = process.memoryUsage.rss() - before;
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(Refusal);
    expect(grownBytes).toBeLessThan(200 * 1024 * 1024);
  });

  test("X9 texts of a PNG are not unpacked: neither those of a harmless picture nor those of a bomb take time", async () => {
    const { deflateSync } = await import("node:zlib");
    const packed = deflateSync(Buffer.alloc(64 * 1024 * 1024));
    const png = await (await flat(80, 80, GREY)).png().toBuffer();
    const kinds = { zTXt: latin1("Comment\0\0"), iTXt: latin1("Comment\0\x01\0\0\0"), tEXt: latin1("Comment\0") };
    const plain = Buffer.from((await acceptPhoto(png, "image/png")).bytes);
    for (const [name, head] of Object.entries(kinds)) {
      let texts = png as Uint8Array;
      let bomb = pngClaiming(30_000, 30_000);
      for (let copy = 0; copy < 16; copy += 1) {
        texts = withPngChunk(texts, name, joined(head, packed));
        bomb = withPngChunk(bomb, name, joined(head, packed));
      }
      const spent = process.cpuUsage();
      const { bytes } = await acceptPhoto(texts, "image/png");
      await expectRefusal(acceptPhoto(bomb, "image/png"), "image_too_many_pixels");
      const { user, system } = process.cpuUsage(spent);
      expect(Buffer.compare(Buffer.from(bytes), plain)).toBe(0);
      // Time of the processor, which others on the machine do not lengthen: unpacking takes some 200 ms, passing over 5.
      expect((user + system) / 1_000).toBeLessThan(100);
    }
  });

  test("X9 a text that claims to go on behind the file's end is refused", async () => {
    const png = await (await flat(80, 80, GREY)).png().toBuffer();
    const cut = Buffer.from(withPngChunk(png, "tEXt", latin1("Comment\0text")));
    cut.writeUInt32BE(0x7fffffff, 33);
    await expectRefusal(acceptPhoto(cut, "image/png"), "file_corrupt");
  });
});

describe("pictures that are too little", () => {
  const sizes = [
    [1, 1],
    [63, 64],
    [64, 63],
    [64, 2_000],
    [2_000, 64],
    [64, 1_291],
  ] as const;
  for (const [width, height] of sizes) {
    test(`${width} x ${height} is refused`, async () => {
      const png = await (await flat(width, height, GREY)).png().toBuffer();
      await expectRefusal(acceptPhoto(png, "image/png"), "image_too_small");
    });
  }

  test("64 x 64 and one to twenty are accepted", async () => {
    for (const [width, height] of [
      [64, 64],
      [64, 1_280],
    ] as const) {
      const picture = await acceptPhoto(await (await flat(width, height, GREY)).png().toBuffer(), "image/png");
      expect([picture.width, picture.height]).toEqual([width, height]);
    }
  });
});
