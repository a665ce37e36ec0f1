import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { picture } from "./pictures.ts";

/** Files that people, their phones and their enemies send. Everything is made here; nothing is taken from elsewhere. */
type Bytes = Uint8Array<ArrayBuffer>;

const PNG_SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
/** Signature, length, name, 13 bytes of header and check sum: where the second chunk of every PNG begins. */
const PNG_HEADER_END = 33;
const JPEG_SEGMENT_BYTES_MAX = 65_533;

/** The first part of a file, as a broken connection leaves it. */
export function truncated(bytes: Bytes, share: number): Bytes {
  return bytes.slice(0, Math.floor(bytes.length * share));
}

/** One file behind another: many programs look at the beginning only, or at the end only. */
export function joined(...pieces: (Uint8Array | string)[]): Bytes {
  return new Uint8Array(Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece))));
}

/** A zip archive with one stored file, as `unzip` reads it, also behind something else. */
export function zipArchive(name = "run.js", content = "alert(document.domain)", offset = 0): Bytes {
  const entry = Buffer.alloc(26);
  entry.writeUInt16LE(20, 0);
  entry.writeUInt32LE(crc32(content), 10);
  entry.writeUInt32LE(content.length, 14);
  entry.writeUInt32LE(content.length, 18);
  entry.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), entry, Buffer.from(name + content)]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\0"),
    entry,
    Buffer.alloc(10),
    u32le(offset),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset + local.length, 12);
  return joined(local, central, "PK\x05\x06", end);
}

/** A page that would run its script if anybody served it as HTML. */
export const HTML_PAGE = "<!doctype html><html><script>alert(document.domain)</script></html>";

/** A drawing that asks for a file of the server and for one of the network. */
export const SVG_DRAWING = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><script>alert(1)</script>
<image href="http://127.0.0.1:1/x.png" width="9" height="9"/><text y="20">&secret;</text></svg>`;

export const PDF_DOCUMENT = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/MediaBox[0 0 200 200]/Parent 2 0 R>>endobj trailer<</Root 1 0 R>>
%%EOF`;

/** A small picture in a format that is not taken. */
export async function pictureAs(format: "gif" | "tiff" | "avif"): Promise<Bytes> {
  const pipeline = sharp(noise(96, 96), { raw: { width: 96, height: 96, channels: 3 } });
  return new Uint8Array(await pipeline.toFormat(format).toBuffer());
}

/** What an iPhone sends unless told otherwise: the container and brand of HEIC (its pixels are AV1, nobody gets there). */
export async function heicLookalike(): Promise<Bytes> {
  const bytes = Buffer.from(await pictureAs("avif"));
  bytes.write("heic", 8, "latin1");
  return new Uint8Array(bytes);
}

/** An animation of two frames. */
export async function animation(format: "webp" | "gif"): Promise<Bytes> {
  const raw = { width: 96, height: 192, channels: 3, pageHeight: 96 } as const;
  const pipeline = sharp(noise(96, 192), { raw });
  return new Uint8Array(await pipeline.toFormat(format, { loop: 0, delay: [100, 100] }).toBuffer());
}

/** A PNG that is an animation to every browser of today. */
export async function animatedPng(): Promise<Bytes> {
  const still = Buffer.from(await picture({ width: 96, height: 96, format: "png" }));
  const control = pngChunk("acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]));
  return joined(still.subarray(0, PNG_HEADER_END), control, still.subarray(PNG_HEADER_END));
}

/** 16 bits a channel, as scanners and photo editors write. */
export async function deepPng(): Promise<Bytes> {
  const width = 200;
  const height = 160;
  const values = Uint16Array.from({ length: width * height * 3 }, (_, index) => (index * 37) & 0xffff);
  const pipeline = sharp(values, { raw: { width, height, channels: 3 } }).toColourspace("rgb16");
  return new Uint8Array(await pipeline.png().toBuffer());
}

/** Four inks, as a print shop's photo has. */
export async function cmykJpeg(): Promise<Bytes> {
  const pipeline = sharp(noise(200, 160), { raw: { width: 200, height: 160, channels: 3 } });
  return new Uint8Array(await pipeline.toColourspace("cmyk").jpeg().toBuffer());
}

/** A whole and valid PNG of one bit a pixel: 30 000 x 30 000 pixels of nothing in about 110 kB. */
export function bombPng(edgePx = 30_000): Bytes {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(edgePx, 0);
  header.writeUInt32BE(edgePx, 4);
  header.writeUInt8(1, 8);
  const rows = Buffer.alloc(edgePx * (1 + Math.ceil(edgePx / 8)));
  return joined(
    PNG_SIGNATURE,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows, { level: 9 })),
    pngChunk("IEND", Buffer.alloc(0)),
  );
}

/** A small PNG with a text chunk that unpacks to `unpackedBytes`. */
export async function textBombPng(unpackedBytes: number): Promise<Bytes> {
  const still = Buffer.from(await picture({ width: 96, height: 96, format: "png" }));
  const packed = deflateSync(Buffer.alloc(unpackedBytes, 0x61), { level: 9 });
  const text = pngChunk("zTXt", Buffer.concat([Buffer.from("Comment\0\0"), packed]));
  return joined(still.subarray(0, PNG_HEADER_END), text, still.subarray(PNG_HEADER_END));
}

