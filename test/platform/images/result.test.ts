import { expect, test } from "bun:test";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { acceptResult, preview } from "../../../src/platform/images/transform.ts";
import { expectRefusal, flat, holds, joined, latin1, metadataSegments, noisy } from "./pictures.ts";

const SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const APP1 = 0xe1;

test("X7 a provider's picture keeps none of its metadata and says that a model made it", async () => {
  const sharp = await loadSharp();
  const bytes = await (await noisy(600, 300))
    .withExif({ IFD0: { Make: "Provider" }, IFD3: { GPSLatitudeRef: "N" } })
    .withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>prompt of a person</x:xmpmeta>")
    .withIccProfile("p3")
    .png()
    .toBuffer();
  const picture = await acceptResult(joined(bytes, latin1("tail")));
  const after = await sharp(picture.bytes).metadata();
  expect([picture.width, picture.height, picture.mime]).toEqual([600, 300, "image/jpeg"]);
  expect(metadataSegments(picture.bytes)).toEqual([APP1]);
  expect(after.xmp?.toString("utf8")).toContain(`Iptc4xmpExt:DigitalSourceType="${SOURCE_TYPE}"`);
  expect([after.exif, after.icc, after.iptc]).toEqual([undefined, undefined, undefined]);
  for (const trace of ["Provider", "prompt of a person", "GPS", "tail"])
    expect(holds(picture.bytes, trace)).toBe(false);
});

test("a provider's picture may be larger than an upload and ends at 4096 pixels", async () => {
  const picture = await acceptResult(await (await flat(6000, 3000, [9, 9, 9])).png().toBuffer());
  expect([picture.width, picture.height]).toEqual([4096, 2048]);
});

test("X9 a provider's broken picture is refused like an upload", async () => {
  const jpeg = await (await noisy(200, 200)).jpeg().toBuffer();
  await expectRefusal(acceptResult(jpeg.subarray(0, jpeg.byteLength >> 1)), "file_corrupt");
  await expectRefusal(acceptResult(latin1('{"error":"not a picture"}')), "file_type_unsupported");
});

test("a preview has a long edge of 512 and says that a model made it only when asked", async () => {
  const clean = await acceptResult(await (await noisy(1000, 2000)).jpeg().toBuffer());
  const marked = await preview(clean.bytes, { aiGenerated: true });
  const plain = await preview(clean.bytes, { aiGenerated: false });
  expect([marked.width, marked.height, marked.mime]).toEqual([256, 512, "image/jpeg"]);
  expect([holds(marked.bytes, SOURCE_TYPE), metadataSegments(marked.bytes)]).toEqual([true, [APP1]]);
  expect([holds(plain.bytes, SOURCE_TYPE), metadataSegments(plain.bytes)]).toEqual([false, []]);
});
