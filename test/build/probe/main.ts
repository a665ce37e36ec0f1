import { readFileSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { FONT_FAMILY, fontFile } from "../../../src/platform/images/font.ts";
import { createImages } from "../../../src/platform/images/index.ts";
import { loadSharp } from "../../../src/platform/images/sharp.ts";
import { webBundle } from "../../../src/web/bundle.ts";
import dot from "./dot.png" with { type: "file" };
import statement from "./statement.sql" with { type: "text" };

/**
 * A small program for the tests of the compiled file: it uses all that the real one embeds and prints what came of it as JSON.
 * With the word `prove` it does first what a server does at its start, and says whether that loaded the native code.
 */
try {
  const proof = process.argv[2] === "prove" ? await prove() : {};
  const sharp = await loadSharp();
  const photo = await sharp({ create: { width: 1200, height: 800, channels: 3, background: "white" } })
    .jpeg()
    .toBuffer();
  const small = await sharp(photo).resize(300).jpeg().toBuffer({ resolveWithObject: true });

  const text = { text: "SANDBOX", font: `${FONT_FAMILY} 48`, fontfile: await fontFile() };
  const { channels } = await sharp({ text }).stats();

  process.stdout.write(
    JSON.stringify({
      ...proof,
      resizedTo: [small.info.width, small.info.height, small.info.format],
      brightestPixelOfText: Math.max(...channels.map(({ max }) => max)),
      dotBytes: readFileSync(dot).byteLength,
      statement: statement.trim(),
      pages: await pageSizes(),
      fromDotEnv: process.env.FROM_DOTENV ?? null,
    }),
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function prove() {
  const images = createImages();
  await images.prove().catch((error: Error) => {
    throw new Error(`at the start: ${error.message}`);
  });
  const loadedAtStart = holdsNativeCode();
  await images.prove();
  return { loadedAtStart, loadedByAsking: holdsNativeCode() && !loadedAtStart };
}

function holdsNativeCode(): boolean {
  return readFileSync("/proc/self/maps", "latin1").includes("libvips");
}

/** Each page and its parts, as they come out of the file: the hash of the plain form, and whether both others unpack to it. */
async function pageSizes() {
  const { pages, assets } = await webBundle();
  const files = [...pages, ...assets];
  const read = files.map(async ([name, file]) => {
    const plain = await file.plain.bytes();
    const isWhole = new Bun.CryptoHasher("sha256").update(plain).digest("hex").startsWith(file.hash);
    const unpacked = [gunzipSync(await file.gzip.bytes()), brotliDecompressSync(await file.brotli.bytes())];
    return [name.replace(file.hash, "<hash>"), isWhole && unpacked.every((bytes) => bytes.equals(plain))] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
