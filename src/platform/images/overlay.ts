import type { Sharp } from "sharp";
import { invariant } from "../errors.ts";
import { escapeMarkup, FONT_FAMILY, fontFile } from "./font.ts";
import { toMask } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

/** A line of text as a layer: white letters in a soft dark halo, so that it reads on light and on dark alike. */
export interface Overlay {
  /** Red, green, blue, alpha; not premultiplied. */
  rgba: Buffer;
  width: number;
  height: number;
}

/** How large a line may become, and how much of the picture shows through. */
export interface OverlayStyle {
  /** Pixels, halo included. */
  widthMax: number;
  /** Pixels, halo included. */
  heightMax: number;
  /** 0 is invisible, 1 opaque. */
  letterOpacity: number;
  haloOpacity: number;
}

const OVERLAY_PX_MIN = 8;
/** Bytes of finished layers that stay in memory; the watermark of a 2048 px picture takes about 1 MB. */
const CACHE_BYTES_MAX = 12 * 1024 * 1024;
const cache = new Map<string, Overlay>();

const TEXT_CHARACTERS_MAX = 200;

/** The text as one line of what can be seen; empty when that is nothing. */
export function visibleLine(text: string): string {
  const line = text.toWellFormed().replace(/[\p{C}\p{Z}\s]+/gu, " ");
  return line.trim().slice(0, TEXT_CHARACTERS_MAX).toWellFormed();
}

/** The line in the style, rendered at its first use and taken from memory afterwards. */
export async function textOverlay(text: string, style: OverlayStyle): Promise<Overlay> {
  const line = visibleLine(text);
  invariant(line !== "", "an overlay needs a text");
  const key = JSON.stringify([line, style]);
  const overlay = cache.get(key) ?? (await renderOverlay(line, style));
  // Put back at the end, so that the first key is the one unused for longest.
  cache.delete(key);
  cache.set(key, overlay);
  forgetOldest();
  return overlay;
}

function forgetOldest(): void {
  let bytes = 0;
  for (const overlay of cache.values()) bytes += overlay.rgba.byteLength;
  for (const [key, overlay] of cache) {
    if (bytes <= CACHE_BYTES_MAX) return;
    cache.delete(key);
    bytes -= overlay.rgba.byteLength;
  }
}

interface Mask {
  data: Buffer;
  width: number;
  height: number;
}

/** Share of the letters' height that the halo reaches beyond them. */
const HALO_REACH = 0.12;
/** Makes the blurred letters' soft slope a dark rim with a soft end. */
const HALO_GAIN = 2.6;
const LETTER_COLOUR = "#ffffff";
const HALO_COLOUR = "#101010";

async function renderOverlay(text: string, style: OverlayStyle): Promise<Overlay> {
  const sharp = await loadSharp();
  const letters = await withMargin(await renderLetters(text, style));
  const { width, height } = letters;
  const blurred = await changeMask(letters, (start) => start.blur(Math.max(0.5, letters.marginPx / 1.6)));
  // Two steps: sharp keeps only the last `linear` of a pipeline, and the gain has to be cut off at full opacity first.
  const rim = await changeMask(blurred, (start) => start.linear(HALO_GAIN, 0));
  const halo = await changeMask(rim, (start) => start.linear(style.haloOpacity, 0));
  const bright = await changeMask(letters, (start) => start.linear(style.letterOpacity, 0));
  const layer = (alpha: Mask, background: string) =>
    sharp({ create: { width, height, channels: 3, background } })
      .joinChannel(alpha.data, rawMask(alpha))
      .raw()
      .toBuffer();
  const raw = { width, height, channels: 4 } as const;
  const light = { input: await layer(bright, LETTER_COLOUR), raw };
  const rgba = await sharp(await layer(halo, HALO_COLOUR), { raw })
    .composite([light])
    .raw()
    .toBuffer();
  return { rgba, width, height };
}

/** Room for the halo around the letters. */
async function withMargin(letters: Mask): Promise<Mask & { marginPx: number }> {
  const sharp = await loadSharp();
  const marginPx = Math.max(1, Math.floor(letters.height * HALO_REACH));
  const margins = { top: marginPx, bottom: marginPx, left: marginPx, right: marginPx };
  const data = await toMask(sharp(letters.data, rawMask(letters)).extend({ ...margins, background: "#000000" }));
  return { data, width: letters.width + 2 * marginPx, height: letters.height + 2 * marginPx, marginPx };
}

async function changeMask(mask: Mask, change: (start: Sharp) => Sharp): Promise<Mask> {
  const sharp = await loadSharp();
  return { ...mask, data: await toMask(change(sharp(mask.data, rawMask(mask)))) };
}

function rawMask({ width, height }: Mask) {
  return { raw: { width, height, channels: 1 } } as const;
}

/** Dots per inch at which a line is measured before it is rendered in its size. */
const MEASURING_DPI = 300;

/** Letters come out a little larger or smaller than computed, since sizes are whole dots per inch. */
const SIZE_TOLERANCE = 0.97;

/** One line, as large as fits with its halo. */
async function renderLetters(text: string, style: OverlayStyle): Promise<Mask> {
  const { width, height } = await renderAt(text, MEASURING_DPI);
  const haloPx = 2 * HALO_REACH * height;
  const byWidth = Math.max(OVERLAY_PX_MIN, style.widthMax) / (width + haloPx);
  const byHeight = Math.max(OVERLAY_PX_MIN, style.heightMax) / (height + haloPx);
  return renderAt(text, Math.max(1, Math.floor(MEASURING_DPI * Math.min(byWidth, byHeight) * SIZE_TOLERANCE)));
}

async function renderAt(text: string, dpi: number): Promise<Mask> {
  const sharp = await loadSharp();
  const line = { text: escapeMarkup(text), font: FONT_FAMILY, fontfile: await fontFile(), dpi };
  const { data, info } = await sharp({ text: line })
    .toColourspace("b-w")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  invariant(info.channels === 1, "letters are rendered as one channel");
  return { data, width: info.width, height: info.height };
}
