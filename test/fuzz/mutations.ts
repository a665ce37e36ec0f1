import { crc32 } from "node:zlib";
import { HTML_PAGE, joined, PDF_DOCUMENT, SVG_DRAWING, zipArchive } from "../support/hostile-files.ts";
import type { Chance } from "./values.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A picture, and what it is called by whoever sends it. */
export interface Specimen {
  bytes: Bytes;
  type: string;
}

/** Where sizes, counts and offsets stand in every format. */
const HEADER_BYTES = 512;
const EXTREME_NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const PNG_SIGNATURE_BYTES = 8;
/** Length, name and check sum around a chunk's content. */
const PNG_CHUNK_FRAME_BYTES = 12;
const STRANGERS = ["PK\u0003\u0004", "%PDF-1.7\n", "MZ\u0090", "\u007fELF", "<svg", "GIF89a", "<?php ", HTML_PAGE];

/** One to four things done to a picture, such as a broken line, a bad disk or an enemy would do. */
export function mutated(specimen: Specimen, others: readonly Specimen[], chance: Chance): Specimen {
  let { bytes, type } = specimen;
  for (let times = chance.whole(1, 4); times > 0; times -= 1) bytes = chance.oneOf(MUTATIONS)(bytes, chance, others);
  if (chance.isOnce(0.03))
    type = chance.oneOf(["image/jpeg", "image/png", "image/webp", "image/svg+xml", "text/html", ""]);
  return { bytes, type };
}

type Mutation = (bytes: Bytes, chance: Chance, others: readonly Specimen[]) => Bytes;

const placeIn = (bytes: Bytes, chance: Chance): number =>
  chance.whole(0, Math.max(0, (chance.isOnce(0.6) ? Math.min(HEADER_BYTES, bytes.length) : bytes.length) - 1));

const MUTATIONS: readonly Mutation[] = [
  function bitsFlipped(bytes, chance) {
    const copy = bytes.slice();
    for (let flips = chance.whole(1, 20); flips > 0; flips -= 1) {
      const place = placeIn(copy, chance);
      copy[place] = (copy[place] ?? 0) ^ (1 << chance.whole(0, 7));
    }
    return copy;
  },
  function numberReplaced(bytes, chance) {
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    const size = chance.oneOf([1, 2, 4] as const);
    const place = placeIn(copy, chance);
    if (place + size > copy.length) return copy;
    const value = chance.oneOf(EXTREME_NUMBERS);
    const isLittle = chance.isOnce(0.5);
    if (size === 1) view.setUint8(place, value & 0xff);
    else if (size === 2) view.setUint16(place, value & 0xffff, isLittle);
    else view.setUint32(place, value >>> 0, isLittle);
    return copy;
  },
  function cutOff(bytes, chance) {
    return bytes.slice(0, Math.max(1, Math.floor(bytes.length * chance.number())));
  },
  function rangeRemoved(bytes, chance) {
    const from = placeIn(bytes, chance);
    return joined(bytes.slice(0, from), bytes.slice(from + chance.whole(1, 200)));
  },
  function rangeRepeated(bytes, chance) {
    const from = placeIn(bytes, chance);
    const range = bytes.slice(from, from + chance.whole(1, 2_000));
    const times = Array.from({ length: chance.whole(1, 8) }, () => range);
    return joined(bytes.slice(0, from), ...times, bytes.slice(from));
  },
  function noisePutIn(bytes, chance) {
    const from = placeIn(bytes, chance);
    const noise = Uint8Array.from({ length: chance.whole(1, 300) }, () => chance.whole(0, 255));
    return joined(bytes.slice(0, from), noise, bytes.slice(from));
  },
  function graftedOnAnother(bytes, chance, others) {
    const other = chance.oneOf(others).bytes;
    return joined(bytes.slice(0, placeIn(bytes, chance)), other.slice(placeIn(other, chance)));
  },
  function somethingElseBehind(bytes, chance) {
    const tail = chance.oneOf([HTML_PAGE, SVG_DRAWING, PDF_DOCUMENT, zipArchive("run.js", "alert(1)", bytes.length)]);
    return joined(bytes, tail);
  },
  function somethingElseBefore(bytes, chance) {
    return joined(Buffer.from(chance.oneOf(STRANGERS), "latin1"), bytes);
  },
  function strangerInside(bytes, chance) {
    const copy = bytes.slice();
    copy.set(Buffer.from(chance.oneOf(STRANGERS), "latin1").subarray(0, copy.length), 0);
    return chance.isOnce(0.3) ? copy : graftAt(bytes, placeIn(bytes, chance), chance.oneOf(STRANGERS));
  },
  function pngChunkChanged(bytes, chance) {
    return isPng(bytes) ? withPngChunkChanged(bytes, chance) : bytes.slice();
  },
  function jpegSegmentPutIn(bytes, chance) {
    if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return bytes.slice();
    const content = Uint8Array.from({ length: chance.whole(0, 500) }, () => chance.whole(0, 255));
    const marker = chance.oneOf([0xe0, 0xe1, 0xe2, 0xed, 0xee, 0xfe, 0xc4, 0xdb, 0xdd, 0xda, 0xc0, 0xc2]);
    const length = chance.isOnce(0.7) ? content.length + 2 : chance.whole(0, 0xffff);
    return joined(bytes.slice(0, 2), Uint8Array.of(0xff, marker, length >> 8, length & 0xff), content, bytes.slice(2));
  },
];

const graftAt = (bytes: Bytes, place: number, text: string): Bytes =>
  joined(bytes.slice(0, place), Buffer.from(text, "latin1"), bytes.slice(place));

const isPng = (bytes: Bytes): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;

/** A chunk with other content and a check sum that fits it: damage that no check sum finds, huge sizes among it. */
function withPngChunkChanged(bytes: Bytes, chance: Chance): Bytes {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const starts: number[] = [];
  for (let at = PNG_SIGNATURE_BYTES; at + PNG_CHUNK_FRAME_BYTES <= copy.length; ) {
    const length = view.getUint32(at);
    if (at + PNG_CHUNK_FRAME_BYTES + length > copy.length) break;
    starts.push(at);
    at += PNG_CHUNK_FRAME_BYTES + length;
  }
  if (starts.length === 0) return copy;
  // The header most of all: there stand the sizes.
  const start = chance.isOnce(0.6) ? (starts[0] ?? 0) : chance.oneOf(starts);
  const length = view.getUint32(start);
  for (let changes = chance.whole(1, 3); changes > 0 && length > 0; changes -= 1) {
    const place = start + 8 + chance.whole(0, length - 1);
    if (place + 4 <= start + 8 + length && chance.isOnce(0.5))
      view.setUint32(place, chance.oneOf(EXTREME_NUMBERS) >>> 0);
    else copy[place] = chance.whole(0, 255);
  }
  view.setUint32(start + 8 + length, crc32(copy.subarray(start + 4, start + 8 + length)));
  return copy;
}
