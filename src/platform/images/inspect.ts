import { fileTypeFromBuffer } from "file-type";
import type { Metadata } from "sharp";
import { Refusal } from "../errors.ts";
import { decoding, type Encoding, INPUT_LIMITS, PIXELS_MAX, type Picture, toPicture } from "./picture.ts";
import { type Pixels, toPixels } from "./pixels.ts";
import { withoutTexts } from "./png-texts.ts";
import { isAlsoSomethingElse } from "./second-format.ts";
import { loadSharp } from "./sharp.ts";

export const UPLOAD_BYTES_MAX = 5 * 1024 * 1024;
/** The long edge of a stored photo; the model works with less than this. */
export const EDGE_PX_MAX = 2_048;
export const EDGE_PX_MIN = 64;
/** Beyond this a picture is a strip of which scaling leaves nothing to see. */
export const ASPECT_RATIO_MAX = 20;

/** A photo lives for a day or a month and many arrive at once: speed before the last percent of its size. */
const UPLOAD_ENCODING: Encoding = { quality: 88, bestTables: false, aiGenerated: false };
const TYPES_ALLOWED: readonly string[] = ["image/jpeg", "image/png", "image/webp"];

/**
 * Takes a photo that a person sent and answers our own JPEG of it: upright (EXIF orientation applied), sRGB, on white
 * where it was transparent, its long edge at most `EDGE_PX_MAX`, without EXIF, GPS, ICC, XMP, IPTC and comments.
 *
 * The checks run from cheap to dear, and nothing is decoded before the header has been found harmless. Animations and
 * other pictures of several pages are refused, and so is a file that is at the same time an archive, a page, a document
 * or a program. Anything else behind the picture, as phones put it there, is not decoded and does not reach what we store.
 *
 * Throws `Refusal`: `file_too_large`, `file_type_unsupported`, `file_corrupt`, `image_too_many_pixels`, `image_too_small`.
 */
export async function acceptPhoto(bytes: Uint8Array, declaredType: string): Promise<Picture> {
  requireBytesWithin(bytes, UPLOAD_BYTES_MAX);
  const declared = normalizedType(declaredType);
  if (!TYPES_ALLOWED.includes(declared)) throw unsupported();
  if ((await requireSupportedContent(bytes)) !== declared) throw unsupported();
  if (isAlsoSomethingElse(bytes, declared)) throw unsupported();
  const picture = await withSafeHeader(bytes, declared);
  return reencode(picture, EDGE_PX_MAX, UPLOAD_ENCODING);
}

/** Refuses with `file_too_large`. */
export function requireBytesWithin(bytes: Uint8Array, bytesMax: number): void {
  if (bytes.byteLength > bytesMax) throw new Refusal("file_too_large", { bytes_max: bytesMax });
}

/** The media type that the first bytes tell, one of those allowed; `file_type_unsupported` for everything else. */
export async function requireSupportedContent(bytes: Uint8Array): Promise<string> {
  // The detector reads on through some containers; hostile ones make it throw.
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (found === undefined || !TYPES_ALLOWED.includes(found.mime)) throw unsupported();
  return found.mime;
}

/**
 * Reads the header alone, within milliseconds whatever it claims, and refuses what must not be decoded. Answers the bytes that
 * may be: those of a PNG without its texts.
 */
export async function withSafeHeader(file: Uint8Array, mediaType: string): Promise<Uint8Array> {
  const bytes = mediaType === "image/png" ? withoutTexts(file) : file;
  const sharp = await loadSharp();
  const header = await decoding(() => sharp(bytes, { ...INPUT_LIMITS, limitInputPixels: false }).metadata());
  const { width, height } = header;
  if (hasManyPages(header)) throw unsupported();
  const size = { width, height };
  if (width * height > PIXELS_MAX) throw new Refusal("image_too_many_pixels", { ...size, pixels_max: PIXELS_MAX });
  const shortEdge = Math.min(width, height);
  // Half a pixel more, so that a strip of the limit's shape passes again once it has been scaled to whole pixels.
  const isStrip = Math.max(width, height) > (shortEdge + 0.5) * ASPECT_RATIO_MAX;
  if (shortEdge < EDGE_PX_MIN || isStrip) {
    const limits = { edge_px_min: EDGE_PX_MIN, aspect_ratio_max: ASPECT_RATIO_MAX };
    throw new Refusal("image_too_small", { ...size, ...limits });
  }
  return bytes;
}

/** Decodes all of the picture and encodes it anew. Throws `file_corrupt` where anything in it is damaged or missing. */
export async function reencode(bytes: Uint8Array, edgePxMax: number, encoding: Encoding): Promise<Picture> {
  const sharp = await loadSharp();
  return decoding(() => {
    const pipeline = sharp(bytes, INPUT_LIMITS)
      .autoOrient()
      .resize({ width: edgePxMax, height: edgePxMax, fit: "inside", withoutEnlargement: true })
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb");
    return toPicture(pipeline, encoding);
  });
}

/** Decodes a picture of any of the three types, upright and at its own size, after the same checks as an upload's. */
export async function decodePixels(bytes: Uint8Array): Promise<Pixels> {
  const picture = await withSafeHeader(bytes, await requireSupportedContent(bytes));
  const sharp = await loadSharp();
  return decoding(() => toPixels(sharp(picture, INPUT_LIMITS).autoOrient()));
}

function hasManyPages(header: Metadata): boolean {
  return header.pages !== undefined && header.pages > 1;
}

function normalizedType(declaredType: string): string {
  const type = declaredType.split(";", 1).join("").trim().toLowerCase();
  // Not a registered name, but some clients send it.
  return type === "image/jpg" ? "image/jpeg" : type;
}

function unsupported(): Refusal {
  return new Refusal("file_type_unsupported", { types_allowed: TYPES_ALLOWED });
}
