import type { Matrix3x3, Sharp } from "sharp";
import { invariant } from "../errors.ts";
import { loadSharp } from "./sharp.ts";

/** A decoded picture in memory: rows from the top, three bytes (red, green, blue) a pixel. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** A part of a picture in whole pixels, seen from the upper left corner. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const BYTES_PER_PIXEL = 3;

/** Rec. 709 in fractions that binary numbers hold exactly, since sharp cuts off what a sum lacks to a whole number. */
const LUMINANCE_WEIGHTS = [54 / 256, 183 / 256, 19 / 256] as const;

/** Gives each of the three channels the luminance, unlike sharp's `greyscale`, which leaves one channel. */
export const TO_LUMINANCE: Matrix3x3 = [[...LUMINANCE_WEIGHTS], [...LUMINANCE_WEIGHTS], [...LUMINANCE_WEIGHTS]];

/** Decodes to the end of `pipeline`. Transparency, if there is any, becomes white. */
export async function toPixels(pipeline: Sharp): Promise<Pixels> {
  const { data, info } = await pipeline
    .flatten({ background: "#ffffff" })
    // Blending, which comes after flattening, adds an alpha channel that is opaque everywhere.
    .removeAlpha()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  invariant(info.channels === BYTES_PER_PIXEL, `three channels were expected, not ${info.channels}`);
  return { data, width: info.width, height: info.height };
}

/** Decodes to the end of a pipeline of one channel. Without being told, sharp answers three where it thinks of colour. */
export async function toMask(pipeline: Sharp): Promise<Buffer> {
  const { data, info } = await pipeline
    .toColourspace("b-w")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  invariant(info.channels === 1, `one channel was expected, not ${info.channels}`);
  return data;
}

/** A sharp pipeline that starts from decoded pixels. */
export async function fromPixels(pixels: Pixels): Promise<Sharp> {
  const sharp = await loadSharp();
  const { width, height } = pixels;
  return sharp(pixels.data, { raw: { width, height, channels: BYTES_PER_PIXEL } });
}

/**
 * Changes one region and leaves every other pixel as it is. Blending a layer over a whole picture costs more than
 * encoding it; here only the rows of the region move, each in one copy. `pixels` is changed in place.
 */
export async function changeRegion(
  pixels: Pixels,
  region: Region,
  change: (part: Sharp) => Sharp | Promise<Sharp>,
): Promise<void> {
  const part = await fromPixels(copyRegion(pixels, region));
  const changed = await toPixels(await change(part));
  invariant(changed.width === region.width && changed.height === region.height, "a changed region keeps its size");
  const rowBytes = region.width * BYTES_PER_PIXEL;
  for (let row = 0; row < region.height; row += 1) {
    const source = changed.data.subarray(row * rowBytes, (row + 1) * rowBytes);
    pixels.data.set(source, offsetOf(pixels, region.left, region.top + row));
  }
}

/** The region that is all of the picture. */
export function wholeOf(pixels: Pixels): Region {
  return { left: 0, top: 0, width: pixels.width, height: pixels.height };
}

/** A region's pixels on their own. */
export function copyRegion(pixels: Pixels, region: Region): Pixels {
  const rowBytes = region.width * BYTES_PER_PIXEL;
  const data = new Uint8Array(rowBytes * region.height);
  for (let row = 0; row < region.height; row += 1) {
    const start = offsetOf(pixels, region.left, region.top + row);
    data.set(pixels.data.subarray(start, start + rowBytes), row * rowBytes);
  }
  return { data, width: region.width, height: region.height };
}

function offsetOf(pixels: Pixels, left: number, top: number): number {
  return (top * pixels.width + left) * BYTES_PER_PIXEL;
}
