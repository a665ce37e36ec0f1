import sharp from "sharp";

/** A JPEG with as much in it as a photo of that size: soft noise over a slope of colours. */
export async function photo(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const noise = await sharp({
    create: { width, height, channels: 3, background: "#808080", noise: { type: "gaussian", mean: 128, sigma: 24 } },
  })
    .blur(1.5)
    .jpeg({ quality: 90 })
    .toBuffer();
  return new Uint8Array(noise);
}
