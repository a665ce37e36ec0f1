import { describe, expect, test } from "bun:test";
import { UPLOAD_BYTES_MAX } from "../../src/platform/images/index.ts";
import * as hostile from "../support/hostile-files.ts";
import { picture, uploadForm } from "../support/pictures.ts";
import { expectOurEncoding, JPEG, PNG, PROMPT_MS, type Problem, useUploads, WEBP } from "../support/uploads.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const UNSUPPORTED = [415, "file_type_unsupported"] as const;
const CORRUPT = [422, "file_corrupt"] as const;
const TOO_MANY_PIXELS = [422, "image_too_many_pixels"] as const;
const TOO_SMALL = [422, "image_too_small"] as const;

const { port, send, sendPhoto, stored, expectNothingStored, expectInOrder } = useUploads();

type Row = [what: string, type: string, make: () => Promise<Bytes> | Bytes, refusal: readonly [number, string]];
const jpeg = () => picture();
const png = () => picture({ format: "png" });
const webp = () => picture({ format: "webp" });

const REFUSED: Row[] = [
  ["a PNG declared as JPEG", JPEG, png, UNSUPPORTED],
  ["a JPEG declared as PNG", PNG, jpeg, UNSUPPORTED],
  ["a WebP declared as JPEG", JPEG, webp, UNSUPPORTED],
  ["a JPEG declared as WebP", WEBP, jpeg, UNSUPPORTED],
  ["a JPEG declared as GIF", "image/gif", jpeg, UNSUPPORTED],
  ["a JPEG declared as a page", "text/html", jpeg, UNSUPPORTED],
  ["a JPEG declared as some bytes", "application/octet-stream", jpeg, UNSUPPORTED],
  ["a JPEG declared as two types", "image/jpeg, image/png", jpeg, UNSUPPORTED],
  ["a JPEG cut in the middle", JPEG, async () => hostile.truncated(await jpeg(), 0.5), CORRUPT],
  ["a JPEG without its last bytes", JPEG, async () => (await jpeg()).slice(0, -2), CORRUPT],
  ["a JPEG's first three bytes", JPEG, async () => (await jpeg()).slice(0, 3), CORRUPT],
  ["a PNG cut in the middle", PNG, async () => hostile.truncated(await png(), 0.5), CORRUPT],
  ["a PNG that is only a header", PNG, async () => (await png()).slice(0, 33), CORRUPT],
  ["a PNG with a wrong check sum", PNG, hostile.damagedPng, CORRUPT],
  ["a WebP cut in the middle", WEBP, async () => hostile.truncated(await webp(), 0.5), CORRUPT],
  ["a WebP without its last byte", WEBP, async () => (await webp()).slice(0, -1), CORRUPT],
  ["a JPEG with a zip behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.zipArchive()), UNSUPPORTED],
  ["a PNG with a zip behind it", PNG, async () => hostile.joined(await png(), hostile.zipArchive()), UNSUPPORTED],
  ["a JPEG with a page behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.HTML_PAGE), UNSUPPORTED],
  ["a WebP with a page behind it", WEBP, async () => hostile.joined(await webp(), hostile.HTML_PAGE), UNSUPPORTED],
  ["a JPEG with a PDF behind it", JPEG, async () => hostile.joined(await jpeg(), hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a GIF's header before a JPEG", "image/gif", async () => hostile.joined("GIF89a", await jpeg()), UNSUPPORTED],
  ["a GIF's header before a JPEG, as JPEG", JPEG, async () => hostile.joined("GIF89a", await jpeg()), UNSUPPORTED],
  ["a page before a JPEG", JPEG, async () => hostile.joined(hostile.HTML_PAGE, await jpeg()), UNSUPPORTED],
  ["an SVG", "image/svg+xml", () => hostile.joined(hostile.SVG_DRAWING), UNSUPPORTED],
  ["an SVG as PNG", PNG, () => hostile.joined(hostile.SVG_DRAWING), UNSUPPORTED],
  ["a GIF", "image/gif", () => hostile.pictureAs("gif"), UNSUPPORTED],
  ["a GIF as PNG", PNG, () => hostile.pictureAs("gif"), UNSUPPORTED],
  ["an animated GIF", "image/gif", () => hostile.animation("gif"), UNSUPPORTED],
  ["an animated WebP", WEBP, () => hostile.animation("webp"), UNSUPPORTED],
  ["an animated PNG", PNG, hostile.animatedPng, UNSUPPORTED],
  ["a TIFF", "image/tiff", () => hostile.pictureAs("tiff"), UNSUPPORTED],
  ["a TIFF as JPEG", JPEG, () => hostile.pictureAs("tiff"), UNSUPPORTED],
  ["an AVIF as JPEG", JPEG, () => hostile.pictureAs("avif"), UNSUPPORTED],
  ["a HEIC", "image/heic", hostile.heicLookalike, UNSUPPORTED],
  ["a HEIC as JPEG", JPEG, hostile.heicLookalike, UNSUPPORTED],
  ["a PDF", "application/pdf", () => hostile.joined(hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a PDF as JPEG", JPEG, () => hostile.joined(hostile.PDF_DOCUMENT), UNSUPPORTED],
  ["a zip as PNG", PNG, () => hostile.zipArchive(), UNSUPPORTED],
  ["one byte", JPEG, () => hostile.joined("x"), UNSUPPORTED],
  ["a whole PNG of 30 000 x 30 000 pixels", PNG, () => hostile.bombPng(), TOO_MANY_PIXELS],
  ["a JPEG that claims 30 000 x 30 000", JPEG, () => hostile.jpegThatClaims(30_000, 30_000), TOO_MANY_PIXELS],
  ["a JPEG that claims 1 x 65 500", JPEG, () => hostile.jpegThatClaims(1, 65_500), TOO_SMALL],
  ["a JPEG that claims just over 40 megapixels", JPEG, () => hostile.jpegThatClaims(6_400, 6_251), TOO_MANY_PIXELS],
  ["a JPEG that claims 36 megapixels and has none", JPEG, () => hostile.jpegThatClaims(6_000, 6_000), CORRUPT],
  ["a WebP that claims 16 383 x 16 383", WEBP, hostile.webpThatClaimsTheMost, TOO_MANY_PIXELS],
  ["a picture of 63 x 63", JPEG, () => picture({ width: 63, height: 63 }), TOO_SMALL],
  ["a strip of 64 x 2 000", PNG, () => picture({ width: 64, height: 2_000, format: "png" }), TOO_SMALL],
];

describe("X9 what is no photo is refused with its reason, and nothing of it is kept", () => {
  for (const [what, type, make, [status, code]] of REFUSED) {
    test(`X9 ${what}: ${code}`, async () => {
      const before = await stored();
      const response = await sendPhoto(await make(), type);
      const problem = (await response.json()) as Problem;
      expect([response.status, problem.code, problem.field]).toEqual([status, code, "user_photo"]);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      await expectNothingStored(before);
    });
  }

  test("X9 the second photo's fault names the second photo, and the first one is not kept either", async () => {
    const before = await stored();
    const body = uploadForm({ user_photo: { bytes: await jpeg() }, item_photo: { bytes: await png() } });
    const response = await send(body);
    expect(await response.json()).toMatchObject({ code: "file_type_unsupported", field: "item_photo" });
    await expectNothingStored(before);
  });

  test("X9 bombs cost neither time nor memory", async () => {
    const bombs = [hostile.bombPng(), await hostile.textBombPng(60_000_000)];
    await sendPhoto(await png(), PNG);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    const startedAt = performance.now();
    for (let round = 0; round < 5; round += 1) for (const bytes of bombs) await (await sendPhoto(bytes, PNG)).json();
    expect((performance.now() - startedAt) / 10).toBeLessThan(PROMPT_MS);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("X9 photos of unusual kinds are accepted and come out as ours", () => {
  const accepted: [what: string, type: string, make: () => Promise<Bytes>][] = [
    ["a JPEG by its unregistered name", "image/jpg", jpeg],
    ["a JPEG with parameters behind its type", "IMAGE/JPEG; charset=binary", jpeg],
    ["a PNG", PNG, png],
    ["a WebP", WEBP, webp],
    ["a PNG of 16 bits", PNG, hostile.deepPng],
    ["a JPEG in four inks", JPEG, hostile.cmykJpeg],
    ["a JPEG with a second JPEG behind it", JPEG, async () => hostile.joined(await jpeg(), await jpeg())],
    ["a JPEG with a camera's notes behind it", JPEG, async () => hostile.joined(await jpeg(), "notes of the camera")],
    ["a PNG whose text unpacks to 60 MB", PNG, () => hostile.textBombPng(60_000_000)],
    ["a JPEG of exactly 5 MB", JPEG, () => hostile.jpegOfSize(UPLOAD_BYTES_MAX)],
  ];
  for (const [what, type, make] of accepted) {
    test(`X9 ${what}`, async () => {
      const bytes = await make();
      const response = await sendPhoto(bytes, type);
      const answer = (await response.json()) as { user_photo: { url: string; bytes: number } };
      expect([response.status, Object.keys(answer)]).toEqual([200, ["user_photo"]]);
      const link = await fetch(`http://127.0.0.1:${port()}${new URL(answer.user_photo.url).pathname}`);
      const kept = await link.bytes();
      expect(link.headers.get("content-type")).toBe("image/jpeg");
      expect(kept.byteLength).toBe(answer.user_photo.bytes);
      await expectOurEncoding(kept);
    });
  }

  for (const [orientation, { red, blue, turned }] of Object.entries(hostile.UPRIGHT)) {
    test(`X7 EXIF orientation ${orientation} is applied, and the place where it was taken is gone`, async () => {
      const photo = await hostile.phonePhoto(Number(orientation));
      expect(Buffer.from(photo).includes(hostile.PHONE_SECRET)).toBe(true);
      const response = await sendPhoto(photo);
      const { user_photo: view } = (await response.json()) as {
        user_photo: { url: string; width: number; height: number };
      };
      expect([view.width, view.height]).toEqual(turned ? [160, 240] : [240, 160]);
      const kept = await (await fetch(`http://127.0.0.1:${port()}${new URL(view.url).pathname}`)).bytes();
      await expectOurEncoding(kept);
      const [atRed, atBlue] = [await hostile.colourAt(kept, red), await hostile.colourAt(kept, blue)];
      expect(atRed.red - atRed.blue).toBeGreaterThan(150);
      expect(atBlue.blue - atBlue.red).toBeGreaterThan(150);
    });
  }
});

test("X9 after all of that everything stored is a JPEG of our own making, and nothing was an error", expectInOrder);
