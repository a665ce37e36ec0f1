import { expect } from "bun:test";
import { crc32, deflateSync } from "node:zlib";
import { Refusal } from "../../../src/platform/errors.ts";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import type { RefusalCode } from "../../../src/platform/refusals.ts";

export type Colour = readonly [red: number, green: number, blue: number];

/** Pixels of one colour as a sharp pipeline, to be encoded by the test. */
export async function flat(width: number, height: number, [r, g, b]: Colour) {
  const sharp = await loadSharp();
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
}

/** A picture with detail everywhere, so that a missing piece of its file cannot stay unnoticed. */
export async function noisy(width: number, height: number) {
  const sharp = await loadSharp();
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  return sharp({ create: { width, height, channels: 3, background: "#000000", noise } });
}

export function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** One PNG chunk with its length and checksum. */
export function pngChunk(name: string, data: Uint8Array): Uint8Array {
  const named = joined(latin1(name), data);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.byteLength, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return joined(frame.subarray(0, 4), named, frame.subarray(4));
}

export const PNG_SIGNATURE = latin1("\x89PNG\r\n\x1a\n");

/** A PNG that claims a size and holds next to nothing. */
export function pngClaiming(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const data = deflateSync(Buffer.alloc(64 * 1024));
  return joined(PNG_SIGNATURE, pngChunk("IHDR", header), pngChunk("IDAT", data), pngChunk("IEND", new Uint8Array()));
}

/** The same PNG with another chunk right behind its header. */
export function withPngChunk(png: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const headerEnd = PNG_SIGNATURE.length + 25;
  return joined(png.subarray(0, headerEnd), pngChunk(name, data), png.subarray(headerEnd));
}

/** The marker bytes (such as 0xe1 for APP1) of a JPEG's segments before its pixels. */
export function jpegSegments(jpeg: Uint8Array): number[] {
  const view = Buffer.from(jpeg);
  const markers: number[] = [];
  for (let at = 2; view[at] === 0xff && view[at + 1] !== 0xda; at += 2 + view.readUInt16BE(at + 2)) {
    markers.push(view[at + 1] ?? 0);
  }
  return markers;
}

const APPLICATION_DATA_OR_COMMENT = (marker: number): boolean => (marker > 0xe0 && marker <= 0xef) || marker === 0xfe;

/** The segments that could carry metadata: APP1 to APP15 and comments. JFIF's own APP0 holds only the density. */
export function metadataSegments(jpeg: Uint8Array): number[] {
  return jpegSegments(jpeg).filter(APPLICATION_DATA_OR_COMMENT);
}

/** Whether the bytes contain the text anywhere. */
export function holds(bytes: Uint8Array, text: string): boolean {
  return Buffer.from(bytes).includes(Buffer.from(text, "latin1"));
}

/** The colour of one pixel. */
export async function pixelAt(bytes: Uint8Array, left: number, top: number): Promise<Colour> {
  const sharp = await loadSharp();
  const data = await sharp(bytes).extract({ left, top, width: 1, height: 1 }).raw().toBuffer();
  return [data[0] ?? -1, data[1] ?? -1, data[2] ?? -1];
}

/** Expects a colour within what JPEG does to it. */
export function expectNear(actual: Colour, expected: Colour, tolerance = 12): void {
  const worst = Math.max(...actual.map((value, channel) => Math.abs(value - (expected[channel] ?? 0))));
  if (worst > tolerance) throw new Error(`expected about ${expected.join(",")}, found ${actual.join(",")}`);
}

/** Expects the work to end in a refusal with that code and with no other error. */
export async function expectRefusal(work: Promise<unknown>, code: RefusalCode): Promise<Refusal> {
  const outcome = await work.then(
    () => "accepted",
    (error: unknown) => error,
  );
  if (!(outcome instanceof Refusal)) throw new Error(`expected the refusal ${code}, found ${String(outcome)}`);
  expect(outcome.code).toBe(code);
  return outcome;
}
