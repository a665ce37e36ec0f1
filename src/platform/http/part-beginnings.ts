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
 */
export function watchBeginnings(boundary: string, keptMax: { bytes: number; count: number }): PartBeginnings {
  const delimiter = Buffer.from(`--${boundary}\r\n`);
  const beginnings: Buffer[] = [];
  let carried = Buffer.alloc(0);
  return {
    see(chunk) {
      const seen = Buffer.concat([carried, chunk]);
      const [first = seen.length, ...further] = positionsOf(delimiter, seen, keptMax.count);
      const open = beginnings.at(-1);
      // What was carried over is in there already.
      if (open) beginnings[beginnings.length - 1] = extended(open, seen.subarray(carried.length, first), keptMax.bytes);
      for (const at of first < seen.length ? [first, ...further] : []) {
        if (beginnings.length < keptMax.count) beginnings.push(Buffer.from(seen.subarray(at, at + keptMax.bytes)));
      }
      // A delimiter may lie across two chunks.
      carried = Buffer.from(seen.subarray(Math.max(0, seen.length - delimiter.length + 1)));
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
