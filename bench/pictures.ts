import sharp from "sharp";
import { createImages } from "../src/platform/images/index.ts";
import { makeTemporaryFolder } from "../test/support/temporary-folder.ts";
import { alternate } from "./alternation.ts";
import { photo } from "./photo.ts";
import { OURS, report } from "./result.ts";
import { openShop } from "./shop.ts";

/**
 * I1: uploads of 12 megapixels over HTTP, eight callers, beside a loop over sharp in this process which makes the same JPEG of
 * the same bytes, two at once, as many as the server takes. I3: a finished picture with the watermark, beside the same
 * decoding and encoding without one.
 */
const CALLERS = 8;
const AT_ONCE = 2;
const UPLOADS = 48;
const WATERMARKS = 16;
const ROUNDS = 3;
const EDGE_PX_MAX = 2_048;

const source = await photo(4_000, 3_000);
process.stderr.write(`  the photo has ${Math.round(source.byteLength / 1_024)} KiB\n`);
const shop = await openShop({ DATA_DIR: makeTemporaryFolder("atelier-bench-") });
const visitors = await Promise.all(Array.from({ length: CALLERS }, shop.visitor));

/** Does `count` pieces of work, `atOnce` side by side; answers how many a second. */
async function rate(count: number, atOnce: number, work: (worker: number) => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  let begun = 0;
  const workOn = async (worker: number) => {
    while (begun < count) {
      begun += 1;
      await work(worker);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, worker) => workOn(worker)));
  return (count * 1_000) / (performance.now() - beganMs);
}

const upload = async (caller: number) => {
  const form = new FormData();
  form.set("user_photo", new File([source], "photo.jpg", { type: "image/jpeg" }));
  await visitors[caller]?.ask("POST", "/fitting/upload", form);
};
sharp.cache(false);
sharp.concurrency(1);
const bareUpload = () =>
  sharp(source)
    .autoOrient()
    .resize({ width: EDGE_PX_MAX, height: EDGE_PX_MAX, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 88 })
    .toBuffer();
const images = createImages({ concurrency: AT_ONCE });
const finished = (await images.acceptResult(await photo(1_536, 2_048))).bytes;
const bareCopy = async () => {
  const { data, info } = await sharp(finished).autoOrient().raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  await sharp(data, { raw }).jpeg({ quality: 88 }).toBuffer();
};

try {
  const samples = await alternate(
    {
      [OURS]: async () => ({
        uploads_per_second: await rate(UPLOADS, CALLERS, upload),
        watermark_ms: 1_000 / (await rate(WATERMARKS, 1, () => images.watermark(finished, "atelier"))),
      }),
      "bare sharp": async () => ({
        uploads_per_second: await rate(UPLOADS, AT_ONCE, bareUpload),
        watermark_ms: 1_000 / (await rate(WATERMARKS, 1, bareCopy)),
      }),
    },
    ROUNDS,
  );
  await report("pictures", samples, [
    { goal: "I1", what: "uploads_per_second", against: "bare sharp", atLeast: 0.9 },
    { goal: "I3", what: "watermark_ms", against: "bare sharp", atMost: 1.3 },
  ]);
} finally {
  await shop.stop();
}
