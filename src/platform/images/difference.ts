import type { Sharp } from "sharp";
import { type Box, regionOf } from "./compose.ts";
import { decodePixels } from "./inspect.ts";
import { fromPixels, type Pixels, TO_LUMINANCE, toPixels, wholeOf } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

/** Mean absolute difference of two pictures' luminance, 0 (equal) to 255. */
export interface LuminanceDifference {
  inside: number;
  outside: number;
}

/**
 * Compares two pictures pixel by pixel inside a box and outside it; `b` is scaled to the size of `a` where they differ.
 * Without a box all of the picture is inside and `outside` is 0. Throws the refusals of `acceptPhoto`.
 */
export async function luminanceDifference(a: Uint8Array, b: Uint8Array, box?: Box): Promise<LuminanceDifference> {
  const first = await toGrey(await fromPixels(await decodePixels(a)));
  const { width, height } = first;
  const second = await toGrey(
    (await fromPixels(await decodePixels(b))).resize({ width, height, fit: "fill", kernel: "cubic" }),
  );
  const layer = { input: Buffer.from(second.data), raw: { width, height, channels: 3 } } as const;
  const difference = await toPixels((await fromPixels(first)).composite([{ ...layer, blend: "difference" }]));
  const region = box === undefined ? wholeOf(difference) : regionOf(box, difference);
  const total = (await meanOf(await fromPixels(difference))) * width * height;
  const inside = await meanOf((await fromPixels(difference)).extract(region));
  const pixelsInside = region.width * region.height;
  const pixelsOutside = width * height - pixelsInside;
  const outside = pixelsOutside === 0 ? 0 : Math.max(0, total - inside * pixelsInside) / pixelsOutside;
  return { inside, outside };
}

function toGrey(pipeline: Sharp): Promise<Pixels> {
  return toPixels(pipeline.recomb(TO_LUMINANCE));
}

async function meanOf(pipeline: Sharp): Promise<number> {
  const sharp = await loadSharp();
  // The statistics are those of the input, so that a cut-out region has to become an input of its own.
  const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const { channels: statistics } = await sharp(data, { raw: { width, height, channels } }).stats();
  return statistics[0]?.mean ?? 0;
}
