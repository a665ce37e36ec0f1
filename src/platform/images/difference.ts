import type { Sharp } from "sharp";
import { type Box, regionOf } from "./compose.ts";
import { decodePixels } from "./inspect.ts";
import { fromPixels, type Pixels, type Region, TO_LUMINANCE, toMask, toPixels, wholeOf } from "./pixels.ts";
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
  const first = await decodePixels(a);
  const { width, height } = first;
  const start = await fromPixels(await decodePixels(b));
  const second = await toPixels(start.resize({ width, height, fit: "fill", kernel: "cubic" }));
  const difference = await differenceOf(first, second);
  const whole = wholeOf(first);
  const region = box === undefined ? whole : regionOf(box, first);
  const sum = await sumOver(difference, whole);
  const sumInside = await sumOver(difference, region);
  const pixelsInside = region.width * region.height;
  const pixelsOutside = width * height - pixelsInside;
  const outside = pixelsOutside === 0 ? 0 : (sum - sumInside) / pixelsOutside;
  return { inside: sumInside / pixelsInside, outside };
}

/**
 * Where the first picture is lighter, by how much, in the red channel; where the second is, in the green one. Sharp's
 * blend mode "difference" would answer one level less here and there, since it calculates in fractions and cuts off.
 */
async function differenceOf(first: Pixels, second: Pixels): Promise<Pixels> {
  const sharp = await loadSharp();
  const raw = { width: first.width, height: first.height, channels: 1 } as const;
  const luminances = [await luminanceOf(first), await luminanceOf(second)] as const;
  const both = sharp(luminances[0], { raw }).joinChannel([luminances[1], luminances[1]], { raw });
  const subtraction: Parameters<Sharp["recomb"]>[0] = [
    [1, -1, 0],
    [-1, 1, 0],
    [0, 0, 0],
  ];
  return toPixels((await fromPixels(await toPixels(both))).recomb(subtraction));
}

async function luminanceOf(pixels: Pixels): Promise<Buffer> {
  return toMask((await fromPixels(pixels)).recomb(TO_LUMINANCE).extractChannel(0));
}

/** The sum of all differences in a region. */
async function sumOver(difference: Pixels, region: Region): Promise<number> {
  // The statistics are those of the input, so that a cut-out region has to become an input of its own.
  const part = await toPixels((await fromPixels(difference)).extract(region));
  const { channels } = await (await fromPixels(part)).stats();
  return channels.reduce((sum, channel) => sum + channel.sum, 0);
}
