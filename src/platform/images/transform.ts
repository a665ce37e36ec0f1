import { reencode, requireBytesWithin, requireSafeHeader, requireSupportedContent } from "./inspect.ts";
import { textOverlay } from "./overlay.ts";
import { decoding, type Encoding, INPUT_LIMITS, type Picture, toPicture } from "./picture.ts";
import { changeRegion, fromPixels, type Pixels, type Region, toPixels } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

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
  await requireSupportedContent(bytes);
  await requireSafeHeader(bytes);
  return reencode(bytes, RESULT_EDGE_PX_MAX, RESULT_ENCODING);
}

/** A small copy for lists. `aiGenerated` writes the mark of a model's work, which is not taken over from `bytes`. */
export function preview(bytes: Uint8Array, options: { aiGenerated: boolean }): Promise<Picture> {
  return reencode(bytes, PREVIEW_EDGE_PX_MAX, { ...PREVIEW_ENCODING, aiGenerated: options.aiGenerated });
}

/** Where a line of the watermark stands, in shares of the picture's width and height. */
interface Line {
  centreX: number;
  centreY: number;
  widthMax: number;
  heightMax: number;
}

/**
 * A wide line over the lower middle, where the garment is, and a small one near the upper edge: cropping both away
 * costs the picture its subject, while the face stays free.
 */
const LINES: readonly Line[] = [
  { centreX: 0.5, centreY: 0.68, widthMax: 0.86, heightMax: 0.14 },
  { centreX: 0.78, centreY: 0.07, widthMax: 0.36, heightMax: 0.07 },
];
const LETTER_OPACITY = 0.6;
const HALO_OPACITY = 0.42;
/** Sizes of the text in steps, so that pictures of almost the same size share the rendered line. */
const SIZE_STEP_PX = 32;

/**
 * Writes `text` visibly on a picture of ours and keeps its mark of a model's work. Only the lines' own regions are
 * blended, and each line is rendered once for each size. Outside these regions nothing changes but by the encoding.
 *
 * Throws `Refusal` `file_corrupt` where `clean` cannot be decoded.
 */
export async function watermark(clean: Uint8Array, text: string): Promise<Picture> {
  const sharp = await loadSharp();
  const pixels = await decoding(() => toPixels(sharp(clean, INPUT_LIMITS).autoOrient()));
  for (const line of LINES) await drawLine(pixels, line, text);
  return toPicture(await fromPixels(pixels), WATERMARKED_ENCODING);
}

async function drawLine(pixels: Pixels, line: Line, text: string): Promise<void> {
  const overlay = await textOverlay(text, {
    widthMax: stepDown(pixels.width * line.widthMax),
    heightMax: stepDown(pixels.height * line.heightMax),
    letterOpacity: LETTER_OPACITY,
    haloOpacity: HALO_OPACITY,
  });
  const region: Region = {
    left: place(line.centreX, pixels.width, overlay.width),
    top: place(line.centreY, pixels.height, overlay.height),
    width: overlay.width,
    height: overlay.height,
  };
  const raw = { width: overlay.width, height: overlay.height, channels: 4 } as const;
  await changeRegion(pixels, region, (part) => part.composite([{ input: overlay.rgba, raw }]));
}

/** The start of a piece of `length` centred at a share of `whole`, moved inwards where it would stick out. */
function place(share: number, whole: number, length: number): number {
  return Math.max(0, Math.min(whole - length, Math.round(whole * share - length / 2)));
}

function stepDown(sizePx: number): number {
  return sizePx < SIZE_STEP_PX ? Math.floor(sizePx) : Math.floor(sizePx / SIZE_STEP_PX) * SIZE_STEP_PX;
}
