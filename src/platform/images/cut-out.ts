import { fromPixels, type Pixels, type Region, toMask } from "./pixels.ts";
import { loadSharp } from "./sharp.ts";

/** An item without its background. */
export interface CutOut {
  /** Red, green, blue, alpha; not premultiplied. */
  rgba: Buffer;
  width: number;
  height: number;
}

/** Loops over pixels run on this small copy only; everything at full size is done by native code. */
const GRID_PX_MAX = 256;
/** How far a pixel's worst channel may be from the background's colour. */
const BACKGROUND_TOLERANCE = 24;
/** Levels of opacity for each level of difference from the background: where the soft edge ends. */
const EDGE_STEEPNESS = 8;
/** Share of the border's pixels that must be alike for it to count as a background. */
const UNIFORM_BORDER_SHARE_MIN = 0.85;
/** With less than this left the item and its background are too alike to tell apart. */
const ITEM_SHARE_MIN = 0.01;

/**
 * Takes the plain background away from a photo of an item and crops to what is left. A photo with a lively border is
 * answered whole, since nothing tells the item there.
 */
export async function cutOut(item: Pixels): Promise<CutOut> {
  const sharp = await loadSharp();
  const grid = await smallCopy(item);
  const colour = uniformBorderColour(grid);
  const background = colour && floodBackground(grid, colour);
  const bounds = background && boundsOfItem(grid, background, item);
  if (!colour || !background || !bounds) {
    const rgba = await (await fromPixels(item)).ensureAlpha().raw().toBuffer();
    return { rgba, width: item.width, height: item.height };
  }
  const { width, height } = item;
  const size = { width, height, channels: 1 } as const;
  const edges = await differenceFrom(item, colour);
  const inside = await enlarge(insideOf(grid, background), grid, item);
  const alpha = await toMask(sharp(edges, { raw: size }).boolean(inside, "or", { raw: size }));
  const rgba = await (await fromPixels(item)).joinChannel(alpha, { raw: size }).raw().toBuffer();
  const cropped = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .extract(bounds)
    .raw()
    .toBuffer();
  return { rgba: cropped, width: bounds.width, height: bounds.height };
}

type Colour = readonly [red: number, green: number, blue: number];

async function smallCopy(item: Pixels): Promise<Pixels> {
  const { data, info } = await (await fromPixels(item))
    .resize({ width: GRID_PX_MAX, height: GRID_PX_MAX, fit: "inside", withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** The border's median colour, if most of the border has about that colour. */
function uniformBorderColour(grid: Pixels): Colour | undefined {
  const border = borderCells(grid);
  const channel = (index: number): number => {
    const values = border.map((cell) => grid.data[cell * 3 + index] ?? 0).sort((a, b) => a - b);
    return values[values.length >> 1] ?? 0;
  };
  const colour: Colour = [channel(0), channel(1), channel(2)];
  const alike = border.filter((cell) => isAlike(grid, cell, colour)).length;
  return alike >= border.length * UNIFORM_BORDER_SHARE_MIN ? colour : undefined;
}

function borderCells({ width, height }: Pixels): number[] {
  const cells: number[] = [];
  for (let x = 0; x < width; x += 1) cells.push(x, (height - 1) * width + x);
  for (let y = 1; y < height - 1; y += 1) cells.push(y * width, y * width + width - 1);
  return cells;
}

function isAlike(grid: Pixels, cell: number, colour: Colour): boolean {
  for (let channel = 0; channel < 3; channel += 1) {
    const distance = Math.abs((grid.data[cell * 3 + channel] ?? 0) - (colour[channel] ?? 0));
    if (distance > BACKGROUND_TOLERANCE) return false;
  }
  return true;
}

/** 1 for each cell of the background: alike and joined to the border, so that white buttons stay on a coat. */
function floodBackground(grid: Pixels, colour: Colour): Uint8Array {
  const { width, height } = grid;
  const background = new Uint8Array(width * height);
  const pending: number[] = [];
  const visit = (cell: number): void => {
    if (background[cell] === 1 || !isAlike(grid, cell, colour)) return;
    background[cell] = 1;
    pending.push(cell);
  };
  for (const cell of borderCells(grid)) visit(cell);
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    const x = cell % width;
    if (x > 0) visit(cell - 1);
    if (x < width - 1) visit(cell + 1);
    if (cell >= width) visit(cell - width);
    if (cell < width * (height - 1)) visit(cell + width);
  }
  return background;
}

/** Where the item lies in the full picture, a cell wider on each side; undefined when almost nothing is left. */
function boundsOfItem(grid: Pixels, background: Uint8Array, item: Pixels): Region | undefined {
  let [left, top, right, bottom, cells] = [grid.width, grid.height, -1, -1, 0];
  background.forEach((isBackground, cell) => {
    if (isBackground === 1) return;
    const x = cell % grid.width;
    const y = Math.floor(cell / grid.width);
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    cells += 1;
  });
  if (cells < background.length * ITEM_SHARE_MIN) return undefined;
  const scaleX = item.width / grid.width;
  const scaleY = item.height / grid.height;
  const start = { left: Math.floor(Math.max(0, left - 1) * scaleX), top: Math.floor(Math.max(0, top - 1) * scaleY) };
  const width = Math.min(item.width, Math.ceil((right + 2) * scaleX)) - start.left;
  const height = Math.min(item.height, Math.ceil((bottom + 2) * scaleY)) - start.top;
  return { ...start, width, height };
}

/** 255 where a cell and all its neighbours belong to the item: there it is opaque, whatever its colour. */
function insideOf(grid: Pixels, background: Uint8Array): Buffer {
  const { width, height } = grid;
  const isItem = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && background[y * width + x] === 0;
  const inside = Buffer.alloc(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let whole = true;
      for (let dy = -1; dy <= 1 && whole; dy += 1) {
        for (let dx = -1; dx <= 1 && whole; dx += 1) whole = isItem(x + dx, y + dy);
      }
      if (whole) inside[y * width + x] = 255;
    }
  }
  return inside;
}

async function enlarge(mask: Buffer, from: Pixels, to: Pixels): Promise<Buffer> {
  const sharp = await loadSharp();
  const start = sharp(mask, { raw: { width: from.width, height: from.height, channels: 1 } });
  return toMask(start.resize({ width: to.width, height: to.height, fit: "fill", kernel: "linear" }));
}

/** Opacity at full size from how far each pixel is from the background's colour: nothing, then a soft edge, then all. */
async function differenceFrom(item: Pixels, [red, green, blue]: Colour): Promise<Buffer> {
  const sharp = await loadSharp();
  const { width, height } = item;
  const flat = { create: { width, height, channels: 3, background: { r: red, g: green, b: blue } } } as const;
  const difference = await (await fromPixels(item))
    .composite([{ input: flat, blend: "difference" }])
    .removeAlpha()
    .raw()
    .toBuffer();
  // The bitwise "or" of the channels is at least the largest of them, and less than twice it.
  const largest = await toMask(sharp(difference, { raw: { width, height, channels: 3 } }).bandbool("or"));
  const offset = -EDGE_STEEPNESS * (BACKGROUND_TOLERANCE / 2);
  return toMask(sharp(largest, { raw: { width, height, channels: 1 } }).linear(EDGE_STEEPNESS, offset));
}
