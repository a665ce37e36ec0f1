/** How the parts of a multipart body begin. */
export interface PartBeginnings {
  /** Takes the next bytes of the body. */
  see(chunk: Uint8Array): void;
  /** The field's name in the headers of the part with this number, counted from 0; undefined where there is none. */
  nameOfPart(index: number): string | undefined;
}

/**
 * Keeps the first bytes of each part, `keptMax.bytes` of `keptMax.count` parts. The parser shows a part only once it is
 * complete, and one that is too large never is; without this nobody could tell a person which of their photos it was.
 *
 * Chunks are searched where they lie: a photo's are half a megabyte each, and copying them once more took as long as reading
 * them. Only the seam between two chunks, where a delimiter may lie across both, is put together.
 */
export function watchBeginnings(boundary: string, keptMax: { bytes: number; count: number }): PartBeginnings {
  const delimiter = Buffer.from(`--${boundary}\r\n`);
  const overlap = delimiter.length - 1;
  const beginnings: Buffer[] = [];
  let carried = Buffer.alloc(0);

  /** What stands in `seen` from `from` to the next delimiter belongs to the open beginning; each delimiter opens one. */
  const take = (seen: Buffer, from: number): void => {
    const [first = seen.length, ...further] = positionsOf(delimiter, seen, keptMax.count);
    const open = beginnings.at(-1);
    if (open) beginnings[beginnings.length - 1] = extended(open, seen.subarray(from, first), keptMax.bytes);
    for (const at of first < seen.length ? [first, ...further] : []) {
      if (beginnings.length < keptMax.count) beginnings.push(Buffer.from(seen.subarray(at, at + keptMax.bytes)));
    }
  };

  return {
    see(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const seam = Buffer.concat([carried, bytes.subarray(0, overlap)]);
      // A delimiter that fits into the seam begins in what came before.
      if (seam.includes(delimiter)) take(Buffer.concat([carried, bytes]), carried.length);
      else take(bytes, 0);
      const end = bytes.length < overlap ? seam : bytes;
      carried = Buffer.from(end.subarray(Math.max(0, end.length - overlap)));
    },
    nameOfPart(index) {
      const [headers = ""] = (beginnings[index]?.toString("latin1") ?? "").split("\r\n\r\n", 1);
      return /\bname="([^"]*)"/i.exec(headers)?.[1];
    },
  };
}

function extended(beginning: Buffer, more: Uint8Array, bytesMax: number): Buffer {
  const missing = bytesMax - beginning.length;
  return missing > 0 ? Buffer.concat([beginning, more.subarray(0, missing)]) : beginning;
}

function positionsOf(wanted: Buffer, bytes: Buffer, countMax: number): number[] {
  const positions: number[] = [];
  for (let at = bytes.indexOf(wanted); at !== -1 && positions.length < countMax; at = bytes.indexOf(wanted, at + 1)) {
    positions.push(at);
  }
  return positions;
}
