/** What ends a zip archive, 22 bytes and a comment of at most 65 535 before the end of the file. */
const ZIP_END = Buffer.from("PK\x05\x06");
const ZIP_END_BYTES = 22;
const ZIP_COMMENT_BYTES_MAX = 65_535;

/** What a browser would run as a page, a server as a script, and a reader open as a document. */
const PAGE_OR_DOCUMENT = /<!doctype|<html|<script|<iframe|<\?php|%pdf-/i;
const ARCHIVES = ["Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c"];
const PROGRAMS = ["MZ", "\x7fELF", "#!"];

const JPEG_END = 0xd9;
const JPEG_SCAN = 0xda;
const PNG_SIGNATURE_BYTES = 8;
const PNG_CHUNK_FRAME_BYTES = 12;
const RIFF_HEADER_BYTES = 8;

/**
 * Whether a picture is at the same time a file of another kind: an archive, a page, a document or a program hides behind
 * its end (a polyglot). Only that is looked for, since phones put harmless things there: a second picture with the
 * brightness, the seconds of film of a "live" photo, notes of the camera's own. Our encoding carries none of it on; a
 * file that was made to deceive is refused all the same.
 */
export function isAlsoSomethingElse(bytes: Uint8Array, mediaType: string): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (endsAsZip(file)) return true;
  const tail = file.toString("latin1", endOfPicture(file, mediaType)).replace(/^[\s\0]+/, "");
  if (PROGRAMS.some((beginning) => tail.startsWith(beginning))) return true;
  return ARCHIVES.some((beginning) => tail.includes(beginning)) || PAGE_OR_DOCUMENT.test(tail);
}

/** A zip archive is read from its end, where the length of its comment must lead exactly to the file's end. */
function endsAsZip(file: Buffer): boolean {
  const earliest = Math.max(0, file.length - ZIP_END_BYTES - ZIP_COMMENT_BYTES_MAX);
  for (let at = file.indexOf(ZIP_END, earliest); at !== -1; at = file.indexOf(ZIP_END, at + 1)) {
    const commentAt = at + ZIP_END_BYTES;
    if (commentAt <= file.length && commentAt + file.readUInt16LE(commentAt - 2) === file.length) return true;
  }
  return false;
}

/** Where the picture's own format says that it ends; the length of the file where it does not say. */
function endOfPicture(file: Buffer, mediaType: string): number {
  switch (mediaType) {
    case "image/jpeg":
      return endOfJpeg(file);
    case "image/png":
      return endOfPng(file);
    case "image/webp":
      return file.length < RIFF_HEADER_BYTES ? file.length : RIFF_HEADER_BYTES + file.readUInt32LE(4);
    default:
      return file.length;
  }
}

/** Segments name their length; only a scan has to be searched for the next marker, past stuffed and restart bytes. */
function endOfJpeg(file: Buffer): number {
  let at = 2;
  while (at + 4 <= file.length) {
    const marker = file.readUInt8(at + 1);
    if (marker === JPEG_END) return at + 2;
    if (file.readUInt8(at) !== 0xff) return file.length;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    at += 2 + file.readUInt16BE(at + 2);
    if (marker === JPEG_SCAN) at = nextMarker(file, at);
  }
  return Math.min(at + 2, file.length);
}

function nextMarker(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at !== -1 && at + 1 < file.length; at = file.indexOf(0xff, at + 1)) {
    const next = file.readUInt8(at + 1);
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return file.length;
}

function endOfPng(file: Buffer): number {
  let at = PNG_SIGNATURE_BYTES;
  while (at + PNG_CHUNK_FRAME_BYTES <= file.length) {
    const isLast = file.toString("latin1", at + 4, at + 8) === "IEND";
    at += PNG_CHUNK_FRAME_BYTES + file.readUInt32BE(at);
    if (isLast) return at;
  }
  return file.length;
}
