import type { Sharp } from "sharp";
import { toPng } from "./compose.ts";
import { drawText, type TextPlacement } from "./draw-text.ts";
import { decodePixels } from "./inspect.ts";
import { visibleLine } from "./overlay.ts";
import { fromPixels, type Pixels, TO_LUMINANCE, toPixels, wholeOf } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

/** One change to a picture. */
export type PictureOperation =
  /** 1 leaves it, above is brighter, below darker. */
  | { kind: "brightness"; factor: number }
  /** -1 (cold) to 1 (warm), 0 leaves it. */
  | { kind: "warmth"; amount: number }
  | { kind: "grayscale" }
  /** Everything but a large ellipse in the middle. */
  | { kind: "blur_background" }
  /** A wash of one colour, each channel 0 to 255. */
  | { kind: "tint"; red: number; green: number; blue: number }
  /** A caption near the lower edge. */
  | { kind: "text"; text: string };

const CAPTION: TextPlacement = {
  centreX: 0.5,
  centreY: 0.88,
  widthMax: 0.9,
  heightMax: 0.12,
  letterOpacity: 0.95,
  haloOpacity: 0.7,
};
const CORNER_LABEL: TextPlacement = {
  centreX: 0.97,
  centreY: 0.03,
  widthMax: 0.34,
  heightMax: 0.07,
  letterOpacity: 0.85,
  haloOpacity: 0.6,
};

/**
 * Applies the operations one after another and draws `label` into the upper right corner. Answers a PNG of the base's
 * size. The emulated model of the sandbox works with this. Throws the refusals of `acceptPhoto` for an unacceptable base.
 */
export async function adjust(
  base: Uint8Array,
  operations: readonly PictureOperation[],
  label: string,
): Promise<Uint8Array> {
  let pixels = await decodePixels(base);
  for (const operation of operations) pixels = await apply(pixels, operation);
  await drawText(pixels, label, wholeOf(pixels), CORNER_LABEL);
  return toPng(pixels);
}

/** How far full warmth moves red up and blue down. */
const WARMTH_REACH = 0.25;
const TINT_SHARE = 0.4;

async function apply(pixels: Pixels, operation: PictureOperation): Promise<Pixels> {
  const change = async (pipeline: (start: Sharp) => Sharp) => toPixels(pipeline(await fromPixels(pixels)));
  switch (operation.kind) {
    case "brightness":
      return change((start) => start.linear(operation.factor, 0));
    case "warmth": {
      const reach = WARMTH_REACH * Math.max(-1, Math.min(1, operation.amount));
      return change((start) => start.linear([1 + reach, 1 + reach / 5, 1 - reach], [0, 0, 0]));
    }
    case "grayscale":
      return change((start) => start.recomb(TO_LUMINANCE));
    case "tint": {
      const { red, green, blue } = operation;
      const wash = [red, green, blue].map((value) => value * TINT_SHARE);
      return change((start) => start.linear(Array(3).fill(1 - TINT_SHARE), wash));
    }
    case "blur_background":
      return blurBackground(pixels);
    case "text":
      if (visibleLine(operation.text) !== "") await drawText(pixels, operation.text, wholeOf(pixels), CAPTION);
      return pixels;
  }
}

/** The ellipse is drawn this small and enlarged, so that no loop runs over a large picture. */
const ELLIPSE_GRID_PX = 128;
const BLUR_SHARE_OF_LONG_EDGE = 0.015;

async function blurBackground(pixels: Pixels): Promise<Pixels> {
  const sharp = await loadSharp();
  const { width, height } = pixels;
  const mask = await sharp(ellipseMask(), { raw: { width: ELLIPSE_GRID_PX, height: ELLIPSE_GRID_PX, channels: 1 } })
    .resize({ width, height, fit: "fill", kernel: "cubic" })
    .toColourspace("b-w")
    .raw()
    .toBuffer();
  const sharpPart = await (await fromPixels(pixels))
    .joinChannel(mask, { raw: { width, height, channels: 1 } })
    .raw()
    .toBuffer();
  const blurred = await toPixels(
    (await fromPixels(pixels)).blur(Math.max(1, Math.max(width, height) * BLUR_SHARE_OF_LONG_EDGE)),
  );
  const layer = { input: sharpPart, raw: { width, height, channels: 4 } } as const;
  return toPixels((await fromPixels(blurred)).composite([layer]));
}

/** 255 in the middle, 0 at the edges, with a soft slope between. */
function ellipseMask(): Buffer {
  const mask = Buffer.alloc(ELLIPSE_GRID_PX * ELLIPSE_GRID_PX);
  const middle = (ELLIPSE_GRID_PX - 1) / 2;
  for (let y = 0; y < ELLIPSE_GRID_PX; y += 1) {
    for (let x = 0; x < ELLIPSE_GRID_PX; x += 1) {
      // 1 on the ellipse, which is narrower than high, as people are.
      const distance = Math.hypot((x - middle) / (middle * 0.72), (y - middle) / (middle * 0.92));
      mask[y * ELLIPSE_GRID_PX + x] = Math.round(255 * Math.max(0, Math.min(1, (1.12 - distance) / 0.3)));
    }
  }
  return mask;
}
