import { join } from "node:path";
import sharp from "sharp";

/**
 * Renders the drawn garments of the sandbox from SVG to the PNG that it serves. A step of the build, in a process of its
 * own: the program itself never lets sharp read SVG.
 */
const SAMPLES_FOLDER = join(import.meta.dir, "..", "sandbox", "samples");
const DRAWN_SAMPLES = ["jacket", "tshirt", "sunglasses"] as const;
const EDGE_PX = 768;

for (const name of DRAWN_SAMPLES) {
  const drawing = await Bun.file(join(SAMPLES_FOLDER, `${name}.svg`)).bytes();
  const target = join(SAMPLES_FOLDER, `${name}.png`);
  await sharp(drawing)
    .resize(EDGE_PX, EDGE_PX)
    .flatten({ background: "#ffffff" })
    .png({ compressionLevel: 9, palette: false })
    .toFile(target);
  process.stdout.write(`${name}.png ${Bun.file(target).size} bytes\n`);
}
