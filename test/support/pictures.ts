import sharp from "sharp";

/** A picture of one colour with a gradient across it, so that compositions and encodings can be seen in it. */
export async function picture(
  options: {
    width?: number;
    height?: number;
    colour?: [number, number, number];
    format?: "jpeg" | "png" | "webp";
  } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { width = 320, height = 400, colour = [180, 160, 140], format = "jpeg" } = options;
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const offset = (y * width + x) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        pixels[offset + channel] = Math.min(255, (colour[channel] ?? 0) + Math.round((x / width) * 40));
      }
    }
  }
  const encoded = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
  return new Uint8Array(encoded);
}

/** A form with one file for each name. */
export function uploadForm(files: Record<string, { bytes: Uint8Array<ArrayBuffer>; type?: string }>): FormData {
  const form = new FormData();
  for (const [name, file] of Object.entries(files)) {
    form.set(name, new File([file.bytes], "photo.jpg", { type: file.type ?? "image/jpeg" }));
  }
  return form;
}
