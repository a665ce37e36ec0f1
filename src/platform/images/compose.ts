import { invariant } from "../errors.ts";
import { cutOut } from "./cut-out.ts";
import { drawText, type TextPlacement } from "./draw-text.ts";
import { decodePixels } from "./inspect.ts";
import { changeRegion, fromPixels, type Pixels, type Region } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

/** A part of a picture, in fractions (0 to 1) of its width and height from the upper left corner. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Composition {
  /** The picture that is put upon; its size is the result's. */
  base: Uint8Array;
  /** A garment or accessory, best on a plain background. */
  item: Uint8Array;
  box: Box;
  /** Drawn inside the box, so that nobody takes the picture for a model's work. */
  label: string;
}

/** How much of the box the item may fill in the direction in which it is larger. */
const FILL_SHARE = 0.98;
const LABEL: TextPlacement = {
  centreX: 0.5,
  centreY: 0.93,
  widthMax: 0.5,
  heightMax: 0.13,
  letterOpacity: 0.85,
  haloOpacity: 0.6,
};

/**
 * Puts the item on the base: cut out of its plain background, as large as the box allows with its proportions kept,
 * centred. No pixel outside the box changes. Answers a PNG. The emulated model of the sandbox works with this.
 *
 * Throws the refusals of `acceptPhoto` where an input is no acceptable picture.
 */
export async function composeOnto({ base, item, box, label }: Composition): Promise<Uint8Array> {
  const pixels = await decodePixels(base);
  const region = regionOf(box, pixels);
  const sharp = await loadSharp();
  const cut = await cutOut(await decodePixels(item));
  const { data, info } = await sharp(cut.rgba, { raw: { width: cut.width, height: cut.height, channels: 4 } })
    .resize({ width: inner(region.width), height: inner(region.height), fit: "inside" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const layer = {
    input: data,
    raw: { width: info.width, height: info.height, channels: 4 },
    left: (region.width - info.width) >> 1,
    top: (region.height - info.height) >> 1,
  } as const;
  await changeRegion(pixels, region, (part) => part.composite([layer]));
  await drawText(pixels, label, region, LABEL);
  return toPng(pixels);
}

/** The box in whole pixels of a picture, none of them outside it. */
export function regionOf(box: Box, { width, height }: Pick<Pixels, "width" | "height">): Region {
  const left = Math.round(box.left * width);
  const top = Math.round(box.top * height);
  const right = Math.round((box.left + box.width) * width);
  const bottom = Math.round((box.top + box.height) * height);
  const inPicture = left >= 0 && top >= 0 && right <= width && bottom <= height;
  invariant(inPicture && right > left && bottom > top, "a box lies within its picture and is not empty");
  return { left, top, width: right - left, height: bottom - top };
}

/** Fast rather than small: these pictures go to the emulator's own client and are encoded anew there. */
const PNG_COMPRESSION_LEVEL = 3;

/** Encodes without loss. */
export async function toPng(pixels: Pixels): Promise<Uint8Array> {
  return (await fromPixels(pixels)).png({ compressionLevel: PNG_COMPRESSION_LEVEL }).toBuffer();
}

function inner(lengthPx: number): number {
  return Math.max(1, Math.floor(lengthPx * FILL_SHARE));
}
