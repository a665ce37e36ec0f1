/** Making a file from somebody's phone into one that the server takes. */

/** What the server takes (src/platform/images): more is refused there. */
const BYTES_MAX = 5 * 1024 * 1024;
const EDGE_PX_MIN = 64;
/** The server keeps no more pixels than these on a side, so more need not travel. */
const EDGE_PX_MAX = 2_048;
/** A photo of a camera is made smaller before it goes out over a phone's network. */
const BYTES_WORTH_SHRINKING = 1.5 * 1024 * 1024;
const JPEG_QUALITY = 0.92;
const HEAD_BYTES = 12;

type Format = "jpeg" | "png" | "webp";
export type PhotoFault = "photo_unreadable" | "photo_small" | "photo_large";

/** Why a file cannot be sent; the words are the screen's. */
export class PhotoRefusal extends Error {
  override readonly name = "PhotoRefusal";
  readonly fault: PhotoFault;

  constructor(fault: PhotoFault) {
    super(fault);
    this.fault = fault;
  }
}

/**
 * The file as it should be sent: unchanged when it is small and of a format that the server takes; otherwise drawn anew as
 * JPEG, upright and without what a camera wrote into it. Throws a `PhotoRefusal`.
 */
export async function preparePhoto(file: File): Promise<File> {
  const format = await formatOf(file);
  const picture = await decode(file);
  if (picture === null) {
    // The server may read what this browser does not.
    if (format !== null && file.size <= BYTES_MAX) return named(file, format);
    throw new PhotoRefusal(format === null ? "photo_unreadable" : "photo_large");
  }
  try {
    if (Math.min(picture.width, picture.height) < EDGE_PX_MIN) throw new PhotoRefusal("photo_small");
    // A drawing with transparent parts keeps them unless it is too large to be taken.
    const bytesMax = format === "jpeg" ? BYTES_WORTH_SHRINKING : BYTES_MAX;
    if (format !== null && file.size <= bytesMax) return named(file, format);
    const smaller = await redraw(picture);
    if (smaller === null || smaller.size > BYTES_MAX) {
      if (format !== null && file.size <= BYTES_MAX) return named(file, format);
      throw new PhotoRefusal("photo_large");
    }
    return new File([smaller], "photo.jpg", { type: "image/jpeg" });
  } finally {
    picture.close();
  }
}

/** The server refuses a file whose declared type is not what it is; phones and chats often declare a wrong one. */
const named = (file: File, format: Format): File => new File([file], `photo.${format}`, { type: `image/${format}` });

/** By its first bytes; names and declared types are often wrong. */
async function formatOf(file: File): Promise<Format | null> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer().catch(unreadable));
  const text = String.fromCharCode(...head);
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return "jpeg";
  if (text.startsWith("\x89PNG")) return "png";
  return text.startsWith("RIFF") && text.slice(8) === "WEBP" ? "webp" : null;
}

/** A file of the cloud that is not on the phone after all. */
function unreadable(): never {
  throw new PhotoRefusal("photo_unreadable");
}

async function decode(file: File): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}

async function redraw(picture: ImageBitmap): Promise<Blob | null> {
  const scale = Math.min(1, EDGE_PX_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const brush = canvas.getContext("2d");
  if (brush === null) return null;
  brush.fillStyle = "#ffffff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
