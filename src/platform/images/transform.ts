import { forgetBytes } from "../forget-bytes.ts";
import { drawText, type TextPlacement } from "./draw-text.ts";
import { decodePixels, reencode, requireBytesWithin, requireSupportedContent, withSafeHeader } from "./inspect.ts";
import { type Encoding, type Picture, toPicture } from "./picture.ts";
import { fromPixels, wholeOf } from "./pixels.ts";

export const RESULT_BYTES_MAX = 30 * 1024 * 1024;
export const RESULT_EDGE_PX_MAX = 4_096;
export const PREVIEW_EDGE_PX_MAX = 512;

const RESULT_ENCODING: Encoding = { quality: 92, bestTables: true, aiGenerated: true };
const WATERMARKED_ENCODING: Encoding = { quality: 88, bestTables: false, aiGenerated: true };
const PREVIEW_ENCODING = { quality: 80, bestTables: true };

/**
 * Takes a picture that a provider made and answers our own JPEG of it, by the same checks as `acceptPhoto`, except that
 * there is no declared type. All its metadata are dropped; ours say that a model made it (`AI_GENERATED_XMP`).
 *
 * Throws the same refusals; the caller decides what a bad result means to the person.
 */
export async function acceptResult(bytes: Uint8Array): Promise<Picture> {
  requireBytesWithin(bytes, RESULT_BYTES_MAX);
  const picture = await withSafeHeader(bytes, await requireSupportedContent(bytes));
  return reencode(picture, RESULT_EDGE_PX_MAX, RESULT_ENCODING);
}

/** A small copy for lists. `aiGenerated` writes the mark of a model's work, which is not taken over from `bytes`. */
export function preview(bytes: Uint8Array, options: { aiGenerated: boolean }): Promise<Picture> {
  return reencode(bytes, PREVIEW_EDGE_PX_MAX, { ...PREVIEW_ENCODING, aiGenerated: options.aiGenerated });
}

/**
 * A wide line over the lower middle, where the garment is, and a small one near the upper edge: cropping both away
 * costs the picture its subject, while the face stays free.
 */
const WATERMARK_LINES: readonly TextPlacement[] = [
  { centreX: 0.5, centreY: 0.68, widthMax: 0.86, heightMax: 0.14, letterOpacity: 0.62, haloOpacity: 0.44 },
  { centreX: 0.78, centreY: 0.07, widthMax: 0.36, heightMax: 0.07, letterOpacity: 0.62, haloOpacity: 0.44 },
];

/**
 * Writes `text` visibly on a picture of ours and keeps its mark of a model's work. Only the lines' own regions are
 * blended, and each line is rendered once for each size. Outside these regions nothing changes but by the encoding.
 *
 * Throws the same refusals as `acceptResult` where `clean` is no such picture.
 */
export async function watermark(clean: Uint8Array, text: string): Promise<Picture> {
  const pixels = await decodePixels(clean);
  try {
    for (const line of WATERMARK_LINES) await drawText(pixels, text, wholeOf(pixels), line);
    return await toPicture(await fromPixels(pixels), WATERMARKED_ENCODING);
  } finally {
    forgetBytes(pixels.data);
  }
}
