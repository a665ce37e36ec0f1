import { blendOver } from "./blend.ts";
import { textOverlay } from "./overlay.ts";
import type { Pixels, Region } from "./pixels.ts";

/** Where and how a line of text stands in an area; everything in shares of the area's width and height. */
export interface TextPlacement {
  centreX: number;
  centreY: number;
  widthMax: number;
  heightMax: number;
  /** 0 is invisible, 1 opaque. */
  letterOpacity: number;
  haloOpacity: number;
}

/**
 * Draws one line into `area` of the picture, in place, as large as the placement allows. Nothing outside `area` changes;
 * an area of a few pixels, where no letter fits, stays as it is.
 */
export async function drawText(pixels: Pixels, text: string, area: Region, placement: TextPlacement): Promise<void> {
  const overlay = await textOverlay(text, {
    widthMax: stepDown(area.width * placement.widthMax),
    heightMax: stepDown(area.height * placement.heightMax),
    letterOpacity: placement.letterOpacity,
    haloOpacity: placement.haloOpacity,
  });
  const { width, height } = overlay;
  if (width > area.width || height > area.height) return;
  const region: Region = {
    left: area.left + startOf(placement.centreX, area.width, width),
    top: area.top + startOf(placement.centreY, area.height, height),
    width,
    height,
  };
  await blendOver(pixels, region, overlay);
}

/** The start of a piece of `length` centred at a share of `whole`, moved inwards where it would stick out. */
function startOf(share: number, whole: number, length: number): number {
  return Math.max(0, Math.min(whole - length, Math.round(whole * share - length / 2)));
}

/** Steps in each doubling of a size. */
const STEPS_PER_DOUBLING = 16;

/** Sizes in steps of a few percent, so that pictures of almost the same size share the rendered line. */
function stepDown(sizePx: number): number {
  if (sizePx < 1) return 1;
  const step = Math.max(1, 2 ** Math.floor(Math.log2(sizePx)) / STEPS_PER_DOUBLING);
  return Math.floor(Math.floor(sizePx / step) * step);
}
