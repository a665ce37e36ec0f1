/** Width and height in pixels, as the file's header tells them. */
export interface PixelSize {
  width: number;
  height: number;
}

/**
 * The size of a JPEG, PNG or WebP from its header alone, undefined for anything else or a header that is cut off. For
 * files of our own making, whose rotation is already applied; what people send goes through `acceptPhoto`.
 */
export function pixelSize(bytes: Uint8Array): PixelSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (textAt(bytes, 1, 3) === "PNG" && textAt(bytes, 12, 4) === "IHDR") {
      return positive({ width: view.getUint32(16), height: view.getUint32(20) });
    }
    if (textAt(bytes, 0, 4) === "RIFF" && textAt(bytes, 8, 4) === "WEBP") return webpSize(bytes, view);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegSize(view);
  } catch (error) {
    // A header that ends too early.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/** Start-of-frame markers are 0xC0 to 0xCF but for these three, which mean tables. */
const NO_FRAME = [0xc4, 0xc8, 0xcc];

function jpegSize(view: DataView): PixelSize | undefined {
  let at = 2;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    // Fill bytes may stand before any marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker)) {
      return positive({ height: view.getUint16(at + 5), width: view.getUint16(at + 7) });
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function webpSize(bytes: Uint8Array, view: DataView): PixelSize | undefined {
  switch (textAt(bytes, 12, 4)) {
    case "VP8 ":
      return positive({ width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff });
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
    default:
      return undefined;
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function positive(size: PixelSize): PixelSize | undefined {
  return size.width > 0 && size.height > 0 ? size : undefined;
}