/** A PNG whose pixels do not fit their check sum. */
export async function damagedPng(): Promise<Bytes> {
  const bytes = Buffer.from(await picture({ format: "png" }));
  const middle = PNG_HEADER_END + Math.floor((bytes.length - PNG_HEADER_END) / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  return new Uint8Array(bytes);
}

/** A small JPEG whose header claims another size. */
export async function jpegThatClaims(widthPx: number, heightPx: number): Promise<Bytes> {
  const bytes = Buffer.from(await picture({}));
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(heightPx, frame + 5);
  bytes.writeUInt16BE(widthPx, frame + 7);
  return new Uint8Array(bytes);
}

/** A small lossy WebP whose header claims the largest size that the format knows. */
export async function webpThatClaimsTheMost(): Promise<Bytes> {
  const bytes = Buffer.from(await picture({ format: "webp" }));
  const frame = bytes.indexOf(Buffer.from([0x9d, 0x01, 0x2a]));
  bytes.writeUInt16LE(16_383, frame + 3);
  bytes.writeUInt16LE(16_383, frame + 5);
  return new Uint8Array(bytes);
}

/** A valid JPEG of exactly `size` bytes, filled up with comments. */
export async function jpegOfSize(size: number): Promise<Bytes> {
  const still = await picture({});
  const segments: Buffer[] = [];
  let missing = size - still.length;
  while (missing > 0) {
    // Half of the rest near the end: a comment has four bytes of frame, so a smaller rest could not be filled.
    const isLast = missing <= JPEG_SEGMENT_BYTES_MAX;
    const bytes = isLast ? missing : Math.min(JPEG_SEGMENT_BYTES_MAX, Math.floor(missing / 2));
    segments.push(jpegSegment(0xfe, Buffer.alloc(bytes - 4, 0x20)));
    missing -= bytes;
  }
  return joined(still.subarray(0, 2), ...segments, still.subarray(2));
}

/** A phone's photo for each EXIF orientation: red upper left and blue upper right as the sensor saw it, and a place. */
export async function phonePhoto(orientation: number): Promise<Bytes> {
  const width = 240;
  const height = 160;
  const pixels = Buffer.alloc(width * height * 3, 0xc0);
  const paint = (left: number, colour: readonly number[]) => {
    for (let y = 0; y < 60; y += 1) for (let x = left; x < left + 60; x += 1) pixels.set(colour, (y * width + x) * 3);
  };
  paint(0, [220, 20, 20]);
  paint(width - 60, [20, 20, 220]);
  const photo = sharp(pixels, { raw: { width, height, channels: 3 } })
    .withExif({
      IFD0: { Make: "Spyphone", Copyright: PHONE_SECRET },
      IFD3: {
        GPSLatitudeRef: "N",
        GPSLatitude: "55/1 45/1 2100/100",
        GPSLongitudeRef: "E",
        GPSLongitude: "37/1 37/1 300/100",
      },
    })
    .withMetadata({ orientation });
  return new Uint8Array(await photo.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer());
}

/** Words in the metadata of `phonePhoto`. */
export const PHONE_SECRET = "owner-of-this-phone";

/** Where red and blue are in the upright picture: corners as `[top or bottom, left or right]`, by orientation. */
export const UPRIGHT: Readonly<Record<number, { red: Corner; blue: Corner; turned: boolean }>> = {
  1: { red: "top-left", blue: "top-right", turned: false },
  2: { red: "top-right", blue: "top-left", turned: false },
  3: { red: "bottom-right", blue: "bottom-left", turned: false },
  4: { red: "bottom-left", blue: "bottom-right", turned: false },
  5: { red: "top-left", blue: "bottom-left", turned: true },
  6: { red: "top-right", blue: "bottom-right", turned: true },
  7: { red: "bottom-right", blue: "top-right", turned: true },
  8: { red: "bottom-left", blue: "top-left", turned: true },
};
export type Corner = "top-left" | "top-right" | "bottom-left" | "bottom-right";

/** The mean colour near a corner of a picture of any kind. */
export async function colourAt(
  bytes: Uint8Array,
  corner: Corner,
): Promise<{ red: number; green: number; blue: number }> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const x = corner.endsWith("left") ? 30 : info.width - 30;
  const y = corner.startsWith("top") ? 30 : info.height - 30;
  const at = (y * info.width + x) * info.channels;
  return { red: data[at] ?? 0, green: data[at + 1] ?? 0, blue: data[at + 2] ?? 0 };
}

/** What is left of the file behind the end of the JPEG in it; 0 for a file that is a JPEG and nothing else. */
export function tailBytesOfJpeg(bytes: Uint8Array): number {
  const end = Buffer.from(bytes).lastIndexOf(Buffer.from([0xff, 0xd9]));
  return end === -1 ? bytes.length : bytes.length - end - 2;
}

function noise(width: number, height: number): Buffer {
  return Buffer.from(
    Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 7919 + (index >> 8)) & 0xff),
  );
}

function pngChunk(name: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), content]);
  return Buffer.concat([u32be(content.length), body, u32be(crc32(body))]);
}

function jpegSegment(marker: number, content: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function u32le(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
