import { invariant } from "../errors.ts";
import { BYTES_PER_PIXEL, type Pixels, type Region } from "./pixels.ts";

/** A layer of the region's size: red, green, blue, alpha; not premultiplied. */
export interface Layer {
  rgba: Uint8Array;
  width: number;
  height: number;
}

const LAYER_BYTES_PER_PIXEL = 4;
/** Everybody else has a turn after so many: about a millisecond. */
const PIXELS_PER_TURN = 256 * 1024;

/**
 * Puts the layer on a region of the picture, in place. Done here rather than by the native code, which computes every pixel of a
 * region in floating point, whether the layer covers it or not, and copies the region four times on the way: this takes
 * a third of the time. It runs in the program's own thread and therefore steps aside between its rows.
 */
export async function blendOver(pixels: Pixels, region: Region, layer: Layer): Promise<void> {
  const { left, top, width, height } = region;
  invariant(layer.width === width && layer.height === height, "a layer has the size of its region");
  invariant(left >= 0 && top >= 0, "a region lies within its picture");
  invariant(left + width <= pixels.width && top + height <= pixels.height, "a region lies within its picture");
  const rowsPerTurn = Math.max(1, Math.floor(PIXELS_PER_TURN / width));
  for (let first = 0; first < height; first += rowsPerTurn) {
    if (first > 0) await new Promise((resolve) => setImmediate(resolve));
    blendRows(pixels, region, layer.rgba, first, Math.min(height, first + rowsPerTurn));
  }
}

function blendRows(pixels: Pixels, region: Region, rgba: Uint8Array, first: number, end: number): void {
  const { data } = pixels;
  for (let row = first; row < end; row += 1) {
    let at = ((region.top + row) * pixels.width + region.left) * BYTES_PER_PIXEL;
    let from = row * region.width * LAYER_BYTES_PER_PIXEL;
    for (let column = 0; column < region.width; column += 1) {
      const alpha = rgba[from + 3] as number;
      if (alpha !== 0) {
        data[at] = mix(data[at] as number, rgba[from] as number, alpha);
        data[at + 1] = mix(data[at + 1] as number, rgba[from + 1] as number, alpha);
        data[at + 2] = mix(data[at + 2] as number, rgba[from + 2] as number, alpha);
      }
      at += BYTES_PER_PIXEL;
      from += LAYER_BYTES_PER_PIXEL;
    }
  }
}

/** The weighted mean of two bytes, to the nearest; exact for every input, without a division. */
function mix(below: number, above: number, alpha: number): number {
  const sum = below * (255 - alpha) + above * alpha + 128;
  return (sum + (sum >> 8)) >> 8;
}
